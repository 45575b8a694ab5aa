"""Candles and lists of Coinbase Exchange and OKX, and OKX's funding rates: rows that equal the document, or a named
error."""

import threading
from decimal import Decimal
from fractions import Fraction

import pytest
from documents import LITERALS, ODD_VALUES, Written, bodies, decimal_texts, dumps
from hypothesis import example, given
from hypothesis import strategies as st
from played import Played
from readings import boolean, decimal, from_json, integer, or_none, rows_of, text, without_copies
from rowwise import check_list, with_one_odd

from coinbase_source.candles import CoinbaseCandles
from coinbase_source.client import CoinbaseClient
from coinbase_source.products import fetch_products, products_snapshot
from coinbase_source.settings import CoinbaseConfiguration
from exchange_engine.http.errors import SourceError
from exchange_engine.walk import Window
from okx_source.candles import OkxCandles
from okx_source.client import OkxClient
from okx_source.funding_rates import OkxFundingRates
from okx_source.instruments import fetch_instruments, instruments_snapshot
from okx_source.settings import OkxConfiguration

MINUTE = 60_000
START = 28_333_440 * MINUTE  # 2023-11-15
ROWS = 3
END = START + ROWS * MINUTE
NOW = START + 10_000 * MINUTE
HOUR = 60 * MINUTE

COINBASE_FIELDS = ("low", "high", "open", "close", "volume")
SPOT_FIELDS = {"open": 1, "high": 2, "low": 3, "close": 4, "volume": 5, "quote_volume": 7}
SWAP_FIELDS = {**SPOT_FIELDS, "volume": 6, "contracts": 5}


class Venue:
    """A client of a venue whose every answer is the one that was played last."""

    def __init__(self, kind, configuration):
        configuration.max_attempts, configuration.backoff_seconds = 1, 0.0
        self.answers = Played()
        self.client = kind(configuration, threading.Event())
        self.client._session.mount("https://", self.answers)
        for budget in self.client.budgets():
            budget.set_limit(10**12)

    def play(self, body):
        self.answers.play(body)
        return self.client


@pytest.fixture(scope="session")
def coinbase():
    made = Venue(CoinbaseClient, CoinbaseConfiguration())
    yield made
    made.client.close()


@pytest.fixture(scope="session")
def okx():
    made = Venue(OkxClient, OkxConfiguration())
    yield made
    made.client.close()


def coinbase_candle(at, numbers=("1", "3", "1.5", "2", "10")):
    return [START // 1_000 + at * 60, *map(Written, numbers)]


@st.composite
def json_numbers(draw):
    """Any number that fits decimal(38, 18), in one of JSON's notations."""
    whole, fraction = draw(st.integers(0, 10**19)), draw(st.integers(0, 10**18 - 1))
    plain = f"{whole}.{fraction:018}"
    small = f"{draw(st.integers(1, 999))}e-{draw(st.integers(1, 18)):02}"
    return draw(st.sampled_from([plain, small, str(whole), "0", "-1.5"]))


@st.composite
def coinbase_candles(draw):
    rows = [coinbase_candle(at, [draw(json_numbers()) for _ in COINBASE_FIELDS]) for at in range(ROWS)]
    return rows[::-1]


def load_coinbase(coinbase, body):
    series = CoinbaseCandles(coinbase.play(body), "coinbase|A-B|1m", (START, END), [], NOW)
    return series.fetch(Window(START, END, (START,)))


def read_coinbase(rows):
    return without_copies(
        [
            {
                "symbol": "A-B",
                "interval": "1m",
                "open_time": integer(row[0]) * 1_000_000,
                **{name: decimal(value) for name, value in zip(COINBASE_FIELDS, row[1:6], strict=True)},
            }
            for row in reversed(rows)
            if integer(row[0]) * 1_000 >= START
        ]
    )


def is_noisy(volume):
    return -30 <= Decimal(volume).as_tuple().exponent < -18


def without_noise(candle):
    """Volumes to the 18th place, half to the even digit; prices as they are."""
    volume = candle["volume"]
    rounded = Decimal(f"{round(Fraction(volume) * 10**18)}E-18") if is_noisy(volume) else volume
    return {**candle, "volume": rounded}


def check_coinbase(page, body):
    expected = read_coinbase(from_json(body))
    assert rows_of(page.rows) == [without_noise(candle) for candle in expected]
    assert page.rounded == sum(is_noisy(candle["volume"]) for candle in expected)
    assert page.rejected == ()


@given(coinbase_candles())
def test_valid_candles_of_coinbase_are_the_rows_that_they_say(coinbase, rows):
    page = load_coinbase(coinbase, dumps(rows))
    assert (rows_of(page.rows), page.rounded) == (read_coinbase(from_json(dumps(rows))), 0)


@given(bodies(coinbase_candles()))
@example(b'[[1700006400,1,1,1,1,"\xff"]]')
@example(dumps([coinbase_candle(1), coinbase_candle(1), coinbase_candle(0)]))
@example(dumps([coinbase_candle(1), coinbase_candle(0, ("1", "3", "1.5", "2", "2.3E-18"))]))
@example(dumps([coinbase_candle(1), coinbase_candle(0, ("1", "3", "1.5", "2", "10.0"))]))
@example(dumps([[*coinbase_candle(1), "new"], coinbase_candle(0)]))
def test_any_candles_of_coinbase_are_the_rows_that_they_say_or_a_named_error(coinbase, body):
    try:
        found = load_coinbase(coinbase, body)
    except SourceError:
        return
    check_coinbase(found, body)


@st.composite
def noisy_volumes(draw):
    """A volume with 19 to 30 decimals, and one of its ties among them."""
    places = draw(st.integers(19, 30))
    digits = draw(st.integers(0, 10**18 - 1))
    rest = draw(st.integers(0, 10 ** (places - 18) - 1) | st.just(5 * 10 ** (places - 19)))
    return f"{draw(st.integers(0, 10**19))}.{digits:018}{rest:0{places - 18}}"


@given(st.lists(noisy_volumes(), min_size=ROWS, max_size=ROWS))
def test_noise_behind_the_18th_decimal_of_volumes_is_rounded_half_even_and_counted(coinbase, volumes):
    rows = [coinbase_candle(at, ("1", "3", "1.5", "2", volume)) for at, volume in enumerate(volumes)][::-1]
    page = load_coinbase(coinbase, dumps(rows))
    check_coinbase(page, dumps(rows))
    assert page.rounded == ROWS


@pytest.mark.parametrize("field", [0, 1, 5], ids=["open_time", "low", "volume"])
def test_each_odd_value_of_a_candle_of_coinbase_is_what_it_says_or_a_named_error(coinbase, field):
    for value in (
        *ODD_VALUES,
        *map(Written, (*LITERALS, "1e41", "5e22", "1e99999999999", "1E-99999999", "0e-0000000000000000001")),
    ):
        rows = [coinbase_candle(2), coinbase_candle(1), coinbase_candle(0)]
        rows[0][field] = value
        body = dumps(rows)
        try:
            found = load_coinbase(coinbase, body)
        except SourceError:
            continue
        check_coinbase(found, body)


def okx_candle(at, numbers=("1", "3", "0.5", "2", "10", "20", "40"), confirm="1"):
    return [str(START + at * MINUTE), *numbers, confirm]


def okx_answer(body):
    return b'{"code":"0","msg":"","data":' + body + b"}"


@st.composite
def okx_candles(draw):
    return [okx_candle(at, [draw(decimal_texts()) for _ in range(7)]) for at in reversed(range(ROWS))]


def load_okx(okx, body, kind):
    series = OkxCandles(okx.play(okx_answer(body)), "okx|A-B|1m", kind, (START, END), [], NOW)
    return series.fetch(Window(START, END, (START,)))


def read_okx(rows, fields):
    """The confirmed candles, and the open times of the others."""
    found = without_copies(
        [
            {
                "symbol": "A-B",
                "interval": "1m",
                "open_time": int(text(row[0])) * 1_000,
                "contracts": None,
                **{name: text(row[at]) for name, at in fields.items()},
                "confirm": text(row[8]),
            }
            for row in reversed(rows)
        ]
    )
    confirmed = [
        {name: decimal(value) if name in fields else value for name, value in row.items() if name != "confirm"}
        for row in found
        if row["confirm"] == "1"
    ]
    return confirmed, [row["open_time"] // 1_000 for row in found if row["confirm"] != "1"]


def check_okx(page, body):
    rejected = [from_json(one.row.encode()) for one in page.rejected]
    assert (rows_of(page.rows), [int(row[0]) for row in rejected]) == read_okx(from_json(body), SWAP_FIELDS)
    assert all(row[8] != "1" for row in rejected)


@given(okx_candles())
def test_valid_candles_of_okx_are_the_rows_that_they_say(okx, rows):
    for kind, fields in (("SPOT", SPOT_FIELDS), ("SWAP", SWAP_FIELDS)):
        page = load_okx(okx, dumps(rows), kind)
        assert (rows_of(page.rows), page.rejected) == (read_okx(rows, fields)[0], [])


@given(bodies(okx_candles()))
@example(dumps([okx_candle(2), okx_candle(1, confirm="0"), okx_candle(0)]))
@example(dumps([okx_candle(2), okx_candle(1), okx_candle(1), okx_candle(0)]))
@example(dumps([okx_candle(2), [*okx_candle(1), "new"], okx_candle(0)]))
def test_any_candles_of_okx_are_the_rows_that_they_say_or_a_named_error(okx, body):
    try:
        found = load_okx(okx, body, "SWAP")
    except SourceError:
        return
    check_okx(found, body)


@pytest.mark.parametrize("field", [0, 1, 6, 8], ids=["open_time", "open", "volume", "confirm"])
def test_each_odd_value_of_a_candle_of_okx_is_what_it_says_or_a_named_error(okx, field):
    for value in (*ODD_VALUES, *map(Written, LITERALS)):
        rows = [okx_candle(2), okx_candle(1), okx_candle(0)]
        rows[0][field] = value
        body = dumps(rows)
        try:
            found = load_okx(okx, body, "SWAP")
        except SourceError:
            continue
        check_okx(found, body)


def funding_rate(at, paid="0.0001", foretold="-0.0002", late=0):
    return {
        "instId": "A-B", "fundingTime": str(START + at * HOUR + late), "realizedRate": paid, "fundingRate": foretold,
        "method": "current_period",
    }  # fmt: skip


@st.composite
def funding_rates(draw):
    return [funding_rate(at, draw(decimal_texts()), draw(decimal_texts())) for at in reversed(range(ROWS))]


@st.composite
def settled_twice(draw):
    """Rates of which some are empty, and some are of one settlement."""
    paid = st.sampled_from(["0.1", "0.10", "0.2", ""])
    lates = st.sets(st.sampled_from([0, 1, 30_000, 59_999, 60_000, 60_001, 120_000]), min_size=1)
    return [
        funding_rate(at, draw(paid), late=late) for at in reversed(range(ROWS)) for late in sorted(draw(lates))[::-1]
    ]


def load_funding(okx, body):
    # From an hour before the newest rate: one page is all.
    series = OkxFundingRates(okx.play(okx_answer(body)), "okx|A-B", (START, START + ROWS * HOUR), [], NOW)
    return series.fetch(Window(START, START + ROWS * HOUR, (START + ROWS * HOUR,)))


def read_funding(row):
    return {
        "symbol": text(row["instId"]),
        "funding_time": int(text(row["fundingTime"])) * 1_000,
        "funding_rate": decimal(text(row["realizedRate"])),
        "predicted_rate": or_none(decimal)(row.get("fundingRate")),
        "method": row.get("method") or None,
    }


def time_of(row):
    return int(text(row["fundingTime"]))


def read_settlements(rows):
    """One row of each settlement, and the times of those that are empty or contradict each other."""
    said = [{"realizedRate": "", "fundingRate": "", "method": "", **row} for row in reversed(rows)]
    known = ("instId", "fundingTime", "realizedRate", "fundingRate", "method")
    ascending = without_copies([{name: row[name] for name in known} for row in said])
    paid = [row for row in ascending if row["realizedRate"] != ""]
    left_out = [time_of(row) for row in ascending if row["realizedRate"] == ""]
    found = []
    while paid:
        together = [row for row in paid if time_of(row) <= time_of(paid[0]) + 60_000]
        paid = paid[len(together) :]
        if all(decimal(text(row["realizedRate"])) == decimal(text(together[0]["realizedRate"])) for row in together):
            found.append(read_funding(together[0]))
        else:
            left_out += [time_of(row) for row in together]
    return found, sorted(left_out)


@given(funding_rates())
def test_valid_funding_rates_of_okx_are_the_rows_that_they_say(okx, rows):
    page = load_funding(okx, dumps(rows))
    assert (rows_of(page.rows), page.rejected) == ([read_funding(row) for row in reversed(rows)], [])


def check_funding(page, body):
    rejected = sorted(time_of(from_json(one.row.encode())) for one in page.rejected)
    assert (rows_of(page.rows), rejected) == read_settlements(from_json(body))


@given(bodies(funding_rates()) | settled_twice().map(dumps))
@example(dumps([funding_rate(1), funding_rate(0, late=1), funding_rate(0, "0.00010")]))
@example(dumps([funding_rate(1), funding_rate(0, "0.0002", late=1), funding_rate(0)]))
@example(dumps([funding_rate(1), funding_rate(1), funding_rate(0, "")]))
def test_any_funding_rates_of_okx_are_the_rows_that_they_say_or_a_named_error(okx, body):
    try:
        page = load_funding(okx, body)
    except SourceError:
        return
    check_funding(page, body)


@given(settled_twice())
def test_of_settlements_none_is_lost(okx, rows):
    check_funding(load_funding(okx, dumps(rows)), dumps(rows))


WIDE = st.integers(0, 10**38 - 1).map(lambda digits: f"{digits // 10**18}.{digits % 10**18:018}")
"""Any number that fits decimal(38, 18)."""

INSTRUMENT_NAMES = ("A-B", "C-D", "E-F")
INSTRUMENT_TEXTS = {
    "base_asset": "baseCcy", "quote_asset": "quoteCcy", "settle_asset": "settleCcy", "underlying": "uly",
    "contract_value_asset": "ctValCcy",
}  # fmt: skip
INSTRUMENT_NUMBERS = {
    "contract_value": "ctVal", "contract_multiplier": "ctMult", "tick_size": "tickSz", "lot_size": "lotSz",
    "min_size": "minSz",
}  # fmt: skip
INSTRUMENT_TIMES = {"list_time": "listTime", "expiry_time": "expTime"}
PRODUCT_TEXTS = {"base_asset": "base_currency", "quote_asset": "quote_currency"}
PRODUCT_NUMBERS = {name: name for name in ("quote_increment", "base_increment", "min_market_funds")}


def fields_of(values, *columns):
    return {theirs: values for names in columns for theirs in names.values()}


@st.composite
def instruments(draw):
    empty = st.just("")
    fields = {
        "instType": st.sampled_from(["SPOT", "SWAP"]), "state": st.text(max_size=4),
        **fields_of(st.text(max_size=6), INSTRUMENT_TEXTS), **fields_of(WIDE | empty, INSTRUMENT_NUMBERS),
        **fields_of(st.integers(0, 10**13 - 1).map(str) | empty, INSTRUMENT_TIMES),
    }  # fmt: skip
    return [{"instId": name, **draw(st.fixed_dictionaries(fields))} for name in INSTRUMENT_NAMES]


@st.composite
def products(draw):
    fields = {
        "display_name": st.text(max_size=6), "status": st.text(max_size=6), "trading_disabled": st.booleans(),
        **fields_of(st.text(max_size=6), PRODUCT_TEXTS),
        **fields_of(WIDE | st.sampled_from(["", None]), PRODUCT_NUMBERS),
    }  # fmt: skip
    return [{"id": name, **draw(st.fixed_dictionaries(fields))} for name in INSTRUMENT_NAMES]


def read_instrument(row):
    """Fields that the venue leaves out are as good as empty."""
    return {
        "instrument_type": text(row["instType"]), "symbol": text(row["instId"]), "state": text(row["state"]),
        **{ours: or_none(text)(row.get(theirs)) for ours, theirs in INSTRUMENT_TEXTS.items()},
        **{ours: or_none(decimal)(row.get(theirs)) for ours, theirs in INSTRUMENT_NUMBERS.items()},
        **{ours: or_none(lambda ms: int(ms) * 1_000)(row.get(theirs)) for ours, theirs in INSTRUMENT_TIMES.items()},
        "updated_at": NOW,
    }  # fmt: skip


def read_product(row):
    return {
        "symbol": text(row["id"]), "display_name": text(row["display_name"]), "status": text(row["status"]),
        "is_trading_disabled": boolean(row["trading_disabled"]),
        **{ours: or_none(text)(row[theirs]) for ours, theirs in PRODUCT_TEXTS.items()},
        **{ours: or_none(decimal)(row.get(theirs)) for ours, theirs in PRODUCT_NUMBERS.items()},
        "updated_at": NOW,
    }  # fmt: skip


class VenueList:
    """A venue's list: how it is asked for and read."""

    def __init__(self, client, fetch, snapshot, envelope, name, read):
        self.client, self.fetch, self.snapshot = client, fetch, snapshot
        self.envelope, self.name, self.read = envelope, name, read

    def load(self, body):
        return self.snapshot(self.fetch(self.client.play(self.envelope(body))), NOW)

    def check_all(self, rows):
        snapshot = self.load(dumps(rows))
        assert rows_of(snapshot.rows) == [self.read(row) for row in rows]
        assert (snapshot.rejected, snapshot.unnamed) == ([], 0)

    def check_others(self, made):
        others, rows = made
        found = rows_of(self.load(dumps(rows)).rows)
        assert all(self.read(row) in found for row in others)

    def check_any(self, body):
        try:
            snapshot = self.load(body)
        except SourceError:
            return
        check_list(snapshot, rows_of(snapshot.rows), from_json(body), self.name, "symbol", self.read)


@pytest.fixture(scope="session")
def instrument_list(okx):
    # The types are asked for alike: one of them is enough.
    return VenueList(
        okx, lambda client: fetch_instruments(client)["SPOT"], instruments_snapshot, okx_answer, "instId",
        read_instrument,
    )  # fmt: skip


@pytest.fixture(scope="session")
def product_list(coinbase):
    return VenueList(coinbase, fetch_products, products_snapshot, bytes, "id", read_product)


@given(instruments())
def test_valid_instruments_are_the_rows_that_they_say(instrument_list, rows):
    instrument_list.check_all(rows)


@given(with_one_odd(instruments()))
def test_an_odd_instrument_does_not_take_the_others_with_it(instrument_list, made):
    instrument_list.check_others(made)


@given(bodies(instruments()))
def test_any_instruments_are_the_rows_that_they_say_or_named(instrument_list, body):
    instrument_list.check_any(body)


@given(products())
def test_valid_products_are_the_rows_that_they_say(product_list, rows):
    product_list.check_all(rows)


@given(with_one_odd(products()))
def test_an_odd_product_does_not_take_the_others_with_it(product_list, made):
    product_list.check_others(made)


@given(bodies(products()))
def test_any_products_are_the_rows_that_they_say_or_named(product_list, body):
    product_list.check_any(body)

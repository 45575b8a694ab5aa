"""Oddities: what each of them changes in an answer, and that nothing is changed without them."""

import json
from decimal import ROUND_DOWN, ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import numpy as np
import pyarrow.compute as pc
import pytest

from exchange_simulator import running_simulator
from exchange_simulator.oddities import ODDITIES

CANDLES = "/coinbase/products/BTC-USD/candles?granularity=60&start=2025-02-11T11:00:00Z&end=2025-02-11T11:59:00Z"
OKX_CANDLES = "/okx/api/v5/market/history-candles?instId=BTC-USDT&bar=1m&after=1739275200000&limit=60"
FUNDING = "/okx/api/v5/public/funding-rate-history?instId=BTC-USDT-SWAP&before=1739088060000"  # 2025-02-09 08:01
SPOT_INFO = "/api/v3/exchangeInfo"
UM_FUNDING = "/fapi/v1/fundingRate?symbol=BTCUSDT&startTime=1739145600000&endTime=1739232000999"
INSTRUMENTS = "/okx/api/v5/public/instruments?instType=SPOT"
HOUR = 3_600_000
MIDNIGHT = 1739232000000  # 2025-02-11
OTHER_MARKET = """
seed = 1

[[symbol]]
name = "XYZUSDT"
base_asset = "XYZ"
quote_asset = "USDT"
price = "82"
tick_size = "0.01"
step_size = "0.001"
usual_quantity = "3"
trades_per_minute = 4
volatility = 100
min_notional = "5"
listed = 2025-01-01
"""


@pytest.fixture(scope="module")
def simulator():
    with running_simulator(market="tests", clock="2025-02-11T12:00:30", clock_mode="frozen", no_limits=True) as made:
        yield made


@pytest.fixture
def odd(simulator):
    """Switches oddities on; all of them are off at the end."""
    yield lambda *names: simulator.set_oddities(**dict.fromkeys(names, True))
    simulator.set_oddities(**dict.fromkeys(ODDITIES, False))


@pytest.fixture
def get(simulator):
    def body(path):
        with urlopen(f"{simulator.url}{path}") as response:
            return json.loads(response.read(), parse_float=str)

    return body


@pytest.fixture
def true_times(simulator):
    """Returns the times of the truth about a table, in milliseconds."""

    def times(kind, column, symbol, interval=None, start=MIDNIGHT - 24 * HOUR, end=MIDNIGHT + 12 * HOUR):
        table = simulator.truth(kind, symbol, interval, start, end)
        return (table[column].cast("int64").to_numpy() // 1000).tolist()

    return times


@pytest.fixture
def asked(simulator):
    """Asks for a path without oddities, then with some."""

    def ask(path, *names):
        bodies = []
        for is_on in (False, True):
            simulator.set_oddities(**dict.fromkeys(names, is_on))
            with urlopen(f"{simulator.url}{path}") as response:
                bodies.append(json.loads(response.read(), parse_float=str))
        simulator.set_oddities(**dict.fromkeys(names, False))
        return bodies

    return ask


def test_placeholders_have_a_type_and_a_state_and_some_a_name(asked):
    before, after = (body["data"] for body in asked(INSTRUMENTS, "okx_placeholders"))
    assert after[: len(before)] == before
    odd = after[len(before) :]
    assert [(row["instId"], row["instType"], row["state"]) for row in odd] == [
        ("", "SPOT", "preopen"), ("", "SPOT", "preopen"), ("LISTING-SPOT-SLX-USDT", "SPOT", "preopen"),
    ]  # fmt: skip
    assert {row[name] for row in odd for name in ("tickSz", "lotSz", "minSz", "baseCcy", "quoteCcy")} == {""}


def test_an_unreadable_instrument_has_no_time_for_its_listing(asked):
    before, after = (body["data"] for body in asked(INSTRUMENTS, "okx_unreadable_instrument"))
    assert after[:-1] == before
    assert (after[-1]["instId"], after[-1]["listTime"]) == ("ODD-USDT", "soon")


def test_candles_of_okx_get_a_column_and_one_is_never_confirmed(asked):
    before, after = (body["data"] for body in asked(OKX_CANDLES, "okx_extra_columns", "okx_unconfirmed_candle"))
    assert {len(row) for row in before} == {9}
    assert {len(row) for row in after} == {10}
    assert [row[0] for row in after if row[8] == "0"] == ["1739273820000"]  # 11:37
    assert [row[:8] for row in after] == [row[:8] for row in before]


def test_rates_of_okx_are_empty_or_there_twice(asked):
    before, after = (body["data"] for body in asked(FUNDING, "okx_empty_realized_rate", "okx_close_settlements"))
    hours = {row["fundingTime"]: int(row["fundingTime"]) // 3_600_000 % 24 for row in before}
    assert [row["realizedRate"] == "" for row in after if row["fundingTime"] in hours] == [
        hours[row["fundingTime"]] == 16 for row in before
    ]
    added = [row for row in after if row["fundingTime"] not in hours]
    originals = [row for row in before if hours[row["fundingTime"]] == 8]
    assert [int(row["fundingTime"]) - 5_000 for row in added] == [int(row["fundingTime"]) for row in originals]
    assert [row["realizedRate"] for row in added] == [row["realizedRate"] for row in originals]


def test_a_candle_of_coinbase_is_there_twice(asked):
    before, after = asked(CANDLES, "coinbase_doubled_candles")
    assert len(after) == len(before) + 1
    [at] = [at for at in range(1, len(after)) if after[at] == after[at - 1]]
    assert after[:at] + after[at + 1 :] == before


def test_noise_of_volumes_lies_behind_the_eighteenth_decimal(asked):
    before, after = asked(CANDLES, "coinbase_noisy_volume")
    noisy = [(old[5], new[5]) for old, new in zip(before, after, strict=True) if old != new]
    assert 5 <= len(noisy) <= 9
    place = Decimal(1).scaleb(-18)
    for old, new in noisy:
        assert len(new.partition(".")[2]) > 18
        assert Decimal(new).quantize(place, ROUND_HALF_EVEN) == Decimal(old) != Decimal(new)
    noises = {Decimal(new) - Decimal(old) for old, new in noisy}
    assert noises == {Decimal("3e-19"), Decimal("5e-19"), Decimal("-4e-19"), Decimal("-5e-19")}
    for rounding in (ROUND_DOWN, ROUND_HALF_UP, ROUND_HALF_DOWN):
        assert any(Decimal(new).quantize(place, rounding) != Decimal(old) for old, new in noisy)


def test_products_without_increment_name_or_sense(asked):
    before, after = asked("/coinbase/products", "coinbase_empty_increment", "coinbase_odd_row")
    assert after[: len(before)] == before
    empty, nameless, bad = after[len(before) :]
    assert (empty["id"], empty["quote_increment"]) == ("ODD-USD", "")
    assert "id" not in nameless
    assert (bad["id"], bad["trading_disabled"]) == ("BAD-USD", "maybe")


def test_exchange_info_with_a_fine_step_odd_rows_and_a_change(asked):
    before, after = asked(SPOT_INFO, "binance_fine_step", "binance_odd_rows", "binance_symbol_change")
    names = [row["symbol"] for row in before["symbols"]]
    assert [row["symbol"] for row in after["symbols"]] == [*names, "ODDCOIN", "", names[0]]
    assert "status" not in after["symbols"][len(names)]
    odd = after["symbols"][names.index("ETHUSDT")]
    rules = {rule["filterType"]: rule for rule in odd["filters"]}
    assert odd["status"] == "BREAK"
    assert (rules["LOT_SIZE"]["stepSize"], rules["PRICE_FILTER"]["tickSize"]) == ("0.0000000001", "0.10000000")


def test_klines_get_a_column(asked):
    before, after = asked("/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=3", "binance_extra_columns")
    assert [row[:-1] for row in after] == before


def test_settlements_of_binance_are_there_twice_and_contradict_each_other(asked):
    before, after = asked(UM_FUNDING, "binance_close_settlements")
    added = [row for row in after if row not in before]
    first, second, last = added
    assert [(row["fundingTime"] + 60_000) // 3_600_000 % 24 for row in added] == [0, 8, 0]
    assert second["fundingRate"] == "0.12345678"
    for row in (first, last):
        [original] = [one for one in before if one["fundingTime"] == row["fundingTime"] - 7]
        assert original["fundingRate"] == row["fundingRate"]


def test_what_is_no_oddity_is_refused_with_their_names(simulator):
    with pytest.raises(ValueError, match="okx_placeholders"):
        simulator.set_oddities(none=True)
    with pytest.raises(ValueError, match="each true or false"):
        simulator.set_oddities(okx_placeholders="yes")
    with pytest.raises(RuntimeError, match="none = True is no oddity; there are okx_placeholders"):
        running_simulator(oddities="none").__enter__()
    with running_simulator(market="tests", oddities="okx_placeholders,binance_odd_rows") as other:
        switched = other.set_oddities()
    assert [name for name, is_on in switched.items() if is_on] == ["okx_placeholders", "binance_odd_rows"]
    assert set(switched) == set(ODDITIES)


def test_all_are_on_at_once_and_off_again_without_a_trace(simulator, odd):
    paths = [
        *(CANDLES, OKX_CANDLES, FUNDING, SPOT_INFO, UM_FUNDING, INSTRUMENTS, "/coinbase/products"),
        *("/fapi/v1/exchangeInfo", "/api/v3/ticker/24hr", "/fapi/v1/ticker/24hr", "/fapi/v1/premiumIndex"),
        *("/api/v3/klines?symbol=BTCUSDT&interval=1m", "/fapi/v1/markPriceKlines?symbol=BTCUSDT&interval=1m"),
    ]

    def bodies():
        return [urlopen(f"{simulator.url}{path}").read() for path in paths]

    before = bodies()
    assert not any(simulator.set_oddities().values())
    odd(*ODDITIES)
    assert all(simulator.set_oddities().values())
    assert all(old != new for old, new in zip(before, bodies(), strict=True))
    simulator.set_oddities(**dict.fromkeys(ODDITIES, False))
    assert bodies() == before


def test_all_of_them_do_no_harm_to_a_market_with_nothing_in_its_lists(tmp_path):
    market = tmp_path / "market.toml"
    market.write_text(OTHER_MARKET)
    with running_simulator(market=market, clock="2025-02-11", clock_mode="frozen", oddities="all") as other:

        def get(path):
            return json.loads(urlopen(f"{other.url}{path}").read())

        assert all(other.set_oddities().values())
        assert [row.get("id") for row in get("/coinbase/products")] == ["ODD-USD", None, "BAD-USD"]
        assert [row["instId"] for row in get(INSTRUMENTS)["data"]] == []
        assert [row["symbol"] for row in get("/fapi/v1/exchangeInfo")["symbols"]] == ["ODDCOIN"]
        assert [row["symbol"] for row in get("/fapi/v1/premiumIndex")] == ["ODDCOIN", ""]
        assert [row["symbol"] for row in get("/api/v3/exchangeInfo")["symbols"]] == ["XYZUSDT", "ODDCOIN", ""]


def test_each_oddity_is_explained():
    readme = (Path(__file__).parents[2] / "exchange_simulator" / "README.md").read_text()
    assert [name for name in ODDITIES if f"| `{name}` |" not in readme] == []


def test_lists_are_odd_only_where_all_are_asked_for(asked):
    names = ("okx_placeholders", "okx_unreadable_instrument", "binance_odd_rows")
    for path in (
        f"{INSTRUMENTS}&instId=BTC-USDT",
        f"{SPOT_INFO}?symbol=BTCUSDT",
        f"{SPOT_INFO}?symbols=[%22BTCUSDT%22]",
        "/api/v3/ticker/24hr?symbol=BTCUSDT",
        "/fapi/v1/premiumIndex?symbol=BTCUSDT",
        "/fapi/v1/ticker/24hr?symbol=BTCUSDT",
    ):
        before, after = asked(path, *names)
        assert before == after


def test_swaps_are_announced_as_well(asked):
    before, after = (body["data"] for body in asked(INSTRUMENTS.replace("SPOT", "SWAP"), "okx_placeholders"))
    odd = after[len(before) :]
    assert [(row["instId"], row["state"]) for row in odd] == [
        ("", "preopen"), ("", "preopen"), ("LISTING-SWAP-SLX-USDT", "preopen"),
    ]  # fmt: skip
    empty = ("tickSz", "lotSz", "minSz", "baseCcy", "quoteCcy", "ctVal", "ctMult", "settleCcy", "listTime")
    assert {row[name] for row in odd for name in empty} == {""}


def test_only_candles_of_a_minute_are_doubled_or_noisy(asked):
    for granularity in (300, 3600):
        before, after = asked(
            f"/coinbase/products/BTC-USD/candles?granularity={granularity}&start=2025-02-10T00:00:00Z&end=2025-02-11T00:00:00Z",
            *("coinbase_doubled_candles", "coinbase_noisy_volume"),
        )
        assert len(before) >= 24
        assert before == after


def test_noisy_volumes_are_plain_numbers_and_ties_go_to_the_even_one():
    [noisy] = ODDITIES["coinbase_noisy_volume"].rewrites
    # Every seventh minute is noisy, and the kinds of noise take turns: 28 minutes later it is the same one.
    minute = (28 * 1_035_258) * 60
    row = b"[%d,1.5,1.6,1.5,1.6,2.3e-07]" % minute
    assert noisy.change(b"[" + row + b"]") == b"[[%d,1.5,1.6,1.5,1.6,0.0000002300000000003]]" % minute
    tie = b"[%d,1.5,1.6,1.5,1.6,0.00358023]" % (minute + 21 * 60)
    assert noisy.change(b"[" + tie + b"]") == b"[[%d,1.5,1.6,1.5,1.6,0.0035802299999999995]]" % (minute + 21 * 60)


def test_the_product_without_increment_is_listed_and_has_no_candles(simulator, get, odd):
    path = "/coinbase/products/ODD-USD"
    for missing in (path, f"{path}/candles"):
        with pytest.raises(HTTPError, match="404"):
            get(missing)
    odd("coinbase_empty_increment")
    assert (get(path)["quote_increment"], get(path)["trading_disabled"]) == ("", True)
    assert get(f"{path}/candles?granularity=60") == []
    assert [row["id"] for row in get("/coinbase/products")].count("ODD-USD") == 1


def test_a_maximum_of_a_contract_has_24_digits(asked):
    before, after = asked("/fapi/v1/exchangeInfo", "binance_fine_step", "binance_symbol_change")
    changed = [(old, new) for old, new in zip(before["symbols"], after["symbols"], strict=True) if old != new]
    [(old, new)] = changed
    rules = {rule["filterType"]: rule for rule in new["filters"]}
    assert (new["symbol"], rules["LOT_SIZE"]["maxQty"]) == ("ETHUSDT", "111111111111111111111111")
    assert new["status"] == old["status"] == "TRADING"


def test_lists_of_binance_have_a_row_of_another_shape_and_a_copy(asked):
    for path in ("/api/v3/ticker/24hr", "/fapi/v1/ticker/24hr", "/fapi/v1/premiumIndex"):
        before, after = asked(path, "binance_odd_rows")
        assert after[: len(before)] == before
        shape, nameless, copy = after[len(before) :]
        assert (shape["symbol"], nameless["symbol"]) == ("ODDCOIN", "")
        assert not {"quoteVolume", "markPrice"} & set(shape)
        assert copy == next(row for row in before if row["symbol"] == "BTCUSDT")
    before, after = (body["symbols"] for body in asked("/fapi/v1/exchangeInfo", "binance_odd_rows"))
    shape, _, copy = after[len(before) :]
    assert "contractStatus" in shape
    assert not {"status", "filters"} & set(shape)
    assert copy == next(row for row in before if row["symbol"] == "BTCUSDT")


def test_klines_of_futures_and_of_mark_prices_get_a_column_too(asked):
    for path in ("klines", "markPriceKlines"):
        before, after = asked(f"/fapi/v1/{path}?symbol=BTCUSDT&interval=1m&limit=3", "binance_extra_columns")
        assert {len(row) for row in before} == {12}
        assert {len(row) for row in after} == {13}
        assert [row[:12] for row in after] == before


def test_second_settlements_of_okx_obey_bounds_and_limits(get, odd):
    odd("okx_close_settlements")
    eight = MIDNIGHT + 8 * HOUR

    def times(query):
        path = f"/okx/api/v5/public/funding-rate-history?instId=BTC-USDT-SWAP&{query}"
        return [int(row["fundingTime"]) - MIDNIGHT for row in get(path)["data"]]

    assert times("limit=3") == [8 * HOUR + 5_000, 8 * HOUR, 0]
    assert times("limit=1") == [8 * HOUR + 5_000]
    assert times(f"after={eight + 5_000}&limit=1") == [8 * HOUR]
    assert times(f"after={eight}&limit=1") == [0]
    assert times(f"before={eight + 1_000}") == [8 * HOUR + 5_000]


def test_second_settlements_of_binance_obey_bounds_and_limits(get, odd):
    path = "/fapi/v1/fundingRate?symbol=BTCUSDT"
    [first] = get(f"{path}&startTime={MIDNIGHT}&limit=1")
    odd("binance_close_settlements")
    assert get(f"{path}&startTime={MIDNIGHT}&limit=1") == [first]
    [second] = get(f"{path}&startTime={first['fundingTime'] + 1}&limit=1")
    assert second == {**first, "fundingTime": first["fundingTime"] + 7, "rateType": "Special"}
    assert get(f"{path}&startTime={MIDNIGHT}&endTime={first['fundingTime'] + 6}") == [first]
    [third, fourth] = get(f"{path}&startTime={second['fundingTime'] + 1}&endTime={MIDNIGHT + 9 * HOUR}")
    assert fourth == {**third, "fundingTime": third["fundingTime"] + 3_000, "fundingRate": "0.12345678"}
    everyone = get(f"/fapi/v1/fundingRate?startTime={MIDNIGHT - 24 * HOUR}&endTime={MIDNIGHT + 9 * HOUR}&limit=1000")
    moments = [row["fundingTime"] for row in everyone]
    assert moments == sorted(moments)


def test_no_second_settlement_has_a_type_where_the_first_has_none(get, odd):
    odd("binance_close_settlements")
    start = MIDNIGHT - 27 * 24 * HOUR  # 2025-01-15, before rows have types
    rows = get(f"/fapi/v1/fundingRate?symbol=BTCUSDT&startTime={start}&endTime={start + 1000}")
    assert len(rows) == 2
    assert rows[0]["fundingRate"] == rows[1]["fundingRate"]
    assert not any("rateType" in row for row in rows)


def test_the_truth_has_no_candle_that_is_never_confirmed(true_times, odd):
    eleven = {"start": MIDNIGHT + 11 * HOUR, "end": MIDNIGHT + 12 * HOUR - 1}
    minutes = [MIDNIGHT + 11 * HOUR + minute * 60_000 for minute in range(60)]
    assert true_times("okx_candles", "open_time", "BTC-USDT", "1m", **eleven) == minutes
    odd("okx_unconfirmed_candle")
    del minutes[37]
    assert true_times("okx_candles", "open_time", "BTC-USDT", "1m", **eleven) == minutes
    assert len(true_times("okx_candles", "open_time", "BTC-USDT", "5m", **eleven)) == 12


def test_the_truth_has_no_settlement_without_a_rate_and_none_twice(true_times, odd):
    hours = [-24, -16, -8, 0, 8]
    question = ("okx_funding_rates", "funding_time", "BTC-USDT-SWAP")
    assert true_times(*question) == [MIDNIGHT + hour * HOUR for hour in hours]
    odd("okx_close_settlements")
    assert true_times(*question) == [MIDNIGHT + hour * HOUR for hour in hours]
    odd("okx_empty_realized_rate")
    assert true_times(*question) == [MIDNIGHT + hour * HOUR for hour in hours if hour != -8]


def test_the_truth_has_settlements_that_agree_once_and_no_others(simulator, true_times, odd):
    question = ("funding_rates", "funding_time", "BTCUSDT")
    before = simulator.truth("funding_rates", "BTCUSDT", None, MIDNIGHT - 24 * HOUR, MIDNIGHT + 12 * HOUR)
    assert true_times(*question) == [MIDNIGHT + hour * HOUR for hour in (-24, -16, -8, 0, 8)]
    odd("binance_close_settlements")
    assert true_times(*question) == [MIDNIGHT + hour * HOUR for hour in (-24, -8, 0)]
    after = simulator.truth("funding_rates", "BTCUSDT", None, MIDNIGHT - 24 * HOUR, MIDNIGHT + 12 * HOUR)
    assert after == before.filter(np.array([True, False, True, True, False]))


def test_the_truth_has_volumes_rounded_and_candles_once(simulator, get, odd):
    period = (MIDNIGHT + 11 * HOUR, MIDNIGHT + 12 * HOUR - 60_000)
    odd("coinbase_doubled_candles", "coinbase_noisy_volume")
    place = Decimal(1).scaleb(-18)
    served = {
        row[0]: Decimal(row[5]).quantize(place, ROUND_HALF_EVEN)
        for row in get(CANDLES)
        if period[0] <= row[0] * 1000 <= period[1]
    }
    truth = simulator.truth("coinbase_candles", "BTC-USD", "1m", *period)
    seconds = pc.divide(truth["open_time"].cast("int64"), 1_000_000).to_pylist()
    assert dict(zip(seconds, truth["volume"].to_pylist(), strict=True)) == served
    assert truth.num_rows == len(served)

"""Candles of Coinbase Exchange and OKX, and OKX's funding rates: rows that equal the document, or a named error."""

import threading

import pytest
from documents import LITERALS, ODD_VALUES, Written, bodies, decimal_texts, dumps
from hypothesis import example, given
from hypothesis import strategies as st
from played import Played
from readings import decimal, from_json, integer, rows_of, text

from binance_source.resources.walk import Window
from binance_source.rest.errors import BinanceError
from coinbase_source.candles import CoinbaseCandles
from coinbase_source.client import CoinbaseClient
from coinbase_source.settings import CoinbaseConfiguration
from okx_source.candles import OkxCandles
from okx_source.client import OkxClient
from okx_source.funding_rates import OkxFundingRates
from okx_source.settings import OkxConfiguration

MINUTE = 60_000
START = 28_333_440 * MINUTE  # 2023-11-15
ROWS = 3
END = START + ROWS * MINUTE
NOW = START + 10_000 * MINUTE

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
    return rows_of(series.fetch(Window(START, END, (START,))).rows)


def read_coinbase(rows):
    return [
        {
            "symbol": "A-B",
            "interval": "1m",
            "open_time": integer(row[0]) * 1_000_000,
            **{name: decimal(value) for name, value in zip(COINBASE_FIELDS, row[1:], strict=True)},
        }
        for row in reversed(rows)
        if integer(row[0]) * 1_000 >= START
    ]


@given(coinbase_candles())
def test_valid_candles_of_coinbase_are_the_rows_that_they_say(coinbase, rows):
    assert load_coinbase(coinbase, dumps(rows)) == read_coinbase(from_json(dumps(rows)))


@given(bodies(coinbase_candles()))
@example(b'[[1700006400,1,1,1,1,"\xff"]]')
@example(dumps([coinbase_candle(1), coinbase_candle(1), coinbase_candle(0)]))
def test_any_candles_of_coinbase_are_the_rows_that_they_say_or_a_named_error(coinbase, body):
    try:
        found = load_coinbase(coinbase, body)
    except BinanceError:
        return
    assert found == read_coinbase(from_json(body))


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
        except BinanceError:
            continue
        assert found == read_coinbase(from_json(body))


def okx_candle(at, numbers=("1", "3", "0.5", "2", "10", "20", "40"), confirm="1"):
    return [str(START + at * MINUTE), *numbers, confirm]


def okx_answer(body):
    return b'{"code":"0","msg":"","data":' + body + b"}"


@st.composite
def okx_candles(draw):
    return [okx_candle(at, [draw(decimal_texts()) for _ in range(7)]) for at in reversed(range(ROWS))]


def load_okx(okx, body, kind):
    series = OkxCandles(okx.play(okx_answer(body)), "okx|A-B|1m", kind, (START, END), [], NOW)
    return rows_of(series.fetch(Window(START, END, (START,))).rows)


def read_okx(rows, fields):
    found = [
        {
            "symbol": "A-B",
            "interval": "1m",
            "open_time": int(text(row[0])) * 1_000,
            "contracts": None,
            **{name: decimal(text(row[at])) for name, at in fields.items()},
        }
        for row in reversed(rows)
    ]
    assert all(row[8] == "1" for row in rows)
    return found


@given(okx_candles())
def test_valid_candles_of_okx_are_the_rows_that_they_say(okx, rows):
    assert load_okx(okx, dumps(rows), "SPOT") == read_okx(rows, SPOT_FIELDS)
    assert load_okx(okx, dumps(rows), "SWAP") == read_okx(rows, SWAP_FIELDS)


@given(bodies(okx_candles()))
@example(dumps([okx_candle(2), okx_candle(1, confirm="0"), okx_candle(0)]))
def test_any_candles_of_okx_are_the_rows_that_they_say_or_a_named_error(okx, body):
    try:
        found = load_okx(okx, body, "SWAP")
    except BinanceError:
        return
    assert found == read_okx(from_json(body), SWAP_FIELDS)


@pytest.mark.parametrize("field", [0, 1, 6, 8], ids=["open_time", "open", "volume", "confirm"])
def test_each_odd_value_of_a_candle_of_okx_is_what_it_says_or_a_named_error(okx, field):
    for value in (*ODD_VALUES, *map(Written, LITERALS)):
        rows = [okx_candle(2), okx_candle(1), okx_candle(0)]
        rows[0][field] = value
        body = dumps(rows)
        try:
            found = load_okx(okx, body, "SWAP")
        except BinanceError:
            continue
        assert found == read_okx(from_json(body), SWAP_FIELDS)


def funding_rate(at, paid="0.0001", foretold="-0.0002"):
    return {
        "instId": "A-B", "fundingTime": str(START + at * MINUTE), "realizedRate": paid, "fundingRate": foretold,
        "method": "current_period",
    }  # fmt: skip


@st.composite
def funding_rates(draw):
    return [funding_rate(at, draw(decimal_texts()), draw(decimal_texts())) for at in reversed(range(ROWS))]


def load_funding(okx, body):
    # From an hour before the newest rate: one page is all.
    series = OkxFundingRates(okx.play(okx_answer(body)), "okx|A-B", (START, END), [], NOW)
    return rows_of(series.fetch(Window(START, END, (END,))).rows)


def read_funding(rows):
    return [
        {
            "symbol": text(row["instId"]),
            "funding_time": int(text(row["fundingTime"])) * 1_000,
            "funding_rate": decimal(text(row["realizedRate"])),
            "predicted_rate": decimal(text(row["fundingRate"])) if row.get("fundingRate") else None,
            "method": row.get("method") or None,
        }
        for row in reversed(rows)
    ]


@given(funding_rates())
def test_valid_funding_rates_of_okx_are_the_rows_that_they_say(okx, rows):
    assert load_funding(okx, dumps(rows)) == read_funding(rows)


@given(bodies(funding_rates()))
def test_any_funding_rates_of_okx_are_the_rows_that_they_say_or_a_named_error(okx, body):
    try:
        found = load_funding(okx, body)
    except BinanceError:
        return
    assert found == read_funding(from_json(body))

"""Wrong requests are refused with the nearest right name."""

import pytest

from binance_source.datasets import DATASETS
from exchange_engine.request import RequestError, check_request, known_names

KNOWN = ["BTCUSDT", "ETHUSDT", "BTCUSDC", "币安人生USDT"]


def request(**changes):
    wanted = {"symbols": ["BTCUSDT"], "intervals": ["1m"], "datasets": ["klines"], "known_datasets": DATASETS}
    return check_request(**{**wanted, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"intervals": ["1H"]}, r"unknown interval '1H'; did you mean .*1h"),
        ({"intervals": ["1min"]}, r"unknown interval '1min'; did you mean .*1m"),
        ({"intervals": ["1mo"]}, r"unknown interval '1mo'; did you mean .*1m"),
        ({"datasets": ["kline"]}, r"unknown dataset 'kline'; did you mean klines"),
        ({"datasets": ["zzz"]}, r"unknown dataset 'zzz'; there are symbols, tickers_24h, klines, agg_trades, trades"),
        ({"start": "2024-13-01"}, r"start '2024-13-01' is not a date; write 2024-01-31"),
        ({"start": "yesterday"}, r"start 'yesterday' is not a date"),
        ({"start": "2024"}, r"start '2024' is not a date"),
        ({"end": "P1D"}, r"end 'P1D' is not a date"),
        ({"start": "2024-02-01", "end": "2024-01-01"}, r"start 2024-02-01 is not before end 2024-01-01"),
        ({"start": "2024-02-01", "end": "2024-02-01"}, r"is not before end"),
        ({"symbols": []}, r"symbols must not be empty"),
        ({"symbols": ["BTCUSDT", " "]}, r"symbols must not be empty"),
    ],
)
def test_a_wrong_request_says_what_would_be_right(changes, message):
    with pytest.raises(RequestError, match=message):
        request(**changes)


@pytest.mark.parametrize(
    ("name", "near"), [("btcusdt", "BTCUSDT"), ("BTCUSD", "BTCUSD[TC]"), ("币安人生", "币安人生USDT")]
)
def test_an_unknown_symbol_is_answered_with_the_nearest(name, near):
    with pytest.raises(RequestError, match=rf"unknown symbol '{name}'; did you mean .*{near}"):
        known_names("symbol", [name], KNOWN)


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("2024-01-01", 1_704_067_200_000_000),
        ("2024-01-01T00:00:00", 1_704_067_200_000_000),
        ("2024-01-01T02:00:00+02:00", 1_704_067_200_000_000),
        ("2024-01-01T00:00:00.000001Z", 1_704_067_200_000_001),
        ("2024-01-01 12:30", 1_704_112_200_000_000),
    ],
)
def test_times_are_utc_unless_they_say_otherwise(text, microseconds):
    assert request(start=text).start == microseconds


def test_names_given_twice_count_once_and_months_are_not_minutes():
    got = request(symbols=["BTCUSDT", "BTCUSDT"], intervals=["1M", "1m"])
    assert got.symbols == ("BTCUSDT",)
    assert got.intervals == ("1M", "1m")

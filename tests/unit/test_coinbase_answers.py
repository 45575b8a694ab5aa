"""What Coinbase Exchange answers, read: recorded candles and products, numbers with exponents, and other pages."""

import gzip
import json
from datetime import datetime, timezone
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from binance_source.rest.errors import BadResponseError, InexactNumberError
from coinbase_source.candles import candles_table, read_candles
from coinbase_source.products import decode_products, products_table
from coinbase_source.settings import INTERVALS

KEY = "coinbase|BTC-USD|1m"
MINUTE = INTERVALS["1m"]
START = 1_677_628_800
LAST_MS = (START + 600) * 1000


def read(*rows, last=LAST_MS, interval=MINUTE):
    body = "[" + ",".join(f"[{','.join(map(str, row))}]" for row in rows) + "]"
    return read_candles(body.encode(), interval, START * 1000, last, KEY)


def test_recorded_candles_are_the_values_that_stand_in_them(recordings):
    path = recordings / "other_exchanges" / "multi_1m_2023-03-01_21" / "coinbase_btcusd.parquet"
    recorded = pq.read_table(path).slice(0, 2_000).to_pylist()
    # As the exchange writes them: the shortest digits, and newest first.
    fields = ("low", "high", "open", "close", "volume")
    rows = [[row["start"], *(repr(row[name]) for name in fields)] for row in recorded]
    found = candles_table(read(*rows[::-1], last=int(rows[-1][0]) * 1000).candles, KEY).to_pylist()
    assert len(found) == 2_000
    for row, text in zip(found, rows, strict=True):
        assert row["open_time"] == datetime.fromtimestamp(int(text[0]), timezone.utc)
        assert [row[name] for name in fields] == [Decimal(value) for value in text[1:]]
        assert (row["symbol"], row["interval"]) == ("BTC-USD", "1m")


def test_recorded_products_are_the_values_that_stand_in_them(recordings):
    path = next((recordings / "other_exchanges" / "coinbase_meta").glob("*.json.gz"))
    body = gzip.decompress(path.read_bytes())
    recorded = json.loads(body)
    found = products_table(decode_products(body), 0).to_pylist()
    assert len(found) == len(recorded) > 100
    for row, one in zip(found, recorded, strict=True):
        assert (row["symbol"], row["base_asset"], row["quote_asset"]) == (
            one["id"], one["base_currency"], one["quote_currency"],
        )  # fmt: skip
        assert (row["display_name"], row["status"]) == (one["display_name"], one["status"])
        assert row["is_trading_disabled"] is one["trading_disabled"]
        for name in ("quote_increment", "base_increment", "min_market_funds"):
            assert row[name] == Decimal(one[name])


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1.2e-07", "0.00000012"),
        ("2.3E-17", "0.000000000000000023"),
        ("2.3E-18", None),
        ("1e5", "100000"),
        ("1.5e+3", "1500"),
        ("0e-07", "0"),
        ("-0", "0"),
        ("12345678901234567890.123456789012345678", "12345678901234567890.123456789012345678"),
        ("0.1000000000000000055", None),
        ("1e-19", None),
        ("1e99999999", None),
        ("1e-99999999999", None),
        ("100000000000000000000", None),
        ("null", None),
        ("true", None),
        ('"x"', None),
        ("[1]", None),
    ],
)
def test_a_number_is_exactly_what_is_written_or_refused(written, value):
    answer = read([START, 1, 1, 1, 1, written])
    if value is None:
        with pytest.raises(InexactNumberError, match=f"row {START}000: {KEY.replace('|', '.')} volume"):
            candles_table(answer.candles, KEY)
    else:
        assert candles_table(answer.candles, KEY)["volume"][0].as_py() == Decimal(value)


def row(minute, seconds=60):
    return [START + minute * seconds, 1, 2, 1, 2, 5]


def test_candles_come_in_ascending_order_without_those_from_before_the_start():
    answer = read(row(2), row(0), row(-1), row(-3))
    assert [candle[0] for candle in answer.candles] == [START * 1000, (START + 120) * 1000]
    assert not answer.is_odd


def test_candles_of_which_no_two_follow_each_other_are_odd():
    assert read(row(1, 300), row(0, 300)).is_odd
    assert not read(row(1)).is_odd


@pytest.mark.parametrize(
    "rows",
    [
        [row(11)],
        [row(0), row(1)],
        [row(1), row(1), row(0)],
        [[START + 30, 1, 2, 1, 2, 5]],
    ],
    ids=["after the end", "oldest first", "twice", "off the grid"],
)
def test_the_answer_to_another_question_is_refused(rows):
    with pytest.raises(BadResponseError, match="were answered with others"):
        read(*rows)


def test_a_product_that_is_there_twice_is_refused():
    product = {
        "id": "BTC-USD", "base_currency": "BTC", "quote_currency": "USD", "display_name": "BTC/USD", "status": "online",
        "quote_increment": "0.01", "base_increment": "0.1", "trading_disabled": False,
    }  # fmt: skip
    assert products_table(decode_products(json.dumps([product]).encode()), 0)["min_market_funds"].null_count == 1
    with pytest.raises(BadResponseError, match="a product twice"):
        decode_products(json.dumps([product, product]).encode())

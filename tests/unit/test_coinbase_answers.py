"""What Coinbase Exchange answers, read: recorded candles and products, numbers with exponents, and other pages."""

import gzip
import json
from datetime import datetime, timezone
from decimal import Decimal

import msgspec
import pyarrow.parquet as pq
import pytest

from coinbase_source.candles import CoinbaseCandles, candles_table, read_candles
from coinbase_source.products import decode_products, products_snapshot
from coinbase_source.settings import INTERVALS
from exchange_engine.http.errors import BadResponseError, InexactNumberError

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
    read_well = products_snapshot(decode_products(body), 0)
    assert (read_well.rejected, read_well.unnamed) == ([], 0)
    found = read_well.rows.to_pylist()
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
        ("1e5", "100000"),
        ("1.5e+3", "1500"),
        ("0e-07", "0"),
        ("-0", "0"),
        ("12345678901234567890.123456789012345678", "12345678901234567890.123456789012345678"),
        ("0.0000000000000000000000000000001", None),
        ("1.5e-30", None),
        ("-0.1000000000000000055", None),
        ("123456789012345678901.1000000000000000055", None),
        ("99999999999999999999.9999999999999999999", None),
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


@pytest.mark.parametrize(
    ("written", "value"),
    [
        # As Coinbase has written them: 2.3 of the last place, and a float's noise.
        ("2.3E-18", "0.000000000000000002"),
        ("1234.1000000000000000000999", "1234.1"),
        ("0.1000000000000000004999", "0.1"),
        ("0.1000000000000000005001", "0.100000000000000001"),
        # Half way, to the even digit.
        ("0.1000000000000000055", "0.100000000000000006"),
        ("0.1000000000000000065", "0.100000000000000006"),
        ("0.1000000000000000005", "0.100000000000000000"),
        ("1e-19", "0"),
        ("0.9999999999999999999", "1"),
        ("12345678901234567890.123456789012345678499999999999", "12345678901234567890.123456789012345678"),
        ("99999999999999999999.9999999999999999994", "99999999999999999999.999999999999999999"),
    ],
)
def test_a_volume_with_noise_behind_its_18th_decimal_is_rounded_and_counted(written, value):
    [candle] = read([START, 1, 1, 1, 1, written]).candles
    assert candles_table([candle], KEY)["volume"][0].as_py() == Decimal(value)
    series = CoinbaseCandles(None, KEY, (START * 1000, LAST_MS), [], LAST_MS)
    plain = (candle[0] + 60_000, "1", "1", "1", "1", "0.123456789012345678")
    assert series.rounded([candle, plain, candle]) == 2


@pytest.mark.parametrize("column", ["low", "high", "open", "close"])
def test_a_price_is_never_rounded(column):
    at = ("low", "high", "open", "close").index(column)
    numbers = ["1", "1", "1", "1", "1"]
    numbers[at] = "0.1000000000000000055"
    with pytest.raises(InexactNumberError, match=f"{column} '0.1000000000000000055'"):
        candles_table(read([START, *numbers]).candles, KEY)


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
        [row(1), [*row(1)[:5], 6], row(0)],
        [row(1), row(0), row(1)],
        [[START + 30, 1, 2, 1, 2, 5]],
    ],
    ids=["after the end", "oldest first", "twice and different", "twice and apart", "off the grid"],
)
def test_the_answer_to_another_question_is_refused(rows):
    with pytest.raises(BadResponseError, match="were answered with others"):
        read(*rows)


def test_copies_of_a_candle_are_one_candle_and_columns_that_are_new_are_ignored():
    assert [candle[0] for candle in read(row(1), row(1), row(0), row(0)).candles] == [
        START * 1000,
        START * 1000 + 60_000,
    ]
    [candle] = read([*row(0), 7, '"new"', "[1]"]).candles
    assert candle == (START * 1000, "1", "2", "1", "2", "5")
    with pytest.raises(msgspec.ValidationError):
        read([*row(0), 7], row(0)[:5])


PRODUCT = {
    "id": "BTC-USD", "base_currency": "BTC", "quote_currency": "USD", "display_name": "BTC/USD", "status": "online",
    "quote_increment": "0.01", "base_increment": "0.1", "trading_disabled": False,
}  # fmt: skip


def snapshot_of(*products):
    return products_snapshot(decode_products(json.dumps(products).encode()), 0)


def test_what_a_product_does_not_say_is_null():
    bare = {**PRODUCT, "id": "NEW-USD", "base_currency": "", "quote_currency": "", "quote_increment": ""}
    first, second = snapshot_of(PRODUCT, bare).rows.to_pylist()
    assert (first["quote_increment"], first["base_increment"]) == (Decimal("0.01"), Decimal("0.1"))
    assert first["min_market_funds"] is None
    empty = ("base_asset", "quote_asset", "quote_increment", "min_market_funds")
    assert (second["symbol"], [second[name] for name in empty]) == ("NEW-USD", [None] * 4)


def test_copies_of_a_product_are_one_row_and_those_that_differ_are_none():
    assert snapshot_of(PRODUCT, PRODUCT).rows["symbol"].to_pylist() == ["BTC-USD"]
    other, offline = {**PRODUCT, "id": "ETH-USD"}, {**PRODUCT, "status": "delisted"}
    found = snapshot_of(PRODUCT, other, offline)
    assert found.rows["symbol"].to_pylist() == ["ETH-USD"]
    assert [(one.key, json.loads(one.row)) for one in found.rejected] == [("BTC-USD", PRODUCT), ("BTC-USD", offline)]


def test_an_odd_product_costs_itself():
    wide, lacking = {**PRODUCT, "quote_increment": "1e-19"}, {"id": "X-USD", "status": "online"}
    found = snapshot_of(lacking, {**PRODUCT, "id": "ETH-USD"}, wide, {**PRODUCT, "id": ""}, 5)
    assert found.rows["symbol"].to_pylist() == ["ETH-USD"]
    assert {one.key: json.loads(one.row) for one in found.rejected} == {"X-USD": lacking, "BTC-USD": wide}
    assert found.unnamed == 2

"""The truth about the market, against what the endpoints answer."""

import io
from datetime import datetime, timezone
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest


def timestamp(microseconds):
    return datetime.fromtimestamp(microseconds // 1_000_000, timezone.utc).replace(microsecond=microseconds % 1_000_000)


@pytest.mark.parametrize(("symbol", "interval"), [("OUTAGEUSDT", "1m"), ("TINYUSDT", "1h"), ("币安人生USDT", "1d")])
def test_closed_klines_are_those_that_rest_answers(nasty, times, symbol, interval):
    start = times.utc_ms(2025, 1, 15)
    end = start + times.DAY if interval == "1m" else times.NOW
    table = nasty.simulator.truth("klines", symbol, interval, start, end)
    assert table.schema.field("open_time").type == pa.timestamp("us", tz="UTC")
    assert table.schema.field("volume").type == pa.decimal128(28, 8)
    expected = [
        {
            "symbol": symbol,
            "interval": interval,
            "open_time": timestamp(row[0] * 1000),
            "open": Decimal(row[1]),
            "high": Decimal(row[2]),
            "low": Decimal(row[3]),
            "close": Decimal(row[4]),
            "volume": Decimal(row[5]),
            "close_time": timestamp(row[6] * 1000),
            "quote_volume": Decimal(row[7]),
            "trade_count": row[8],
            "taker_buy_volume": Decimal(row[9]),
            "taker_buy_quote_volume": Decimal(row[10]),
        }
        for row in nasty.klines(symbol, interval, start, end)
        if row[6] < times.NOW
    ]
    assert len(expected) > 40
    assert table.to_pylist() == expected


def test_trades_are_those_that_rest_answers(nasty, times):
    start, end = times.utc_ms(2025, 2, 28, 22), times.utc_ms(2025, 3, 1, 2)
    table = nasty.simulator.truth("trades", "TINYUSDT", None, start, end - 1)
    assert table.to_pylist() == [
        {
            "symbol": "TINYUSDT",
            "trade_id": row["id"],
            "price": Decimal(row["price"]),
            "quantity": Decimal(row["qty"]),
            "quote_quantity": Decimal(row["quoteQty"]),
            "trade_time": timestamp(row["time"]),
            "is_buyer_maker": row["isBuyerMaker"],
        }
        for row in nasty.trades_between("TINYUSDT", start, end)
    ]


def test_aggregate_trades_are_those_that_rest_answers_without_tombstones(nasty, times):
    start, end = times.utc_ms(2024, 12, 5, 11), times.utc_ms(2024, 12, 5, 13)
    page = nasty.get(
        "aggTrades",
        {"X-MBX-TIME-UNIT": "MICROSECOND"},
        symbol="TOMBUSDT",
        startTime=start,
        endTime=end,
        limit=1000,
    )
    rows = [
        {
            "symbol": "TOMBUSDT",
            "agg_trade_id": row["a"],
            "price": Decimal(row["p"]),
            "quantity": Decimal(row["q"]),
            "first_trade_id": row["f"],
            "last_trade_id": row["l"],
            "trade_time": timestamp(row["T"]),
            "is_buyer_maker": row["m"],
        }
        for row in page
    ]
    assert nasty.simulator.truth("agg_trades", "TOMBUSDT", None, start, end, tombstones=True).to_pylist() == rows
    alive = [row for row in rows if row["first_trade_id"] >= 0]
    assert len(rows) - len(alive) == 4
    assert nasty.simulator.truth("agg_trades", "TOMBUSDT", None, start, end).to_pylist() == alive


def test_it_ends_at_the_clock_and_begins_with_the_listing(nasty, times):
    minutes = nasty.simulator.truth("klines", "ETHBTC", "1m")
    assert minutes.num_rows == (times.NOW - times.utc_ms(2024, 12, 1)) // 60_000
    trades = nasty.simulator.truth("trades", "SPARSEUSDT")
    assert trades.num_rows == len(nasty.trades("SPARSEUSDT"))
    nothing = nasty.simulator.truth("klines", "ETHBTC", "1m", times.NOW)
    assert (nothing.num_rows, nothing.schema) == (0, minutes.schema)


def test_it_is_also_given_as_parquet(nasty):
    query = {"symbol": "ETHBTC", "interval": "1d", "format": "parquet"}
    answer = nasty.session.get(f"{nasty.simulator.url}/simulator/truth/klines", params=query)
    assert pq.read_table(io.BytesIO(answer.content)).num_rows == 90


def test_what_makes_no_sense_is_refused_with_one_line(nasty):
    with pytest.raises(ValueError, match="symbol 'NOSUCH' is not listed"):
        nasty.simulator.truth("klines", "NOSUCH", "1m")
    with pytest.raises(ValueError, match="interval '7m' is not one of 1s, 1m"):
        nasty.simulator.truth("klines", "BTCUSDT", "7m")
    with pytest.raises(ValueError, match="no such control"):
        nasty.simulator.truth("dreams", "BTCUSDT")

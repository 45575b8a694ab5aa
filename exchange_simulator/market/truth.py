"""The rows of the market as Arrow tables: what a client must end up with. Columns are named as in the project."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from exchange_simulator.market.config import SymbolSpec
from exchange_simulator.market.hashing import Ints
from exchange_simulator.market.klines import ClosedKlines
from exchange_simulator.market.render import WIRE_DECIMALS, AggregateColumns, TradeColumns

TIMESTAMP = pa.timestamp("us", tz="UTC")
DECIMAL = pa.decimal128(28, WIRE_DECIMALS)
_INT64_DIGITS = 19


def schema_of(kind: str) -> pa.Schema:
    """Return the schema of the truth about klines, trades or agg_trades."""
    return pa.schema(_SCHEMAS[kind])


_SCHEMAS: dict[str, list[tuple[str, pa.DataType]]] = {
    "klines": [
        ("symbol", pa.string()),
        ("interval", pa.string()),
        ("open_time", TIMESTAMP),
        ("open", DECIMAL),
        ("high", DECIMAL),
        ("low", DECIMAL),
        ("close", DECIMAL),
        ("volume", DECIMAL),
        ("close_time", TIMESTAMP),
        ("quote_volume", DECIMAL),
        ("trade_count", pa.int64()),
        ("taker_buy_volume", DECIMAL),
        ("taker_buy_quote_volume", DECIMAL),
    ],
    "trades": [
        ("symbol", pa.string()),
        ("trade_id", pa.int64()),
        ("price", DECIMAL),
        ("quantity", DECIMAL),
        ("quote_quantity", DECIMAL),
        ("trade_time", TIMESTAMP),
        ("is_buyer_maker", pa.bool_()),
    ],
    "agg_trades": [
        ("symbol", pa.string()),
        ("agg_trade_id", pa.int64()),
        ("price", DECIMAL),
        ("quantity", DECIMAL),
        ("first_trade_id", pa.int64()),
        ("last_trade_id", pa.int64()),
        ("trade_time", TIMESTAMP),
        ("is_buyer_maker", pa.bool_()),
    ],
}
TRUTH_KINDS = tuple(_SCHEMAS)


def decimals(values: Ints, scale: int, kind: pa.DataType = DECIMAL) -> pa.Array:
    """Return values / 10**scale as exact decimals of a type."""
    words = np.empty((len(values), 2), dtype=np.int64)
    words[:, 0] = values
    words[:, 1] = values >> 63
    narrow = pa.Array.from_buffers(pa.decimal128(_INT64_DIGITS, scale), len(values), [None, pa.py_buffer(words)])
    return narrow.cast(kind)


def times(microseconds: Ints) -> pa.Array:
    """Return microseconds since 1970 as timestamps."""
    return pa.array(microseconds, pa.int64()).cast(TIMESTAMP)


def kline_table(spec: SymbolSpec, interval: str, klines: ClosedKlines) -> pa.Table:
    """Return closed klines."""
    bars, quote_scale = klines.bars, spec.tick_decimals + spec.step_decimals
    count = len(bars.time)
    columns = [
        pa.repeat(spec.name, count),
        pa.repeat(interval, count),
        times(bars.time),
        *(decimals(column, spec.tick_decimals) for column in (bars.open, bars.high, bars.low, bars.close)),
        decimals(bars.volume, spec.step_decimals),
        times(klines.closes),
        decimals(bars.quote, quote_scale),
        pa.array(bars.count),
        decimals(bars.buy_volume, spec.step_decimals),
        decimals(bars.buy_quote, quote_scale),
    ]
    return pa.table(columns, schema=schema_of("klines"))


def trade_table(spec: SymbolSpec, parts: Sequence[TradeColumns]) -> pa.Table:
    """Return trades."""
    tables = [
        pa.table(
            [
                pa.repeat(spec.name, len(part.time)),
                pa.array(part.trade_id),
                decimals(part.price, spec.tick_decimals),
                decimals(part.quantity, spec.step_decimals),
                decimals(part.price * part.quantity, spec.tick_decimals + spec.step_decimals),
                times(part.time),
                pa.array(part.is_buyer_maker),
            ],
            schema=schema_of("trades"),
        )
        for part in parts
    ]
    return pa.concat_tables([schema_of("trades").empty_table(), *tables])


def aggregate_table(spec: SymbolSpec, parts: Sequence[AggregateColumns], with_tombstones: bool) -> pa.Table:
    """Return aggregate trades, without tombstones unless requested."""
    tables = []
    for part in parts:
        keep = np.ones(len(part.time), dtype=bool) if with_tombstones else part.first_trade_id >= 0
        tables.append(
            pa.table(
                [
                    pa.repeat(spec.name, int(keep.sum())),
                    pa.array(part.aggregate_id[keep]),
                    decimals(part.price[keep], spec.tick_decimals),
                    decimals(part.quantity[keep], spec.step_decimals),
                    pa.array(part.first_trade_id[keep]),
                    pa.array(part.last_trade_id[keep]),
                    times(part.time[keep]),
                    pa.array(part.is_buyer_maker[keep]),
                ],
                schema=schema_of("agg_trades"),
            )
        )
    return pa.concat_tables([schema_of("agg_trades").empty_table(), *tables])

"""The rows of the futures as Arrow tables: what a client must end up with, from REST or from the archive."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa

from exchange_simulator.binance import TruthOf
from exchange_simulator.futures.funding import RATE_DECIMALS
from exchange_simulator.futures.mark_price import MARK_DECIMALS
from exchange_simulator.futures.market import Contract, FuturesMarket
from exchange_simulator.futures.open_interest import PERIODS
from exchange_simulator.market.intervals import INTERVALS
from exchange_simulator.market.truth import DECIMAL, TIMESTAMP, aggregate_table, decimals, kline_table, times
from exchange_simulator.venue import TruthError

WIDE_DECIMAL: Final = pa.decimal128(38, 18)
_SECOND_US: Final = 1_000_000
_FUNDING_SCHEMA: Final = pa.schema(
    [
        ("symbol", pa.string()),
        ("funding_time", TIMESTAMP),
        ("funding_rate", DECIMAL),
        ("mark_price", DECIMAL),
        ("funding_interval_hours", pa.int64()),
        ("rate_type", pa.string()),
    ]
)
_OPEN_INTEREST_SCHEMA: Final = pa.schema(
    [
        ("symbol", pa.string()),
        ("period", pa.string()),
        ("open_interest_time", TIMESTAMP),
        ("open_interest", WIDE_DECIMAL),
        ("open_interest_value", WIDE_DECIMAL),
    ]
)
TableOf = Callable[[Contract, Mapping[str, str], int, int, int], pa.Table]


def _interval(query: Mapping[str, str], known: tuple[str, ...]) -> str:
    interval = query.get("interval", "")
    if interval not in known:
        raise TruthError(f"interval {interval!r} is not one of {', '.join(known)}")
    return interval


def _klines(contract: Contract, query: Mapping[str, str], start: int, end: int, now: int) -> pa.Table:
    interval = _interval(query, INTERVALS)
    return kline_table(contract.spec, interval, contract.symbol.klines.closed(interval, start, end, now))


def _mark_price_klines(contract: Contract, query: Mapping[str, str], start: int, end: int, now: int) -> pa.Table:
    interval = _interval(query, INTERVALS)
    closed = contract.mark_klines.closed(interval, start, end, now)
    bars, count = closed.bars, len(closed.bars.time)
    return pa.table(
        {
            "symbol": pa.repeat(contract.spec.name, count),
            "interval": pa.repeat(interval, count),
            "open_time": times(bars.time),
            "open": decimals(bars.open, MARK_DECIMALS),
            "high": decimals(bars.high, MARK_DECIMALS),
            "low": decimals(bars.low, MARK_DECIMALS),
            "close": decimals(bars.close, MARK_DECIMALS),
            "close_time": times(closed.closes),
        }
    )


def _agg_trades(contract: Contract, _query: Mapping[str, str], start: int, end: int, now: int) -> pa.Table:
    rows = contract.symbol.aggregates.between(start, min(end + 1, now))
    return aggregate_table(contract.spec, rows, with_tombstones=False)


def _funding_rates(contract: Contract, _query: Mapping[str, str], start: int, end: int, now: int) -> pa.Table:
    payments = contract.funding.between(start, min(end, now))
    rounded = np.array([round(payment.time / _SECOND_US) * _SECOND_US for payment in payments], dtype=np.int64)
    prices = [None if row.mark_price is None else _decimal(row.mark_price, MARK_DECIMALS) for row in payments]
    columns: list[Any] = [
        pa.repeat(contract.spec.name, len(payments)),
        times(rounded),
        pa.array([_decimal(payment.rate, RATE_DECIMALS) for payment in payments], DECIMAL),
        pa.array(prices, DECIMAL),
        pa.array([payment.hours for payment in payments], pa.int64()),
        pa.array([payment.rate_type for payment in payments], pa.string()),
    ]
    return pa.table(columns, schema=_FUNDING_SCHEMA)


def _open_interest(contract: Contract, query: Mapping[str, str], start: int, end: int, now: int) -> pa.Table:
    period, series = _interval(query, tuple(PERIODS)), contract.open_interest
    points = series.points(period, start, min(end, now))
    rows = series.at(points)
    columns: list[Any] = [
        pa.repeat(contract.spec.name, len(rows)),
        pa.repeat(period, len(rows)),
        times(points),
        pa.array([_decimal(row.steps, series.step_decimals) for row in rows], WIDE_DECIMAL),
        pa.array([_decimal(row.value, MARK_DECIMALS) for row in rows], WIDE_DECIMAL),
    ]
    return pa.table(columns, schema=_OPEN_INTEREST_SCHEMA)


def _decimal(value: int, decimals_of_it: int) -> Decimal:
    return Decimal(value).scaleb(-decimals_of_it)


_TABLES: Final[dict[str, TableOf]] = {
    "klines": _klines,
    "mark_price_klines": _mark_price_klines,
    "agg_trades": _agg_trades,
    "funding_rates": _funding_rates,
    "open_interest": _open_interest,
}


def futures_truths(market: FuturesMarket) -> dict[str, TruthOf]:
    """Return the truth about each table of the futures."""

    def truth(table: TableOf) -> TruthOf:
        def rows(query: Mapping[str, str], start: int, end: int, now: int) -> pa.Table:
            contract = market.find(query.get("symbol", ""), now)
            if contract is None:
                raise TruthError(f"symbol {query.get('symbol', '')!r} is not listed")
            return table(contract, query, start, end, now)

        return rows

    return {kind: truth(table) for kind, table in _TABLES.items()}

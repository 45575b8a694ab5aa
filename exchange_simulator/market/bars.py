"""Trades and klines as columns of integers, and merging fine bars into coarse ones."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np

from exchange_simulator.market.hashing import Flags, Ints


@dataclass(frozen=True)
class Trades:
    """Consecutive trades of one symbol, oldest first."""

    first_id: int
    time: Ints
    """Microseconds since 1970-01-01 UTC."""
    price: Ints
    """In ticks."""
    quantity: Ints
    """In steps."""
    is_buy: Flags
    """Whether the taker bought (isBuyerMaker is the opposite)."""
    starts_aggregate: Flags

    @property
    def nbytes(self) -> int:
        """Return the memory held, in bytes."""
        return self.time.nbytes + self.price.nbytes + self.quantity.nbytes + 2 * self.is_buy.nbytes

    def between(self, start: int, end: int) -> "Trades":
        """Return the trades of [start, end), in microseconds."""
        first, last = (int(index) for index in np.searchsorted(self.time, [start, end]))
        return Trades(
            self.first_id + first,
            self.time[first:last],
            self.price[first:last],
            self.quantity[first:last],
            self.is_buy[first:last],
            self.starts_aggregate[first:last],
        )


@dataclass(frozen=True)
class Bars:
    """Klines of one symbol, oldest first; `time` is the open time in microseconds."""

    time: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    """In steps."""
    quote: Ints
    """In ticks times steps."""
    count: Ints
    buy_volume: Ints
    buy_quote: Ints

    @classmethod
    def of(cls, columns: Sequence[Ints]) -> "Bars":
        """Return bars from their columns in the order of the fields."""
        return cls(*columns)

    @property
    def nbytes(self) -> int:
        """Return the memory held, in bytes."""
        return 10 * self.time.nbytes

    def columns(self) -> list[Ints]:
        """Return the columns in the order of the fields."""
        return [getattr(self, field.name) for field in fields(self)]

    def rows(self, chosen: slice | Flags) -> "Bars":
        """Return the chosen rows."""
        return Bars.of([column[chosen] for column in self.columns()])

    def between(self, start: int, end: int) -> "Bars":
        """Return the rows whose time is in [start, end), in microseconds."""
        first, last = (int(index) for index in np.searchsorted(self.time, [start, end]))
        return self.rows(slice(first, last))


class PreviousClose(Protocol):
    """Returns the price of the last trade before a time, in ticks."""

    def __call__(self, time: int) -> int:
        """Return the price."""


def join_bars(parts: list[Bars]) -> Bars:
    """Return the rows of all parts, in their order."""
    if not parts:
        return Bars.of([np.empty(0, dtype=np.int64) for _ in fields(Bars)])
    by_column = zip(*(part.columns() for part in parts), strict=True)
    return Bars.of([np.concatenate(columns) for columns in by_column])


def trades_as_bars(trades: Trades) -> Bars:
    """Return each trade as a bar of its own."""
    quote = trades.price * trades.quantity
    return Bars(
        trades.time,
        trades.price,
        trades.price,
        trades.price,
        trades.price,
        trades.quantity,
        quote,
        np.ones(len(trades.time), dtype=np.int64),
        trades.quantity * trades.is_buy,
        quote * trades.is_buy,
    )


def merge_bars(finer: Bars, edges: Ints) -> Bars:
    """Merge finer bars, all with trades, into the stretches between `edges` in which anything was traded.

    No finer bar may straddle an edge. Stretches without trades are left out.
    """
    bounds = np.searchsorted(finer.time, edges)
    filled = np.flatnonzero(bounds[1:] > bounds[:-1])
    if len(filled) == 0:
        return join_bars([])
    starts = bounds[filled]
    last = bounds[filled + 1] - 1
    finer = finer.rows(slice(0, int(last[-1]) + 1))
    return Bars(
        edges[filled],
        finer.open[starts],
        np.maximum.reduceat(finer.high, starts),
        np.minimum.reduceat(finer.low, starts),
        finer.close[last],
        np.add.reduceat(finer.volume, starts),
        np.add.reduceat(finer.quote, starts),
        np.add.reduceat(finer.count, starts),
        np.add.reduceat(finer.buy_volume, starts),
        np.add.reduceat(finer.buy_quote, starts),
    )


def fill_flat(traded: Bars, opens: Ints, previous_close: PreviousClose) -> Bars:
    """Return a bar for each of `opens`: the traded one, or a flat one at the close before it."""
    if len(traded.time) == len(opens):
        return traded
    place = np.searchsorted(traded.time, opens, side="right") - 1
    is_traded = np.zeros(len(opens), dtype=bool)
    is_traded[np.searchsorted(opens, traded.time)] = True
    close = np.empty(len(opens), dtype=np.int64)
    after = place >= 0
    close[after] = traded.close[place[after]]
    if not after.all():
        close[~after] = previous_close(int(opens[0]))
    columns = []
    for name in ("open", "high", "low"):
        column = close.copy()
        column[is_traded] = getattr(traded, name)
        columns.append(column)
    sums = []
    for name in ("volume", "quote", "count", "buy_volume", "buy_quote"):
        column = np.zeros(len(opens), dtype=np.int64)
        column[is_traded] = getattr(traded, name)
        sums.append(column)
    return Bars.of([opens, *columns, close, *sums])

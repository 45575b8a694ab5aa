"""Trades and aggregate trades of one generated symbol as series numbered by id. Times in microseconds UTC."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from exchange_simulator.market.bars import Trades
from exchange_simulator.market.base import Selection
from exchange_simulator.market.cache import Caches
from exchange_simulator.market.hashing import Ints
from exchange_simulator.market.intervals import DAY_US
from exchange_simulator.market.render import AggregateColumns, RowBlock, TradeColumns, json_array
from exchange_simulator.market.trade_series import TradeSeries

Columns = TypeVar("Columns", bound="TimedColumns")


class TimedColumns(Protocol):
    """Rows of a day, as columns ordered by time."""

    @property
    def time(self) -> Ints:
        """Return the times in microseconds."""

    @property
    def nbytes(self) -> int:
        """Return the memory held, in bytes."""

    def rows(self: Columns, first: int, last: int) -> Columns:
        """Return the rows [first, last)."""


@dataclass(frozen=True)
class Numbered(Generic[Columns]):
    """How one kind of row is read from a symbol's trades."""

    kind: str
    starts: Callable[[TradeSeries, int], Ints]
    """Returns the first id of each day since the listing, known beyond the given day."""
    columns: Callable[[TradeSeries, int], Columns]
    """Returns the rows of a day (days since 1970)."""
    render: Callable[[Columns, int, int, bool], RowBlock]


def trade_columns(series: TradeSeries, day: int) -> TradeColumns:
    """Return the trades of a day."""
    trades = series.day(day)
    ids = trades.first_id + np.arange(len(trades.time), dtype=np.int64)
    return TradeColumns(ids, trades.price, trades.quantity, trades.time, ~trades.is_buy)


def aggregate_columns(series: TradeSeries, day: int) -> AggregateColumns:
    """Return the aggregate trades of a day, tombstones included."""
    trades = series.day(day)
    first_id = int(series.aggregate_starts(day)[day - series.first_day])
    rows = _aggregates(trades)
    for time, number in series.tombstones(day):
        place = int(np.searchsorted(rows[4], time))
        buried = (0, 0, -1, -1, time, False)
        rows = [np.insert(column, place, [value] * number) for column, value in zip(rows, buried, strict=True)]
    ids = first_id + np.arange(len(rows[0]), dtype=np.int64)
    price, quantity, first, last, time_column, is_maker = rows
    return AggregateColumns(ids, price, quantity, first, last, time_column, is_maker.astype(bool))


def _aggregates(trades: Trades) -> list[Ints]:
    starts = np.flatnonzero(trades.starts_aggregate)
    if len(starts) == 0:
        return [starts] * 6
    ends = np.append(starts[1:], len(trades.time)) - 1
    return [
        trades.price[starts],
        np.add.reduceat(trades.quantity, starts),
        trades.first_id + starts,
        trades.first_id + ends,
        trades.time[starts],
        (~trades.is_buy[starts]).astype(np.int64),
    ]


class IdSeries(Generic[Columns]):
    """Rows numbered from 0 without gaps, from which pages are cut by id or by time."""

    def __init__(
        self, trades: TradeSeries, numbered: Numbered[Columns], tick_decimals: int, step_decimals: int, caches: Caches
    ) -> None:
        self._trades = trades
        self._numbered = numbered
        self._tick_decimals = tick_decimals
        self._step_decimals = step_decimals
        self._caches = caches

    def page(self, wanted: Selection, now: int, microseconds: bool) -> bytes:
        """Return rows as JSON: from an id, from a time, or the latest ones up to a time."""
        end = self.first_at(now if wanted.end is None else min(now, wanted.end + 1))
        if wanted.from_id is not None:
            start = min(wanted.from_id, end)
        else:
            start = 0 if wanted.start is None else min(self.first_at(min(wanted.start, now)), end)
        if wanted.takes_latest:
            start = max(start, end - wanted.limit)
        return json_array(self._cut(start, min(end, start + wanted.limit), microseconds))

    def first_at(self, time: int) -> int:
        """Return the id of the first row at or after `time`."""
        if time <= self._trades.calendar.listed:
            return 0
        day = time // DAY_US
        before = int(self._day_starts(day)[day - self._trades.first_day])
        if time % DAY_US == 0:
            return before
        return before + int(np.searchsorted(self._columns(day).time, time))

    def between(self, start: int, end: int) -> list[Columns]:
        """Return the rows of [start, end), one part a day."""
        first_day = max(start // DAY_US, self._trades.first_day)
        parts = []
        for day in range(first_day, (end - 1) // DAY_US + 1):
            columns = self._columns(day)
            low, high = (int(index) for index in np.searchsorted(columns.time, [start, end]))
            parts.append(columns.rows(low, high))
        return parts

    def _columns(self, day: int) -> Columns:
        key = (self._trades.name, self._numbered.kind, "columns", day)
        return self._caches.columns.get(key, lambda: self._numbered.columns(self._trades, day))

    def _day_starts(self, day: int) -> Ints:
        return self._numbered.starts(self._trades, day)

    def _cut(self, first: int, last: int, microseconds: bool) -> list[bytes]:
        """Return the rows with ids in [first, last), all of them on days already known."""
        parts = []
        starts = self._day_starts(self._trades.first_day)
        while first < last:
            index = int(np.searchsorted(starts, first, side="right")) - 1
            base, until = int(starts[index]), min(int(starts[index + 1]), last)
            parts.append(self._rows(self._trades.first_day + index, microseconds).cut(first - base, until - base))
            first = until
        return parts

    def _rows(self, day: int, microseconds: bool) -> RowBlock:
        def make() -> RowBlock:
            return self._numbered.render(self._columns(day), self._tick_decimals, self._step_decimals, microseconds)

        return self._caches.rows.get((self._trades.name, self._numbered.kind, day, microseconds), make)

"""The klines of one generated symbol, of every interval, built from its trades. Times in microseconds UTC."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from exchange_simulator.market.bars import Bars, fill_flat, join_bars, merge_bars, trades_as_bars
from exchange_simulator.market.base import Selection
from exchange_simulator.market.cache import Caches
from exchange_simulator.market.hashing import Ints
from exchange_simulator.market.intervals import (
    DAY,
    DAY_US,
    FIXED_INTERVALS,
    HOUR,
    MINUTE,
    MINUTE_US,
    grid_edges,
    grid_open,
    longest_length,
)
from exchange_simulator.market.price_series import PriceSeries
from exchange_simulator.market.render import RowBlock, json_array

_NO_LIMIT = 1 << 62
_COARSE_BLOCK_DAYS = 256


KlineRows = Callable[[Bars, Ints, int, int, bool], RowBlock]
"""Renders bars with the last millisecond of each, given the decimals of prices and quantities and the unit of times."""


@dataclass(frozen=True)
class ClosedKlines:
    """Closed klines and the last millisecond of each, in microseconds."""

    bars: Bars
    closes: Ints


@dataclass(frozen=True)
class RenderedKlines:
    """Klines as JSON rows, with their open times for look-ups."""

    opens: Ints
    ends: Ints
    rows: RowBlock

    @property
    def nbytes(self) -> int:
        """Return the memory held, in bytes."""
        return self.opens.nbytes + self.ends.nbytes + self.rows.nbytes


class KlineSeries:
    """Klines of one symbol."""

    def __init__(
        self, trades: PriceSeries, render: KlineRows, tick_decimals: int, step_decimals: int, caches: Caches
    ) -> None:
        self._render_rows = render
        self._trades = trades
        self._calendar = trades.calendar
        self._tick_decimals = tick_decimals
        self._step_decimals = step_decimals
        self._caches = caches
        self._days: dict[int, Bars] = {}

    def page(self, interval: str, wanted: Selection, now: int, microseconds: bool, zone_offset: int = 0) -> bytes:
        """Return klines as JSON: of those that open in the requested range, the oldest `limit`, or the latest."""
        parts: list[bytes] = []
        missing = wanted.limit
        for block, first, last in self._blocks(interval, wanted, now, microseconds, zone_offset):
            count = min(last - first, missing)
            if wanted.takes_latest:
                parts.insert(0, block.rows.cut(last - count, last))
            else:
                parts.append(block.rows.cut(first, first + count))
            missing -= count
            if missing == 0:
                break
        return json_array(parts)

    def closed(self, interval: str, start: int, end: int, now: int) -> ClosedKlines:
        """Return every closed kline that opens in [start, end]; it is closed once its last millisecond is over."""
        first, last = self._open_range(start, end, now)
        if first > last:
            return ClosedKlines(join_bars([]), np.empty(0, dtype=np.int64))
        edges = grid_edges(interval, first // 1000, last // 1000) * 1000
        built = self._build(interval, edges, 0, now)
        keep = (built.bars.time >= first) & (built.bars.time <= last) & (built.closes + 1000 <= now)
        return ClosedKlines(built.bars.rows(keep), built.closes[keep])

    def window(self, start: int, end: int) -> Bars:
        """Return one bar over all trades of [start, end), or none if nothing was traded."""
        return merge_bars(self._pieces(start, end), np.array([start, end], dtype=np.int64))

    def _open_range(self, start: int | None, end: int | None, now: int) -> tuple[int, int]:
        """Return the first and last moment at which a requested kline may open."""
        first = -_NO_LIMIT if start is None else start
        last = _NO_LIMIT if end is None else end
        # The first kline of a symbol opens on the grid, at most a month before the listing.
        return max(first, self._calendar.listed - 32 * DAY_US), min(last, now - 1, self._calendar.ends - 1)

    def _blocks(
        self, interval: str, wanted: Selection, now: int, microseconds: bool, zone_offset: int
    ) -> Iterator[tuple[RenderedKlines, int, int]]:
        """Yield rendered klines with the requested range of their rows, oldest first; newest first for the latest."""
        first, last = self._open_range(wanted.start, wanted.end, now)
        if first > last:
            return
        length = FIXED_INTERVALS.get(interval)
        is_cached = zone_offset == 0 and length is not None and length < DAY
        span = _block_span(interval)
        indexes = range(first // span, last // span + 1)

        def block(index: int) -> tuple[RenderedKlines, int, int]:
            if is_cached:
                key = (self._trades.name, "klines", interval, index, microseconds)
                found = self._caches.rows.get(key, lambda: self._render(interval, index, _NO_LIMIT, microseconds, 0))
            else:
                found = self._render(interval, index, now, microseconds, zone_offset)
            closed = int(np.searchsorted(found.ends, now, side="right"))
            low = int(np.searchsorted(found.opens, first))
            high = min(int(np.searchsorted(found.opens, last, side="right")), closed)
            return found, low, max(high, low)

        def still_open() -> Iterator[tuple[RenderedKlines, int, int]]:
            opens_at = grid_open(interval, now // 1000, zone_offset // 1000) * 1000
            if first <= opens_at <= last:
                open_kline = self._open_kline(interval, now, microseconds, zone_offset)
                yield open_kline, 0, len(open_kline.opens)

        if wanted.takes_latest:
            yield from still_open()
            yield from (block(index) for index in reversed(indexes))
        else:
            yield from (block(index) for index in indexes)
            yield from still_open()

    def _render(self, interval: str, index: int, now: int, microseconds: bool, zone_offset: int) -> RenderedKlines:
        """Return the klines that open in block `index` of the interval and end by now."""
        span = _block_span(interval)
        start = max(index * span, self._calendar.listed - 32 * DAY_US)
        last = min((index + 1) * span - 1, now)
        if start > last:
            edges = np.empty(0, dtype=np.int64)
        else:
            edges = grid_edges(interval, start // 1000, last // 1000, zone_offset // 1000) * 1000
            edges = edges[(edges >= index * span) & (edges <= now)]
        if len(edges) < 2:
            return self._rendered(ClosedKlines(join_bars([]), edges[:0]), edges[:0], microseconds)
        built = self._build(interval, edges, zone_offset, now)
        ends = edges[1:][np.searchsorted(edges, built.bars.time)]
        return self._rendered(built, ends, microseconds)

    def _rendered(self, klines: ClosedKlines, ends: Ints, microseconds: bool) -> RenderedKlines:
        rows = self._render_rows(klines.bars, klines.closes, self._tick_decimals, self._step_decimals, microseconds)
        return RenderedKlines(klines.bars.time, ends, rows)

    def _build(self, interval: str, edges: Ints, zone_offset: int, now: int) -> ClosedKlines:
        """Return the klines between the edges as they are at `now`."""
        opens = edges[:-1][edges[:-1] < now]
        ends = edges[1 : len(opens) + 1]
        finer = self._finer(interval, zone_offset, int(edges[0]), int(ends[-1]), now)
        exist = self._calendar.rows_exist(opens, np.minimum(ends, now))
        traded = merge_bars(finer, edges[: len(opens) + 1])
        bars = fill_flat(traded, opens[exist], self._trades.price_before)
        return ClosedKlines(bars, self._calendar.close_times(opens[exist], ends[exist]))

    def _open_kline(self, interval: str, now: int, microseconds: bool, zone_offset: int) -> RenderedKlines:
        """Return the kline that contains `now`, from the trades so far, or none."""
        edges = grid_edges(interval, now // 1000, now // 1000, zone_offset // 1000) * 1000
        if int(edges[0]) >= now:
            empty = edges[:0]
            return self._rendered(ClosedKlines(join_bars([]), empty), empty, microseconds)
        built = self._build(interval, edges, zone_offset, now)
        return self._rendered(built, edges[1:][: len(built.closes)], microseconds)

    def _finer(self, interval: str, zone_offset: int, start: int, end: int, now: int) -> Bars:
        """Return what the klines of [start, end) are merged from, up to `now`; no row straddles one of their edges."""
        whole_end = min(end, now)
        length = longest_length(interval)
        if length >= DAY and zone_offset % DAY_US == 0:
            return self._pieces(start, whole_end)
        if length >= MINUTE:
            return self._by_minutes(start, whole_end)
        return self._by_trades(start, whole_end)

    def _pieces(self, start: int, end: int) -> Bars:
        """Return the days, and the minutes and single trades around them, that make up [start, end)."""
        first_day, end_day = -(-start // DAY_US), end // DAY_US
        if first_day >= end_day:
            return self._by_minutes(start, end)
        days = [self._day_bar(day) for day in range(max(first_day, self._trades.first_day), end_day)]
        before = self._by_minutes(start, first_day * DAY_US)
        return join_bars([before, *days, self._by_minutes(end_day * DAY_US, end)])

    def _by_minutes(self, start: int, end: int) -> Bars:
        """Return the minutes, and the single trades around them, that make up [start, end)."""
        first_minute, end_minute = -(-start // MINUTE_US) * MINUTE_US, end // MINUTE_US * MINUTE_US
        if first_minute >= end_minute:
            return self._by_trades(start, end)
        days = range(max(first_minute // DAY_US, self._trades.first_day), (end_minute - 1) // DAY_US + 1)
        minutes = join_bars([self.minutes_of(day) for day in days]).between(first_minute, end_minute)
        return join_bars([self._by_trades(start, first_minute), minutes, self._by_trades(end_minute, end)])

    def _by_trades(self, start: int, end: int) -> Bars:
        if start >= end:
            return join_bars([])
        return join_bars([trades_as_bars(trades) for trades in self._trades.trades(start, end)])

    def minutes_of(self, day: int) -> Bars:
        """Return the minutes of a day in which anything was traded."""
        edges = np.arange(day * DAY_US, (day + 1) * DAY_US + 1, MINUTE_US, dtype=np.int64)
        key = (self._trades.name, "minutes", day)
        return self._caches.columns.get(key, lambda: merge_bars(trades_as_bars(self._trades.day(day)), edges))

    def _day_bar(self, day: int) -> Bars:
        """Return one bar for a day, or none if nothing was traded. It is kept for good: a day has 80 bytes."""
        if day not in self._days:
            edges = np.array([day * DAY_US, (day + 1) * DAY_US], dtype=np.int64)
            self._days[day] = merge_bars(self.minutes_of(day), edges)
        return self._days[day]


def _block_span(interval: str) -> int:
    """Return the stretch of time whose klines are built together, in microseconds."""
    length = longest_length(interval)
    if length < MINUTE:
        return HOUR * 1000
    return DAY_US if length < DAY else _COARSE_BLOCK_DAYS * DAY_US

"""The base of aggTrades and trades: rows with consecutive ids, walked in ranges of ids.

Requests are by id, because many rows can share one microsecond. The first and last id of a requested period are looked
up by time, through aggTrades.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

import msgspec
import pyarrow as pa

from exchange_engine.columns import Microseconds, Whole, WholeOrNone
from exchange_engine.coverage import IdEntry, Range, missing, series_key
from exchange_engine.http.errors import BadResponseError, GaveUpError, RejectedError
from exchange_engine.http.transport import Params, Tally
from exchange_engine.listed import without_copies
from exchange_engine.walk import Page, Window

from ..markets import MARKETS
from ..settings import PAGE_ROWS
from .client import MICROSECONDS, RestClient

OLDEST_ROWS = 100
NEWEST_ROWS = 99
"""Rows per look-up of a single id: several, because some may be tombstones, which have no trade ids. The two numbers
differ so that the response to one look-up cannot pass for the response to the other."""

OTHER_UNIT = 100
"""A time this many times smaller than the requested start is in milliseconds."""

SAME_ANSWERS = 3
"""How often a response must show the same gap in the ids before the gap is believed."""

DIFFERENT_ANSWERS = 10
"""How often responses to the same request may differ before the series is given up."""

# Binance's names: a id, p price, q quantity, f first trade id, l last trade id, T time, m buyer is maker.


class AggTradeRow(msgspec.Struct, gc=False):
    """A row of GET /api/v3/aggTrades or /fapi/v1/aggTrades; tombstones of removed duplicates have f = l = -1.

    T is in microseconds after decoding. The futures always send milliseconds, even if a header requests microseconds.
    """

    a: Whole
    p: str
    q: str
    f: WholeOrNone
    l: WholeOrNone  # noqa: E741 - Binance's spelling
    T: Microseconds
    m: bool


_LOOKUP_DECODER = msgspec.json.Decoder(list[AggTradeRow])

R = TypeVar("R")


class IdSeries(ABC, Generic[R]):
    """The trades of one symbol, aggregated or not.

    Args:
        client: Client of the market.
        market: Such as "spot".
        symbol: Such as "BTCUSDT".
        wanted: The requested trade times [from, to) in microseconds.
        covered: Entries that are already loaded.
        to_now: Whether the end is the present: a trade overlooked there is left to the next run.
        ids: Requested ids [first, end) in place of times; an end of None is the newest id before the requested end.
    """

    def __init__(
        self,
        client: RestClient,
        market: str,
        symbol: str,
        wanted: Range,
        covered: list[IdEntry],
        to_now: bool,
        ids: tuple[int, int | None] | None = None,
    ) -> None:
        self.key = series_key(market, symbol)
        self.tally = Tally()
        self._client = client
        self._market = market
        self._symbol = symbol
        self._start, self._end = wanted
        self._covered = covered
        self._to_now = to_now
        self._ids = ids
        known = MARKETS[market]
        self._headers = MICROSECONDS if known.has_microseconds else None
        self._unit_us = 1 if known.has_microseconds else 1000
        self._is_kept_for_ever = known.agg_trades_reach_ms is None

    @abstractmethod
    def _id_of(self, row: R) -> int:
        """Return a row's id."""

    @abstractmethod
    def _time_of(self, row: R) -> int:
        """Return a row's time in microseconds since 1970."""

    @abstractmethod
    def _lookup_ids(self, row: AggTradeRow) -> Range:
        """Return the ids [first, last] of this series that an aggregate stands for."""

    @abstractmethod
    def _request(self, from_id: int, limit: int, decode: Callable[[list[R]], list[R]]) -> list[R]:
        """Fetch up to `limit` rows with ids of at least `from_id`."""

    @abstractmethod
    def _table(self, rows: list[R]) -> tuple[pa.Table, int]:
        """Return rows as the staging table, and the number of tombstones left out."""

    def open(self) -> list[Page | Window]:
        """Look up the ids of the requested times, and return windows of one page each for what is missing."""
        if self._ids is not None:
            return list(self._windows_of_ids(*self._ids))
        if self._start >= self._end:
            return []
        known_start = self._covered_at(self._start)
        known_end = self._covered_at(self._end)
        newest = None if known_end else self._newest()
        if known_end:
            end = known_end[0] if known_end != known_start else known_end[1]
        elif newest is None or newest.T < self._start:
            return []  # not a single trade in the period
        else:
            end = self._lookup_ids(newest)[1] + 1
        first = known_start[1] if known_start else self._lookup_ids(self._oldest(newest))[0]
        steps: list[Page | Window] = []
        for begin, stop in missing((first, end), [entry[:2] for entry in self._covered]):
            for start in range(begin, stop, PAGE_ROWS):
                upto = min(start + PAGE_ROWS, stop)
                from_time = self._start if start == first and not known_start else None
                to_time = self._end if upto == end else None
                steps.append(Window(start, upto, (from_time, to_time)))
        return self._with_proofs(steps, None if known_start else first, None if known_end else end)

    def _windows_of_ids(self, first: int, end: int | None) -> Iterator[Window]:
        newest = self._newest()
        there_are = self._lookup_ids(newest)[1] + 1 if newest else 0
        until = there_are if end is None else min(end, there_are)
        for begin, stop in missing((first, until), [entry[:2] for entry in self._covered]):
            for start in range(begin, stop, PAGE_ROWS):
                yield Window(start, min(start + PAGE_ROWS, stop), (None, None))

    def _with_proofs(self, steps: list[Page | Window], first: int | None, end: int | None) -> list[Page | Window]:
        """Add what the look-ups prove about loaded ids: no trade is missing before the first or after the last one."""

        def proof(covered: IdEntry) -> Page:
            return Page(self.key, self._table([])[0], (covered,))

        windows = [step for step in steps if isinstance(step, Window)]
        if first is not None and not (windows and windows[0].start == first):
            steps = [proof((first, first, self._start, None)), *steps]
        if end is not None and not (windows and windows[-1].end == end):
            steps = [*steps, proof((end, end, None, self._end))]
        return steps

    def sample(self) -> pa.Table:
        """Return one page of rows from the first requested time on, without further checks."""
        first = self._lookup_ids(self._oldest(None))[0]
        return self._table(self._rows(first, first + PAGE_ROWS))[0]

    def fetch(self, window: Window) -> Page:
        """Fetch one window of at most a page of ids."""
        rows = self._rows(window.start, window.end)
        from_time, to_time = window.covers
        if rows:
            from_time = self._time_of(rows[0]) if from_time is None else from_time
            to_time = self._time_of(rows[-1]) if to_time is None else to_time
        table, dropped = self._table(rows)
        newest = self._time_of(rows[-1]) if rows else None
        return Page(self.key, table, ((window.start, window.end, from_time, to_time),), newest, dropped)

    def _covered_at(self, time: int) -> IdEntry | None:
        """Return the covered entry whose times include this time, its end included, or None."""
        for entry in self._covered:
            if entry[2] is not None and entry[3] is not None and entry[2] <= time <= entry[3]:
                return entry
        return None

    def _newest(self) -> AggTradeRow | None:
        """Look up the newest aggregate before the end that is not a tombstone, or None if there is none."""

        def plausible(rows: list[AggTradeRow]) -> bool:
            full = len(rows) == NEWEST_ROWS or rows[0].a == 0
            return full and rows[-1].T < self._end

        rows = self._ask(
            {"endTime": (self._end - 1) // self._unit_us}, NEWEST_ROWS, lambda rows: not rows or plausible(rows)
        )
        if not rows:
            return None
        if not self._to_now:
            following = self._ask({"fromId": rows[-1].a + 1}, 1, lambda found: not found or found[0].a > rows[-1].a)
            if following and following[0].T < self._end:
                raise GaveUpError(
                    f"{self.key}: the exchange gives different answers on its newest trade before the end"
                )
        while True:
            for row in reversed(rows):
                if row.f >= 0:
                    return row
            first = rows[0].a
            if first == 0:
                return None
            from_id, limit = max(first - NEWEST_ROWS, 0), min(first, NEWEST_ROWS)
            rows = self._ask({"fromId": from_id}, limit, _within(0, first - 1))

    def _oldest(self, newest: AggTradeRow | None) -> AggTradeRow:
        """Look up the oldest aggregate since the start that is not a tombstone; `newest`, if known, bounds it."""
        rows = self._agreed_start(newest)
        while True:
            for row in rows:
                if row.f >= 0:
                    return row
            rows = self._ask({"fromId": rows[-1].a + 1}, OLDEST_ROWS, _within(rows[-1].a + 1))

    def _agreed_start(self, newest: AggTradeRow | None) -> list[AggTradeRow]:
        """Fetch the first rows since the start, until the row before them proves that none is missing."""
        rows = self._since_start(newest)
        for _ in range(DIFFERENT_ANSWERS):
            if rows[0].a == 0:
                return rows
            try:
                before = self._ask({"fromId": rows[0].a - 1}, 1, bool)
            except RejectedError:
                if self._is_kept_for_ever:
                    raise
                return rows  # the row before is older than what Binance still gives
            if before[0].T < self._start or before[0].a >= rows[0].a:
                return rows
            again = self._since_start(newest)
            if again[0].a == rows[0].a:
                return rows  # the times of some old aggregates are out of order, and Binance repeats its response
            rows = again
        raise GaveUpError(f"{self.key}: the exchange gives different answers on its oldest trade since the start")

    def _since_start(self, newest: AggTradeRow | None) -> list[AggTradeRow]:
        def plausible(rows: list[AggTradeRow]) -> bool:
            return bool(rows) and rows[0].T >= self._start and (newest is None or rows[0].a <= newest.a)

        return self._ask({"startTime": -(-self._start // self._unit_us)}, OLDEST_ROWS, plausible)

    def _ask(
        self, query: dict[str, int], limit: int, plausible: Callable[[list[AggTradeRow]], bool]
    ) -> list[AggTradeRow]:
        def decode(body: bytes) -> list[AggTradeRow]:
            rows = self._in_microseconds(_LOOKUP_DECODER.decode(body))
            self._check_unit(row.T for row in rows)
            if len(rows) > limit or not plausible(rows):
                raise BadResponseError(f"aggTrades {self.key} {query} was answered with other rows")
            return rows

        params: Params = {"symbol": self._symbol, **query, "limit": limit}
        return self._client.get("aggTrades", params, decode, headers=self._headers, tally=self.tally)

    def _in_microseconds(self, rows: list[AggTradeRow]) -> list[AggTradeRow]:
        if self._unit_us > 1:
            for row in rows:
                row.T *= self._unit_us
        return rows

    def _rows(self, start: int, end: int) -> list[R]:
        """Return all rows with ids [start, end). Only the end or an empty response ends the pages, not a short page."""
        rows: list[R] = []
        while start < end:
            page = self._agreed(start, end - start)
            wanted = [row for row in page if self._id_of(row) < end]
            rows += wanted
            if not wanted:
                break
            start = self._id_of(wanted[-1]) + 1
        return rows

    def _agreed(self, start: int, limit: int) -> list[R]:
        """Fetch rows from an id on; a gap in the ids is believed only if the same one comes SAME_ANSWERS times."""
        same = different = 1
        rows = self._request(start, limit, self._checked(start))
        while not self._is_dense(rows, start) and same < SAME_ANSWERS:
            again = self._request(start, limit, self._checked(start))
            if self._span(again) == self._span(rows):
                same += 1
            else:
                same, different = 1, different + 1
            if different > DIFFERENT_ANSWERS:
                raise GaveUpError(f"{self.key}: the exchange goes on giving different answers on the ids from {start}")
            rows = again
        return rows

    def _is_dense(self, rows: list[R], start: int) -> bool:
        return bool(rows) and self._span(rows) == (start, start + len(rows) - 1)

    def _span(self, rows: list[R]) -> Range | None:
        return (self._id_of(rows[0]), self._id_of(rows[-1])) if rows else None

    def _checked(self, from_id: int) -> Callable[[list[R]], list[R]]:
        def check(rows: list[R]) -> list[R]:
            self._check_unit(self._time_of(row) for row in rows)
            rows = without_copies(rows, self._id_of)
            before = from_id - 1
            for row in rows:
                if self._id_of(row) <= before:
                    raise BadResponseError(
                        f"{self.key} from id {from_id} answered with id {self._id_of(row)} after {before}"
                    )
                before = self._id_of(row)
            return rows

        return check

    def _check_unit(self, times: Iterable[int]) -> None:
        """Refuse times of a host or proxy that ignores the header for microseconds."""
        if any(time * OTHER_UNIT < self._start for time in times):
            raise BadResponseError(f"{self.key}: the answer's times are not in microseconds")


def _within(first: int, last: float = math.inf) -> Callable[[list[AggTradeRow]], bool]:
    """Return a check that rows are not empty and that all ids are in [first, last]."""
    return lambda rows: bool(rows) and first <= rows[0].a <= rows[-1].a <= last

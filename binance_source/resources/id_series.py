"""What aggTrades and trades share: rows numbered by consecutive ids, walked in ranges of ids.

Times say which ids are wanted, ids say what is fetched: many rows can share one microsecond, and an id never lies. The
first and last id of a period are found through aggTrades by time.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import msgspec
import pyarrow as pa

from ..rest.client import MICROSECONDS, RestClient, Tally
from ..rest.errors import BadResponseError
from ..settings import PAGE_ROWS
from .coverage import Range, missing
from .walk import Page, Window

IdEntry = tuple[int, int, int | None, int | None]
"""[first id, next id, from, to): loaded ids, and the times in microseconds between which nothing is missing."""

LOOKUP_ROWS = 100
"""Rows asked for when only an id is looked for: historic tombstones among them have no trade ids."""

# The exchange's names: a id, p price, q quantity, f first trade id, l last trade id, T time, m buyer is maker.


class AggTradeRow(msgspec.Struct, gc=False):
    """A row of GET /api/v3/aggTrades; tombstones of removed duplicates have f = l = -1."""

    a: int
    p: str
    q: str
    f: int
    l: int  # noqa: E741 - the exchange's spelling
    T: int
    m: bool


_LOOKUP_DECODER = msgspec.json.Decoder(list[AggTradeRow])

R = TypeVar("R")


def add_ids(covered: Iterable[IdEntry], new: IdEntry) -> list[IdEntry]:
    """Give the covered entries after one more was loaded: sorted, and merged where their ids meet.

    Args:
        covered: Entries in any order.
        new: The entry loaded last.
    """
    merged: list[IdEntry] = []
    for first, next_id, start, end in sorted((*covered, new), key=lambda entry: (entry[0], entry[1])):
        if merged and first <= merged[-1][1]:
            have = merged[-1]
            starts = [time for time in (have[2], start) if time is not None]
            ends = [time for time in (have[3], end) if time is not None]
            merged[-1] = (have[0], max(have[1], next_id), min(starts, default=None), max(ends, default=None))
        else:
            merged.append((first, next_id, start, end))
    return merged


class IdSeries(ABC, Generic[R]):
    """The trades of one symbol, aggregated or not.

    Args:
        client: How to ask.
        market: Such as "spot".
        symbol: Such as "BTCUSDT".
        wanted: Trade times [from, to) in microseconds.
        covered: Entries that are loaded already.
    """

    def __init__(self, client: RestClient, market: str, symbol: str, wanted: Range, covered: list[IdEntry]) -> None:
        self.key = series_key(market, symbol)
        self.tally = Tally()
        self._client = client
        self._market = market
        self._symbol = symbol
        self._start, self._end = wanted
        self._covered = covered

    @abstractmethod
    def _id_of(self, row: R) -> int:
        """Give a row's id."""

    @abstractmethod
    def _time_of(self, row: R) -> int:
        """Give a row's time in microseconds."""

    @abstractmethod
    def _lookup_ids(self, row: AggTradeRow) -> Range:
        """Give the ids [first, last] that an aggregate stands for in this series."""

    @abstractmethod
    def _request(self, from_id: int, limit: int, decode: Callable[[list[R]], list[R]]) -> list[R]:
        """Ask for up to `limit` rows whose id is `from_id` or larger."""

    @abstractmethod
    def _table(self, rows: list[R]) -> tuple[pa.Table, int]:
        """Turn rows into the staging table, and count the tombstones left out."""

    def open(self) -> list[Page | Window]:
        """Find the ids of the wanted times, and cut what is missing into windows of one page each."""
        if self._start >= self._end:
            return []
        looked_up = not self._is_covered(self._start)
        first = self._first_id()
        end = self._end_id() if first is not None else None
        if first is None or end is None:
            return []
        steps: list[Page | Window] = []
        for begin, stop in missing((first, end), [entry[:2] for entry in self._covered]):
            for start in range(begin, stop, PAGE_ROWS):
                upto = min(start + PAGE_ROWS, stop)
                from_time = self._start if start == first and looked_up else None
                to_time = self._end if upto == end else None
                steps.append(Window(start, upto, (from_time, to_time)))
        return steps

    def fetch(self, window: Window) -> Page:
        """Fetch one window of at most a page of ids."""
        rows = self._rows(window.start, window.end)
        from_time, to_time = window.covers
        if rows:
            from_time = self._time_of(rows[0]) if from_time is None else from_time
            to_time = self._time_of(rows[-1]) if to_time is None else to_time
        table, dropped = self._table(rows)
        newest = self._time_of(rows[-1]) if rows else None
        return Page(self.key, table, (window.start, window.end, from_time, to_time), newest, dropped)

    def _is_covered(self, time: int) -> bool:
        return any(e[2] is not None and e[3] is not None and e[2] <= time <= e[3] for e in self._covered)

    def _first_id(self) -> int | None:
        """Give the first id that may be missing, or None where there is no trade since the start."""
        for first, next_id, start, end in self._covered:
            if start is not None and end is not None and start <= self._start <= end:
                return next_id if end < self._end else first
        rows = self._lookup({"startTime": self._start})
        while rows:
            for row in rows:
                if row.f >= 0:
                    return self._lookup_ids(row)[0]
            rows = self._lookup({"fromId": rows[-1].a + 1})
        return None

    def _end_id(self) -> int | None:
        """Give the id after the last one wanted, or None where there is no trade before the end."""
        for first, _, start, end in self._covered:
            if start is not None and end is not None and start < self._end <= end:
                return first
        rows = self._lookup({"endTime": self._end - 1})
        while rows:
            for row in reversed(rows):
                if row.f >= 0:
                    return self._lookup_ids(row)[1] + 1
            if rows[0].a == 0:
                return None
            rows = self._lookup({"fromId": max(rows[0].a - LOOKUP_ROWS, 0)})
        return None

    def _lookup(self, params: dict[str, int]) -> list[AggTradeRow]:
        return self._client.get(
            "aggTrades",
            {"symbol": self._symbol, **params, "limit": LOOKUP_ROWS},
            _LOOKUP_DECODER.decode,
            headers=MICROSECONDS,
            tally=self.tally,
        )

    def _rows(self, start: int, end: int) -> list[R]:
        """Give all rows with ids [start, end): asks until the range is walked through, whatever the pages' sizes."""
        rows: list[R] = []
        while start < end:
            page = self._request(start, end - start, self._checked(start))
            wanted = [row for row in page if self._id_of(row) < end]
            rows += wanted
            if not wanted:
                break
            start = self._id_of(wanted[-1]) + 1
        return rows

    def _checked(self, from_id: int) -> Callable[[list[R]], list[R]]:
        def check(rows: list[R]) -> list[R]:
            before = from_id - 1
            for row in rows:
                if self._id_of(row) <= before:
                    raise BadResponseError(
                        f"{self.key} from id {from_id} answered with id {self._id_of(row)} after {before}"
                    )
                before = self._id_of(row)
            return rows

        return check


def series_key(market: str, symbol: str) -> str:
    """Name a trade series in dlt's state and in messages."""
    return f"{market}|{symbol}"

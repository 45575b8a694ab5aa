"""What funding rates and open interest share: rows by time, without candles' grid, asked for page after page."""

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

import pyarrow as pa

from exchange_engine.coverage import Range, missing
from exchange_engine.http.errors import BadResponseError
from exchange_engine.http.transport import Params, Tally
from exchange_engine.listed import Rejected, without_copies
from exchange_engine.walk import Page, Window

from .client import RestClient

R = TypeVar("R")


class TimedSeries(ABC, Generic[R]):
    """Rows of one symbol in ascending order of their times.

    Where the next row lies is not known beforehand, so that the pages of a range follow each other.

    Args:
        client: How to ask.
        key: Of the series.
        wanted: Times [from, to) in milliseconds.
        covered: Ranges of times that are loaded already.
        now_ms: The exchange's clock.
    """

    endpoint = ""
    page_rows = 1000
    """The `limit` that is asked for."""
    least_step_ms = 1
    """The shortest time from row to row."""
    may_meet = False
    """Two rows may have one time."""

    def __init__(self, client: RestClient, key: str, wanted: Range, covered: list[Range], now_ms: int) -> None:
        self.key = key
        self.tally = Tally()
        self._client = client
        self._missing = missing(wanted, covered)
        self._now = now_ms

    @abstractmethod
    def params(self) -> Params:
        """Return what is asked for beside the times."""

    @abstractmethod
    def decode(self, body: bytes) -> list[R]:
        """Read an answer."""

    @abstractmethod
    def time_of(self, row: R) -> int:
        """Return a row's time in milliseconds, as the exchange has it."""

    @abstractmethod
    def table(self, rows: list[R]) -> pa.Table:
        """Turn rows into the staging table."""

    def settled(self, rows: list[R]) -> tuple[list[R], list[Rejected]]:
        """Return one row for each event, and those that contradict each other."""
        return rows, []

    def open(self) -> list[Page | Window]:
        """Cut nothing: each missing range is one window."""
        return [Window(start, end, (end,)) for start, end in self._missing]

    def fetch(self, window: Window) -> Page:
        """Fetch all rows of a range: until its end is reached or nothing is left, whatever the pages' sizes."""
        rows: list[R] = []
        start, end = window.start, min(window.end, self._now)
        while start < end:
            page = self._page(start, end - 1)
            # Nothing where something may be is believed when it is said twice; up to now it is what is to be expected,
            # and no more than the newest row is covered.
            if not page and window.end < self._now:
                page = self._page(start, end - 1)
            if not page:
                break
            rows += page
            start = self.time_of(page[-1]) + 1
            if start - 1 + self.least_step_ms >= end:
                break
        newest = self.time_of(rows[-1]) if rows else None
        rows, rejected = self.settled(rows)
        # What is to come in this very moment may not be there yet: the newest row ends what is certain.
        until = window.end if window.end < self._now else (window.start if newest is None else newest + 1)
        answered = (window.start, end) if until < window.end else None
        newest_us = None if newest is None else newest * 1000
        return Page(
            self.key, self.table(rows), ((window.start, until),), newest_us, answered=answered, rejected=rejected
        )

    def _page(self, start: int, last: int) -> list[R]:
        def decode(body: bytes) -> list[R]:
            rows = without_copies(self.decode(body), self.time_of)
            least = start
            for row in rows:
                time = self.time_of(row)
                if not least <= time <= last:
                    raise BadResponseError(
                        f"{self.endpoint} {self.key} from {start} to {last} answered with {time}, not from {least} on"
                    )
                least = time if self.may_meet else time + 1
            return rows

        times = {"startTime": start, "endTime": last, "limit": self.page_rows}
        return self._client.get(self.endpoint, {**self.params(), **times}, decode, tally=self.tally)

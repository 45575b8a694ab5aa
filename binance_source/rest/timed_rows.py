"""The base of funding rates and open interest: rows by time, off the grid of candles, fetched page after page."""

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
    """Rows of one symbol in ascending order of time.

    The time of the next row is not known in advance, so the pages of a range are fetched one after the other.

    Args:
        client: Client of the market.
        key: Key of the series.
        wanted: The requested times [from, to) in milliseconds.
        covered: Ranges of times that are already loaded.
        now_ms: Binance's time, in milliseconds since 1970.
    """

    endpoint = ""
    page_rows = 1000
    """The `limit` of each request."""
    least_step_ms = 1
    """The shortest time between two rows, in milliseconds."""
    may_meet = False
    """Whether two rows may have the same time."""

    def __init__(self, client: RestClient, key: str, wanted: Range, covered: list[Range], now_ms: int) -> None:
        self.key = key
        self.tally = Tally()
        self._client = client
        self._missing = missing(wanted, covered)
        self._now = now_ms

    @abstractmethod
    def params(self) -> Params:
        """Return the query parameters besides the times and the limit."""

    @abstractmethod
    def decode(self, body: bytes) -> list[R]:
        """Return the rows of a response."""

    @abstractmethod
    def time_of(self, row: R) -> int:
        """Return a row's time in milliseconds since 1970, as Binance sends it."""

    @abstractmethod
    def table(self, rows: list[R]) -> pa.Table:
        """Return rows as the staging table."""

    def settled(self, rows: list[R]) -> tuple[list[R], list[Rejected]]:
        """Return one row per event, and the rows that contradict each other."""
        return rows, []

    def open(self) -> list[Page | Window]:
        """Return one window for each missing range."""
        return [Window(start, end, (end,)) for start, end in self._missing]

    def fetch(self, window: Window) -> Page:
        """Fetch all rows of a range. Only its end or an empty response ends the pages, not a short page."""
        rows: list[R] = []
        start, end = window.start, min(window.end, self._now)
        while start < end:
            page = self._page(start, end - 1)
            # An empty response is believed when it comes twice. Up to "now" it is to be expected, and only the time up
            # to the newest row is covered anyway.
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
        # A row of this very moment may not be there yet, so coverage ends with the newest row.
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

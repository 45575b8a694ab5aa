"""Candles of venues that are queried by time: the windows are known in advance and fetched in parallel."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any, Final

import pyarrow as pa

from .coverage import Range, add, missing
from .http.errors import GaveUpError
from .http.transport import Tally
from .listed import Rejected
from .times import DAY_MS, HOUR_MS, text_of_ms
from .walk import Page, Window

Candle = tuple[Any, ...]
"""A row of a response, preceded by its open time in milliseconds since 1970."""

SETTLING_MS: Final = HOUR_MS
"""How long ago a candle must have closed, in milliseconds, before its absence is believed: a candle missing at the end
may still appear."""

MOST_ANSWERS: Final = 5
"""How often one window is requested at most, until two consecutive responses are equal."""

PROBED_WINDOWS: Final = 4
"""Ranges of more windows than this are probed with daily candles first: nothing finer is requested before the first day
with a candle, nor after the last one."""


@dataclass(frozen=True)
class Interval:
    """A candle interval.

    Attributes:
        name: Binance's name, such as "1m".
        parameter: The venue's name.
        shortest_ms: The length in milliseconds; the shortest if it varies.
        longest_ms: The longest length in milliseconds: a month has 28 to 31 days.
    """

    name: str
    parameter: str
    shortest_ms: int
    longest_ms: int

    @property
    def is_aligned(self) -> bool:
        """Whether all candles open at multiples of their length since 1970; not assumed for intervals above a day."""
        return self.shortest_ms <= DAY_MS

    def next_open(self, time_ms: int) -> int:
        """Return the earliest time, at or after `time_ms`, at which a candle may open."""
        return -(-time_ms // self.shortest_ms) * self.shortest_ms if self.is_aligned else time_ms

    def closed_before(self, now_ms: int) -> int:
        """Return the exclusive upper bound of the open times of candles that may be closed at `now_ms`."""
        return now_ms // self.shortest_ms * self.shortest_ms if self.is_aligned else now_ms - self.shortest_ms + 1

    def surely_closed_before(self, now_ms: int) -> int:
        """Return the exclusive upper bound of the open times of candles that are surely closed at `now_ms`."""
        return self.closed_before(now_ms) - (self.longest_ms - self.shortest_ms)


def intervals(parameters: dict[str, str], lengths: dict[str, int], longest: dict[str, int]) -> dict[str, Interval]:
    """Return a venue's intervals, by Binance's names.

    Args:
        parameters: From Binance's name to the venue's.
        lengths: The shortest length of each name in milliseconds.
        longest: The longest length of those that vary, in milliseconds.
    """
    return {
        name: Interval(name, parameter, lengths[name], longest.get(name, lengths[name]))
        for name, parameter in parameters.items()
    }


@dataclass(frozen=True)
class Answer:
    """What a venue sends when a window is requested once.

    Attributes:
        candles: The closed candles of the requested time, in ascending order of open time.
        is_odd: Whether it looks like the response to another request.
        rejected: Rows that were left out.
    """

    candles: list[Candle]
    is_odd: bool = False
    rejected: Sequence[Rejected] = ()


class CandleSeries(ABC):
    """The candles of one symbol and interval.

    A response that lacks candles may be right, if nothing was traded, or may have lost some. It is believed once the
    venue gives it twice in a row.

    Args:
        key: Key of the series.
        interval: Interval of the candles.
        day: The daily interval, used to find where the data begins and ends.
        wanted: The requested open times [from, to) in milliseconds.
        covered: Ranges of open times that are already loaded.
        now_ms: The venue's time, in milliseconds since 1970; it decides which candles are closed.
    """

    window_candles = 300
    """Number of open times in a window."""
    quiet_ms = 0
    """The longest time without a trade that is believed at once, in milliseconds."""

    def __init__(
        self, key: str, interval: Interval, day: Interval, wanted: Range, covered: list[Range], now_ms: int
    ) -> None:
        self.key = key
        self.tally = Tally()
        self._interval = interval
        self._day = day
        self._missing = missing(wanted, covered)
        self._now = now_ms

    @abstractmethod
    def ask(self, interval: Interval, start: int, end: int) -> Answer:
        """Fetch the closed candles that open in [start, end), at most a window of them."""

    @abstractmethod
    def table(self, candles: list[Candle]) -> pa.Table:
        """Return candles as the staging table."""

    def rounded(self, candles: list[Candle]) -> int:  # noqa: ARG002 - most venues print decimals
        """Return how many numbers of the candles the table rounds."""
        return 0

    def open(self) -> list[Page | Window]:
        """Return the windows of each missing range, and empty pages before the first candle and after the last one."""
        return list(chain(*(self._cut(*gap) for gap in self._missing)))

    def fetch(self, window: Window) -> Page:
        """Fetch one window."""
        answer = self._believed(self._interval, window.start, window.end)
        return self._page(answer, window.covers[0], window.end)

    def _cut(self, start: int, end: int) -> Iterator[Page | Window]:
        end = min(end, self._interval.closed_before(self._now))
        if self._interval.next_open(start) >= end:
            return
        traded = self._traded(start, end)
        for part in sorted([*traded, *missing((start, end), traded)]):
            if part in traded:
                yield from self._windows(*part)
            else:
                yield self._page(Answer([]), *part)

    def _windows(self, start: int, end: int) -> Iterator[Window]:
        width = self.window_candles * self._interval.shortest_ms
        inner = range(self._interval.next_open(start) + width, end, width)
        for begin, stop in pairwise([start, *inner, end]):
            yield Window(self._interval.next_open(begin), stop, (begin,))

    def _traded(self, start: int, end: int) -> list[Range]:
        """Return the parts that may have candles: a late listing or a dead symbol must not cost years of minutes."""
        step = self._interval.shortest_ms
        if end - start <= PROBED_WINDOWS * self.window_candles * step or step >= DAY_MS:
            return [(start, end)]
        over, width = end // DAY_MS * DAY_MS, self.window_candles * DAY_MS
        days = [
            day[0]
            for begin in range(start // DAY_MS * DAY_MS, over, width)
            for day in self._believed(self._day, begin, min(begin + width, over)).candles
        ]
        known = [(max(start, days[0]), days[-1] + DAY_MS)] if days else []
        return add([], [*known, (max(start, over), end)])

    def _believed(self, interval: Interval, start: int, end: int) -> Answer:
        """Repeat a request until its response is complete, or equal to the previous one.

        Raises:
            GaveUpError: The responses keep differing.
        """
        before: Answer | None = None
        for _ in range(MOST_ANSWERS):
            answer = self.ask(interval, start, end)
            if answer == before or self._is_whole(answer, interval, start, end):
                return answer
            before = answer
        raise GaveUpError(f"{text_of_ms(start)} to {text_of_ms(end)}: {MOST_ANSWERS} answers to one question differ")

    def _is_whole(self, answer: Answer, interval: Interval, start: int, end: int) -> bool:
        opens: list[int] = [candle[0] for candle in answer.candles]
        if answer.is_odd or not opens:
            return False
        first, stop = interval.next_open(start), interval.next_open(end)
        gaps = [(after - before - 1) // interval.longest_ms for before, after in pairwise([first - 1, *opens, stop])]
        # No gap may exceed half of a window, which matters for short ones such as the minutes since the last run.
        return max(gaps) <= min(self.quiet_ms // interval.longest_ms, (stop - first) // interval.longest_ms // 2)

    def _page(self, answer: Answer, start: int, end: int) -> Page:
        """Return a page of [start, end). Its coverage leaves out the end, where missing candles may still appear."""
        candles = answer.candles
        newest = candles[-1][0] if candles else None
        known = start if newest is None else newest + self._interval.shortest_ms
        until = min(end, max(start, known, self._interval.surely_closed_before(self._now - SETTLING_MS)))
        newest_us = None if newest is None else newest * 1000
        answered = (start, end) if until < end else None
        return Page(
            self.key,
            self.table(candles),
            ((start, until),),
            newest_us,
            answered=answered,
            rejected=answer.rejected,
            rounded=self.rounded(candles),
        )

"""Candles of venues that are asked for a time: in windows known beforehand, so that they are fetched in parallel."""

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
"""A row of an answer, with its open time in milliseconds in front."""

SETTLING_MS: Final = HOUR_MS
"""How long ago a candle must have closed before its absence is believed: what is missing at the end may still come."""

MOST_ANSWERS: Final = 5
"""How often one window is asked for, until two answers that follow each other are alike."""

PROBED_WINDOWS: Final = 4
"""Ranges of more windows are looked at by the day first: nothing finer is asked for before the first day with a candle,
nor after the last one."""


@dataclass(frozen=True)
class Interval:
    """The length of candles.

    Attributes:
        name: Binance's, such as "1m".
        parameter: As the venue calls it.
        shortest_ms: The time from one candle to the next, in milliseconds.
        longest_ms: The same, where it varies: a month has 28 to 31 days.
    """

    name: str
    parameter: str
    shortest_ms: int
    longest_ms: int

    @property
    def is_aligned(self) -> bool:
        """Tell whether all candles open on multiples of their length since 1970; longer ones are not guessed."""
        return self.shortest_ms <= DAY_MS

    def next_open(self, time_ms: int) -> int:
        """Return the first time at or after another at which a candle may open."""
        return -(-time_ms // self.shortest_ms) * self.shortest_ms if self.is_aligned else time_ms

    def closed_before(self, now_ms: int) -> int:
        """Return the time before which the candles open that may be closed at another time."""
        return now_ms // self.shortest_ms * self.shortest_ms if self.is_aligned else now_ms - self.shortest_ms + 1

    def surely_closed_before(self, now_ms: int) -> int:
        """Return the time before which the candles open that are closed at another time, however long they are."""
        return self.closed_before(now_ms) - (self.longest_ms - self.shortest_ms)


def intervals(parameters: dict[str, str], lengths: dict[str, int], longest: dict[str, int]) -> dict[str, Interval]:
    """Describe a venue's intervals.

    Args:
        parameters: For each of them, by Binance's name, what the venue calls it.
        lengths: The shortest length of each name in milliseconds.
        longest: The longest one of those that vary.
    """
    return {
        name: Interval(name, parameter, lengths[name], longest.get(name, lengths[name]))
        for name, parameter in parameters.items()
    }


@dataclass(frozen=True)
class Answer:
    """What a venue says to one question.

    Attributes:
        candles: Closed ones, in ascending order of their open times, of the time that was asked for.
        is_odd: It looks like the answer to another question.
        rejected: Rows that were left out.
    """

    candles: list[Candle]
    is_odd: bool = False
    rejected: Sequence[Rejected] = ()


class CandleSeries(ABC):
    """The candles of one symbol and interval.

    An answer that lacks candles may be right, where nothing was traded, or may have lost some on its way: it is
    believed when it is given twice.

    Args:
        key: Of the series.
        interval: Of the candles.
        day: The interval of a day, by which it is looked up where the data begin and end.
        wanted: Open times [from, to) in milliseconds.
        covered: Ranges of open times that are loaded already.
        now_ms: The venue's clock: a candle is closed once its time has passed on it.
    """

    window_candles = 300
    """How many open times make a window."""
    quiet_ms = 0
    """For how long nothing may have been traded without a doubt, in milliseconds."""

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
        """Ask once for the closed candles that open in [start, end), at most a window of them."""

    @abstractmethod
    def table(self, candles: list[Candle]) -> pa.Table:
        """Turn candles into the staging table."""

    def rounded(self, candles: list[Candle]) -> int:  # noqa: ARG002 - most venues print decimals
        """Return how many numbers of candles the table has rounded."""
        return 0

    def open(self) -> list[Page | Window]:
        """Cut each missing range into windows; before the first candle and after the last one there are none."""
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
        """Return the parts that may have candles: a symbol that came late or died must not cost years of minutes."""
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
        """Ask until an answer is beyond doubt, or has been given twice in succession.

        Raises:
            GaveUpError: The answers go on to differ.
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
        # Of a short window, such as what has closed since the last run, the half must be there.
        return max(gaps) <= min(self.quiet_ms // interval.longest_ms, (stop - first) // interval.longest_ms // 2)

    def _page(self, answer: Answer, start: int, end: int) -> Page:
        """Make a page of [start, end), of which everything is covered whose absence is believed."""
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

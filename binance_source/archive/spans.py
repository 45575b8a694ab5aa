"""What the rows of a file prove to be complete: coverage entries, with a gap wherever a row may be missing."""

from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from exchange_engine.coverage import IdEntry, Range

Span = Range | IdEntry


class Spans(Protocol):
    """Follows the rows of one file, in ascending order."""

    def take(self, table: pa.Table, keys: pa.Array) -> list[Span]:
        """Return what these rows cover; there must be at least one."""

    def end(self) -> list[Span]:
        """Return what the end of the file covers beyond its last row."""


class TimeSpans:
    """Coverage of klines and other rows keyed by time: open times in milliseconds.

    There is a gap where a whole candle fits between two rows, or between a row and an end of the period. A gap is not
    covered, so it is requested elsewhere.

    Args:
        period: The requested part of the file's period, [from, to).
        step: The shortest length of the interval in milliseconds.
        longest: The longest length of the interval in milliseconds.
        may_end: Whether a row may lie at the very end of the period, in place of one at its beginning.
    """

    def __init__(self, period: Range, step: int, longest: int, may_end: bool = False) -> None:
        self._start, self._end = period
        self._step, self._longest = step, longest
        self._may_end = may_end
        self._last: int | None = None

    def take(self, table: pa.Table, keys: pa.Array) -> list[Span]:  # noqa: ARG002 - trades need the times as well
        """Return what these rows cover."""
        first, last = keys[0].as_py(), keys[-1].as_py()
        if self._last is None:
            is_shifted = self._may_end and first == self._start + self._step and last == self._end
            begin = self._start if first - self._start < self._longest or is_shifted else first
        else:
            begin = self._last + 1 if first - self._last < self._step + self._longest else first
        spans: list[Span] = []
        steps = pc.subtract(keys[1:], keys[:-1])
        for index in pc.indices_nonzero(pc.greater_equal(steps, self._step + self._longest)).to_pylist():
            spans.append((begin, keys[index].as_py() + 1))
            begin = keys[index + 1].as_py()
        spans.append((begin, last + 1))
        self._last = last
        return spans

    def end(self) -> list[Span]:
        """Return the rest of the period, unless a candle is missing there."""
        if self._last is None or self._last + self._longest < self._end:
            return []
        return [(self._last + 1, self._end)]


class IdSpans:
    """Coverage of trades: ids are consecutive, and every jump is a gap.

    The times span from the first row to the last and no further. Only the ids of the neighbouring files, or REST, can
    prove that nothing is missing before and after them.

    Args:
        time_column: The column with the rows' times.
    """

    def __init__(self, time_column: str) -> None:
        self._time_column = time_column

    def take(self, table: pa.Table, keys: pa.Array) -> list[Span]:
        """Return what these rows cover."""
        times = table[self._time_column].combine_chunks().cast(pa.int64())
        jumps = pc.indices_nonzero(pc.greater(pc.subtract(keys[1:], keys[:-1]), 1)).to_pylist()
        spans: list[Span] = []
        for begin, end in zip([0, *(jump + 1 for jump in jumps)], [*jumps, len(keys) - 1], strict=True):
            # The times of some old trades decrease while their ids increase.
            bounds = pc.min_max(times[begin : end + 1])
            first, last = keys[begin].as_py(), keys[end].as_py()
            # The trade before the first one may have the same time, hence the + 1.
            spans.append((first, last + 1, bounds["min"].as_py() + 1, bounds["max"].as_py()))
        return spans

    def end(self) -> list[Span]:
        """Return nothing: there is no coverage beyond the last row."""
        return []

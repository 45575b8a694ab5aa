"""Coverage: the half-open ranges of each series that are loaded. These are the cursors of the sources.

Within the covered ranges of a series (market, symbol and interval), everything the venue has is in the destination.
There is usually one range, and more if separate periods were requested. A range can grow at both ends: an earlier start
loads only what is missing, and no gap can ever hide behind a cursor's maximum.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

Range = tuple[int, int]
"""[from, to): open times in milliseconds since 1970, or trade ids."""

IdEntry = tuple[int, int, int | None, int | None]
"""[first id, next id, from, to): loaded ids, and the times in microseconds since 1970 between which no row is missing.
A time is None if it is not known."""


Coverage = dict[str, list[Any]]
"""Coverage of a dataset in dlt's state: from series key to covered ranges or entries."""


def series_key(market: str, symbol: str, interval: str = "") -> str:
    """Return the key of a series in dlt's state and in messages; trades and rates have no interval."""
    return "|".join(part for part in (market, symbol, interval) if part)


def split_key(key: str) -> tuple[str, str, str]:
    """Return market, symbol and interval of a series key; the interval is empty if there is none."""
    market, symbol, *interval = key.split("|")
    return market, symbol, interval[0] if interval else ""


def missing(wanted: Range, covered: Iterable[Range]) -> list[Range]:
    """Return the parts of a requested range that are not covered, in ascending order.

    Args:
        wanted: The requested range [from, to).
        covered: Sorted ranges that do not overlap.
    """
    start, end = wanted
    gaps = []
    for have_from, have_to in covered:
        if have_to <= start:
            continue
        if have_from >= end:
            break
        if have_from > start:
            gaps.append((start, have_from))
        start = have_to
    if start < end:
        gaps.append((start, end))
    return gaps


def add(covered: Iterable[Range], new: Iterable[Range]) -> list[Range]:
    """Return covered ranges with new ones added, sorted, and merged where they touch or overlap.

    Args:
        covered: Ranges in any order.
        new: The ranges just loaded; empty ones change nothing.
    """
    merged: list[Range] = []
    for start, end in sorted((one[0], one[1]) for one in (*covered, *new) if one[0] < one[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def add_ids(covered: Iterable[IdEntry], new: Iterable[IdEntry]) -> list[IdEntry]:
    """Return covered entries with new ones added, sorted, and merged where their ids touch or overlap.

    Args:
        covered: Entries in any order.
        new: The entries just loaded.
    """
    merged: list[IdEntry] = []
    for first, next_id, start, end in sorted((*covered, *new), key=lambda entry: (entry[0], entry[1])):
        if merged and first <= merged[-1][1]:
            have = merged[-1]
            starts = [time for time in (have[2], start) if time is not None]
            ends = [time for time in (have[3], end) if time is not None]
            merged[-1] = (have[0], max(have[1], next_id), min(starts, default=None), max(ends, default=None))
        else:
            merged.append((first, next_id, start, end))
    return merged


def remove(covered: Iterable[Range], gone: Iterable[Range]) -> list[Range]:
    """Return covered ranges without some others.

    Args:
        covered: Sorted ranges that do not overlap.
        gone: Ranges in any order.
    """
    less = add([], gone)
    return [part for one in covered for part in missing((one[0], one[1]), less)]


def remove_ids(covered: Iterable[IdEntry], gone: Iterable[Range]) -> list[IdEntry]:
    """Return covered entries without some ranges of ids.

    A remaining part keeps the time of its entry only at an end that was not cut.

    Args:
        covered: Sorted entries.
        gone: Ranges of ids in any order.
    """
    less = add([], gone)
    left: list[IdEntry] = []
    for first, next_id, start, end in covered:
        for begin, stop in missing((first, next_id), less):
            left.append((begin, stop, start if begin == first else None, end if stop == next_id else None))
    return left


def missing_times(wanted: Range, covered: Iterable[IdEntry]) -> list[Range]:
    """Return the parts of a requested range of times that no covered ids span, in ascending order.

    Args:
        wanted: The requested range [from, to) in milliseconds.
        covered: The covered entries; those without both times do not count.
    """
    times = [
        (-(-start // 1000), end // 1000)
        for _first, _next, start, end in covered
        if start is not None and end is not None
    ]
    return missing(wanted, add([], times))


@dataclass(frozen=True)
class RangeKind:
    """How the coverage of a dataset's series is kept.

    Attributes:
        add: Returns the covered entries with new ones added.
        remove: Returns the covered entries without ranges of keys that must be fetched again.
        newest_start_us: Returns where the newest covered range begins, in microseconds since 1970, or None.
    """

    add: Callable[[list[Any], Iterable[Any]], list[Any]]
    remove: Callable[[list[Any], Iterable[Range]], list[Any]]
    newest_start_us: Callable[[Sequence[Any]], int | None]


TIMES: Final = RangeKind(add, remove, lambda covered: covered[-1][0] * 1000 if covered else None)
"""Coverage as ranges of times in milliseconds."""

IDS: Final = RangeKind(
    add_ids, remove_ids, lambda covered: max((one[2] for one in covered if one[2] is not None), default=None)
)
"""Coverage as ranges of ids, with the times that they span."""

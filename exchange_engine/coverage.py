"""What of a series has been loaded, as half-open ranges: the cursors of this source.

A series (one market, symbol and interval) is covered in ranges: everything that the exchange has in them is in the
destination. There is one range as a rule, and more where a user asked for separate periods. Both ends can grow, so that
an earlier start is fetched without touching what is there, and a hole can never hide behind a cursor's maximum.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

Range = tuple[int, int]
"""[from, to): open times in milliseconds, or trade ids."""

IdEntry = tuple[int, int, int | None, int | None]
"""[first id, next id, from, to): loaded ids, and the times in microseconds between which nothing is missing."""


Coverage = dict[str, list[Any]]
"""dlt state of a dataset: for each series what has been loaded."""


def series_key(market: str, symbol: str, interval: str = "") -> str:
    """Name a series in dlt's state and in messages; trades and rates have no interval."""
    return "|".join(part for part in (market, symbol, interval) if part)


def split_key(key: str) -> tuple[str, str, str]:
    """Return market, symbol and interval of a series' name; the interval is empty where there is none."""
    market, symbol, *interval = key.split("|")
    return market, symbol, interval[0] if interval else ""


def missing(wanted: Range, covered: Iterable[Range]) -> list[Range]:
    """Return the parts of a wanted range that are not covered, in ascending order.

    Args:
        wanted: [from, to) that the user asked for.
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
    """Return the covered ranges after others were loaded: sorted, and merged where they meet.

    Args:
        covered: Ranges in any order.
        new: The ranges loaded last; an empty one changes nothing.
    """
    merged: list[Range] = []
    for start, end in sorted((one[0], one[1]) for one in (*covered, *new) if one[0] < one[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def add_ids(covered: Iterable[IdEntry], new: Iterable[IdEntry]) -> list[IdEntry]:
    """Return the covered entries after others were loaded: sorted, and merged where their ids meet.

    Args:
        covered: Entries in any order.
        new: The entries loaded last.
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
    """Return the covered ranges less others.

    Args:
        covered: Sorted ranges that do not overlap.
        gone: Ranges in any order.
    """
    less = add([], gone)
    return [part for one in covered for part in missing((one[0], one[1]), less)]


def remove_ids(covered: Iterable[IdEntry], gone: Iterable[Range]) -> list[IdEntry]:
    """Return the covered entries less ranges of ids; what is left of an entry knows its times on its outer sides only.

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
    """Return the parts of a wanted range of times that no loaded ids reach over, in ascending order.

    Args:
        wanted: [from, to) in milliseconds.
        covered: Entries that are loaded.
    """
    times = [
        (-(-start // 1000), end // 1000)
        for _first, _next, start, end in covered
        if start is not None and end is not None
    ]
    return missing(wanted, add([], times))


@dataclass(frozen=True)
class RangeKind:
    """How what is loaded of a dataset's series is remembered.

    Attributes:
        add: Returns the entries after others were loaded.
        remove: Returns the entries without some ranges of keys, which are to be fetched again.
        newest_start_us: Returns where the newest loaded range begins, in microseconds since 1970, or None.
    """

    add: Callable[[list[Any], Iterable[Any]], list[Any]]
    remove: Callable[[list[Any], Iterable[Range]], list[Any]]
    newest_start_us: Callable[[Sequence[Any]], int | None]


def _newest_start_of_times(covered: Sequence[Range]) -> int | None:
    return covered[-1][0] * 1000 if covered else None


def _newest_start_of_ids(covered: Sequence[IdEntry]) -> int | None:
    return max((entry[2] for entry in covered if entry[2] is not None), default=None)


TIMES: Final = RangeKind(add, remove, _newest_start_of_times)
"""Ranges of times in milliseconds."""

IDS: Final = RangeKind(add_ids, remove_ids, _newest_start_of_ids)
"""Ranges of ids, with the times that they reach over."""

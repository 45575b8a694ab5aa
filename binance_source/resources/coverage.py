"""What of a series has been loaded, as half-open ranges: the cursors of this source.

A series (one market, symbol and interval) is covered in ranges: everything that the exchange has in them is in the
destination. There is one range as a rule, and more where a user asked for separate periods. Both ends can grow, so that
an earlier start is fetched without touching what is there, and a hole can never hide behind a cursor's maximum.
"""

from collections.abc import Iterable

Range = tuple[int, int]
"""[from, to): open times in milliseconds, or trade ids."""


def missing(wanted: Range, covered: Iterable[Range]) -> list[Range]:
    """Give the parts of a wanted range that are not covered, in ascending order.

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


def add(covered: Iterable[Range], new: Range) -> list[Range]:
    """Give the covered ranges after one more was loaded: sorted, and merged where they meet.

    Args:
        covered: Ranges in any order.
        new: The range loaded last; an empty one changes nothing.
    """
    ranges = sorted([*(tuple(item) for item in covered), *([new] if new[0] < new[1] else [])])
    merged: list[Range] = []
    for start, end in ranges:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged

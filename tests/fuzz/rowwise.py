"""Lists against the document: each row by itself, and every name exactly once."""

import json

from documents import damaged_rows, dumps, odd_values
from hypothesis import strategies as st
from readings import from_json


def check_list(snapshot, found, rows, theirs, ours, read, wanted=None):
    """Compare what was made of a list with the list.

    Every wanted name of the document is among the rows or among the rejected ones, and not among both.

    Args:
        snapshot: What was made of it.
        found: The rows of its table.
        rows: The list, read by the standard library.
        theirs: The field that names a row.
        ours: The column of the names.
        read: Reads one row of the list.
        wanted: The names that are wanted; default all.
    """
    copies, unnamed = {}, 0
    for row in rows:
        name = row.get(theirs) if isinstance(row, dict) else None
        if not isinstance(name, str) or not name:
            unnamed += 1
        elif wanted is None or name in wanted:
            copies.setdefault(name, []).append(row)
    kept, rejected = [row[ours] for row in found], [one.key for one in snapshot.rejected]
    assert snapshot.unnamed == unnamed
    assert len(set(kept)) == len(kept)
    assert not set(kept) & set(rejected)
    assert {*kept, *rejected} == set(copies)
    for row in found:
        assert all(read(copy) == row for copy in copies[row[ours]])
    for one in snapshot.rejected:
        assert from_json(one.row.encode()) in copies[one.key]
        assert one.reason
        # All copies that contradict each other, and those that say the same at least once.
        assert rejected.count(one.key) in (1, len(copies[one.key]))


def is_json(rows):
    """Whether the rows make a document at all: what is no JSON is an error of the whole answer."""
    try:
        json.loads(dumps(rows), parse_constant=no_constant)
    except ValueError:
        return False
    return True


def no_constant(name):
    raise ValueError(f"{name} is Python's, and no JSON")


@st.composite
def with_one_odd(draw, rows):
    """Valid rows, and the same ones with one that is odd: its place taken by what damage made of it."""
    good = draw(rows)
    at = draw(st.integers(0, len(good) - 1))
    odd = draw((damaged_rows([good[at]]) | odd_values.map(lambda value: [value])).filter(is_json))
    others = [row for number, row in enumerate(good) if number != at]
    return others, [*good[:at], *odd, *good[at + 1 :]]

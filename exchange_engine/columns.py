"""Convert a venue's texts and integers to exact Arrow columns."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from .http.errors import InexactNumberError
from .tables import DECIMAL, LABEL, TIME, Table

MOST = 2**63 - 1
"""The largest value of an integer column."""

Whole = Annotated[int, msgspec.Meta(ge=0, le=MOST)]
"""An id or a count in a response."""

WholeOrNone = Annotated[int, msgspec.Meta(ge=-1, le=MOST)]
"""An id, or -1 if there is none."""

Milliseconds = Annotated[int, msgspec.Meta(ge=0, lt=10**13)]
"""A time in milliseconds since 1970, up to 2286."""

Microseconds = Annotated[int, msgspec.Meta(ge=0, lt=10**16)]
"""A time in microseconds since 1970, up to 2286."""


LONGEST = 40
"""Length of the longest number that is read, in characters. Arrow misreads some numbers of 48 digits."""

SAFE_DIGITS = 38
"""An integer of this many digits always fits 128 bits."""


def decimals(
    values: Sequence[str | None], column: str, keys: Sequence[object], kind: pa.DataType = DECIMAL
) -> pa.Array:
    """Return decimal texts as exact decimals.

    Args:
        values: Texts such as "0.00000001"; None stays null.
        column: Name of the column, for the error message.
        keys: Key of each value's row, for the error message.
        kind: Type of the column.

    Returns:
        An array of that type.

    Raises:
        InexactNumberError: A value is not a number, or has more digits than the column; the message names row and
            column.
    """
    try:
        return _cast(pa.array(values, pa.string()), kind)
    except pa.ArrowInvalid:
        for key, value in zip(keys, values, strict=True):
            try:
                _cast(pa.array([value], pa.string()), kind)
            except pa.ArrowInvalid:
                raise InexactNumberError(f"row {key}: {column} {value!r} does not fit {kind} exactly") from None
        raise


def _cast(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    lengths = pc.binary_length(texts)
    is_misread = pc.greater(lengths, LONGEST)
    # Arrow reads 1e-77 as 0, so exponents of two digits are refused. Searching the buffer of all values at once takes a
    # tenth of the time.
    written = bytes(texts.buffers()[2] or b"")
    has_exponents = b"e" in written or b"E" in written
    if has_exponents:
        is_misread = pc.or_(is_misread, pc.match_substring_regex(texts, "[eE][-+]?[0-9]{2}"))
    if pc.any(is_misread).as_py():
        raise pa.ArrowInvalid("a number of another form")
    if has_exponents or (pc.max(lengths).as_py() or 0) + kind.scale > SAFE_DIGITS:
        # Arrow rescales a number without checking that it still fits 128 bits.
        return texts.cast(pa.decimal256(2 * SAFE_DIGITS, kind.scale)).cast(kind)
    return texts.cast(kind)


def times_from_ms(values: Sequence[int]) -> pa.Array:
    """Return milliseconds since 1970 as timestamps."""
    return pa.array([value * 1000 for value in values], pa.int64()).cast(TIME)


def times_from_us(values: Sequence[int]) -> pa.Array:
    """Return microseconds since 1970 as timestamps."""
    return pa.array(values, pa.int64()).cast(TIME)


def constant(value: str, rows: int) -> pa.Array:
    """Return a dictionary-encoded column with the same value in all rows."""
    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), rows), pa.array([value], pa.string()))


def newest_by_key(records: pa.Table, key: Sequence[str]) -> pa.Table:
    """Return the records without those that a later one with the same key replaces."""
    newest = dict(zip(zip(*(records[name].to_pylist() for name in key), strict=True), range(len(records)), strict=True))
    return records.take(sorted(newest.values()))


def joined(pages: Sequence[pa.Table]) -> pa.Table:
    """Return pages as one contiguous table: Parquet is written almost twice as fast as from a hundred pieces."""
    return pa.concat_tables(pages).combine_chunks()


def build(table: Table, rows: int, columns: dict[str, Any]) -> pa.Table:
    """Return columns as an Arrow table, in the order and types of a staging table.

    Args:
        table: The staging table.
        rows: Number of rows.
        columns: For each column of the table, an array or sequence of `rows` values, or one text for all rows.

    Returns:
        An Arrow table of the table's schema.
    """
    arrays = []
    for field in table.schema:
        values = columns[field.name]
        if isinstance(values, str):
            arrays.append(constant(values, rows) if field.type == LABEL else pa.repeat(values, rows))
        elif isinstance(values, pa.Array):
            arrays.append(values)
        elif field.type == TIME:
            arrays.append(times_from_us(values))
        else:
            arrays.append(pa.array(values, field.type))
    return pa.Table.from_arrays(arrays, schema=table.schema)

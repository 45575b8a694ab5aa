"""From the exchange's texts and integers to exact Arrow columns."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from .http.errors import InexactNumberError
from .tables import DECIMAL, LABEL, TIME, Table

MOST = 2**63 - 1
"""The largest number of a column of integers."""

Whole = Annotated[int, msgspec.Meta(ge=0, le=MOST)]
"""An id or a count of an answer."""

WholeOrNone = Annotated[int, msgspec.Meta(ge=-1, le=MOST)]
"""An id, or -1 where there is none."""

Milliseconds = Annotated[int, msgspec.Meta(ge=0, lt=10**13)]
"""A time in milliseconds since 1970, up to 2286."""

Microseconds = Annotated[int, msgspec.Meta(ge=0, lt=10**16)]
"""A time in microseconds since 1970, up to 2286."""


LONGEST = 40
"""Characters of the longest number that is read; Arrow takes some of 48 digits for others."""

SAFE_DIGITS = 38
"""Of an integer that fits 128 bits, whatever its digits are."""


def decimals(
    values: Sequence[str | None], column: str, keys: Sequence[object], kind: pa.DataType = DECIMAL
) -> pa.Array:
    """Turn decimal texts into exact decimals.

    Args:
        values: Texts such as "0.00000001"; None stays null.
        column: The column's name, for the message of an error.
        keys: What identifies each value's row, for the message of an error.
        kind: The column's type.

    Returns:
        An array of that type.

    Raises:
        InexactNumberError: A value is no number, or has more digits than the column; the message names row and column.
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
    # Arrow takes 1e-77 for 0: no exponent beyond 9 is read. The search in all values at once takes a tenth of the time.
    written = bytes(texts.buffers()[2] or b"")
    has_exponents = b"e" in written or b"E" in written
    if has_exponents:
        is_misread = pc.or_(is_misread, pc.match_substring_regex(texts, "[eE][-+]?[0-9]{2}"))
    if pc.any(is_misread).as_py():
        raise pa.ArrowInvalid("a number of another form")
    if has_exponents or (pc.max(lengths).as_py() or 0) + kind.scale > SAFE_DIGITS:
        # Arrow brings a number to its scale without a look at whether it still fits 128 bits.
        return texts.cast(pa.decimal256(2 * SAFE_DIGITS, kind.scale)).cast(kind)
    return texts.cast(kind)


def times_from_ms(values: Sequence[int]) -> pa.Array:
    """Turn milliseconds since 1970 into timestamps."""
    return pa.array([value * 1000 for value in values], pa.int64()).cast(TIME)


def times_from_us(values: Sequence[int]) -> pa.Array:
    """Turn microseconds since 1970 into timestamps."""
    return pa.array(values, pa.int64()).cast(TIME)


def constant(value: str, rows: int) -> pa.Array:
    """Return a column that says the same in all rows."""
    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), rows), pa.array([value], pa.string()))


def newest_by_key(records: pa.Table, key: Sequence[str]) -> pa.Table:
    """Leave out records of which a later one has the same key."""
    newest = dict(zip(zip(*(records[name].to_pylist() for name in key), strict=True), range(len(records)), strict=True))
    return records.take(sorted(newest.values()))


def joined(pages: Sequence[pa.Table]) -> pa.Table:
    """Put pages together in one piece: Parquet is written at almost twice the speed that it is from a hundred."""
    return pa.concat_tables(pages).combine_chunks()


def build(table: Table, rows: int, columns: dict[str, Any]) -> pa.Table:
    """Put columns together in the table's order and types.

    Args:
        table: The staging table.
        rows: Number of rows.
        columns: For each column of the table an array or sequence of `rows` values, or one text for all rows.

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

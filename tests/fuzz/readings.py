"""An independent reading of the documents, by the standard library alone, and what it is compared with."""

import json
from datetime import datetime
from decimal import Decimal, InvalidOperation

import pyarrow as pa

MOST_DIGITS = 4_000
"""Of what Python turns into an int."""


def rows_of(table):
    """A table's rows; times as microseconds since 1970, since not all of them are datetimes of Python's.

    All of them must be valid for their types: the digits of a decimal above all.
    """
    table.validate(full=True)
    plain = [
        column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column for column in table.itercolumns()
    ]
    return pa.Table.from_arrays(plain, names=table.column_names).to_pylist()


def from_json(body):
    """Every number as it is written: an int, or a Decimal."""
    text = body.decode("utf-8", "replace")
    return json.loads(text, strict=False, parse_float=Decimal, parse_constant=Decimal, parse_int=_whole)


def _whole(digits):
    return int(digits) if len(digits) < MOST_DIGITS else Decimal(digits)


def decimal(value):
    """The value of a text, or of a JSON number: exactly what it says."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise TypeError(f"{value!r} is no number")
    if isinstance(value, str) and not value.isascii():
        raise ValueError(f"{value!r} is no number")
    try:
        found = Decimal(value)
    except InvalidOperation as error:
        raise ValueError(f"{value!r} is no number") from error
    if not found.is_finite():
        raise ValueError(f"{value!r} is no number")
    return found


def integer(value):
    """A JSON integer, or the decimal digits of a CSV field."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError(f"{value!r} is no integer")
    return int(value)


def boolean(value):
    """A JSON boolean, or the word for one."""
    return value if isinstance(value, bool) else {"true": True, "false": False}[value.lower()]


def text(value):
    """A JSON text."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def from_ms(value):
    return integer(value) * 1_000


def csv_time(value):
    """Milliseconds have 13 digits until 2286, microseconds 16."""
    number = integer(value)
    digits = len(str(number))
    if digits not in (13, 16):
        raise ValueError(f"{value!r} is no time")
    return number * 1_000 if digits == 13 else number


def csv_millisecond(value):
    return csv_time(value) // 1_000 * 1_000


def iso(value):
    """An instant in microseconds since 1970."""
    since = datetime.fromisoformat(value.replace("Z", "+00:00")) - datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def without_copies(rows):
    """Rows without those that say the same as the row before them."""
    return [row for at, row in enumerate(rows) if at == 0 or row != rows[at - 1]]


def or_none(of):
    """A reading of a value that may be left empty."""
    return lambda value: None if value is None or value == "" else of(value)

"""From the CSV of an archive file to Arrow: exact decimals, times in one unit, unique rows in ascending order."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from exchange_engine.columns import constant, decimals
from exchange_engine.http.errors import InexactNumberError
from exchange_engine.tables import LABEL, TIME, WIDE_DECIMAL

from .errors import ArchiveFileError
from .file_kinds import ArchiveDataset

BLOCK_BYTES = 4 * 2**20
"""CSV bytes parsed at once: some 30,000 klines, or 55,000 aggTrades."""

MOST_SORTED_BYTES = 256 * 2**20
"""The most data of a file, in bytes after parsing, that is sorted as a whole if its rows are out of order."""

MILLISECONDS_BELOW = 10**13
"""Times from this number on are in microseconds. A time in milliseconds reaches it in 2286, one in microseconds passed
it in April 1970 (docs/architecture.md)."""

MICROSECONDS_FROM, MICROSECONDS_BELOW = 10**15, 10**16
MILLISECONDS_FROM = 10**12

TOMBSTONE = -1
"""The value in place of an id in a row that stands for nothing."""

MOST_LINE_BYTES = 2**16

_COLUMN_NUMBER = re.compile(r"CSV column #(\d+)")
_ROW_NUMBER = re.compile(r"Row #(\d+)")

# Arrow's CSV reader reads 0x10 as 16.
_HEXADECIMAL = re.compile(rb"(?:^|[,\s])-?0[xX]")
# It reads 1e-77 as 0.
_SMALL = re.compile(rb"[eE]-0*[1-9]\d")
_DIGIT = re.compile(rb"\d")

_TRUE, _FALSE = ["True", "true", "TRUE"], ["False", "false", "FALSE"]


class OutOfOrderError(Exception):
    """Rows are not in ascending order across blocks: the file has to be sorted as a whole."""


@dataclass(frozen=True)
class Rows:
    """Some rows of a file.

    Attributes:
        table: Rows with the staging table's columns, constant texts as dictionaries; keys are unique and ascending.
        keys: The key column as integers: times in milliseconds since 1970, or ids.
        read: How many rows of the CSV they were made from.
        tombstones: How many of these stand for nothing or are blank.
        contradictions: How many keys were left out because rows of the file contradict each other.
    """

    table: pa.Table
    keys: pa.Array
    read: int
    tombstones: int
    contradictions: int


def read_rows(
    stream: IO[bytes], dataset: ArchiveDataset, constants: dict[str, str], whole: bool = False
) -> Iterator[Rows]:
    """Yield the rows of a CSV, block by block.

    Args:
        stream: The CSV, with or without a header.
        dataset: The kind of file.
        constants: Staging columns with the same value in all rows, such as market and source.
        whole: Whether to read everything first, and sort it.

    Raises:
        ArchiveFileError: A row does not fit the kind of file; numbers that do not fit are never rounded.
        OutOfOrderError: The file has to be read again as a whole.
    """
    blocks = _blocks(stream, dataset, limit=MOST_SORTED_BYTES if whole else None)
    if whole:
        blocks = iter([pa.concat_tables(blocks)])
    last: int | None = None
    before: Rows | None = None
    for block, is_last in _with_last(blocks):
        staged = _staged(block, dataset, constants)
        tombstones = block.num_rows - staged.num_rows
        rows = Rows(staged, key_numbers(staged, dataset), block.num_rows, tombstones, 0)
        least_step = pc.min(_steps(rows.keys)).as_py() if len(rows.keys) > 1 else 1
        if least_step <= 0:
            if least_step < 0 and not (is_last and last is None):
                raise OutOfOrderError
            rows = _unique(rows, dataset)
        if len(rows.keys):
            if last is not None and rows.keys[0].as_py() <= last:
                raise OutOfOrderError
            last = rows.keys[-1].as_py()
        # A block is yielded once the next one is known to follow it: rows that contradict it are nearby, if anywhere.
        if before is not None:
            yield before
        before = rows
    if before is not None:
        yield before


def _with_last(blocks: Iterator[pa.Table]) -> Iterator[tuple[pa.Table, bool]]:
    """Yield each block, and whether it is the last one."""
    before = next(blocks, None)
    while before is not None:
        following = next(blocks, None)
        yield before, following is None
        before = following


def key_numbers(table: pa.Table, dataset: ArchiveDataset) -> pa.Array:
    """Return a staging table's key column as integers: times in milliseconds since 1970, or ids."""
    column = table[dataset.key].combine_chunks()
    numbers = pc.divide(column.cast(pa.int64()), 1000) if column.type == TIME else column
    # Differences of negative keys could overflow, and hide a gap between ids.
    if len(numbers) and pc.min(numbers).as_py() < 0:
        raise ArchiveFileError(f"{dataset.key} is below 0")
    return numbers


def _blocks(stream: IO[bytes], dataset: ArchiveDataset, limit: int | None) -> Iterator[pa.Table]:
    """Yield the CSV's typed columns as they are in the file, times as integers."""
    layout: _Layout | None = None
    rest, given, rows = b"", 0, 0
    piece = stream.read(BLOCK_BYTES)
    while piece:
        following = stream.read(BLOCK_BYTES)
        lines = rest + piece
        piece, rest = following, b""
        if following:
            lines, _, rest = lines.rpartition(b"\n")
            if len(rest) > MOST_LINE_BYTES:
                raise ArchiveFileError(f"it has a line of more than {MOST_LINE_BYTES:,} bytes")
        if layout is None:
            layout = _Layout(lines, dataset)
            first, _, others = lines.partition(b"\n")
            # A first row with a digit is no header, even if it begins with a letter: a damaged row must not be lost
            # silently.
            if first[:1].isalpha() and not _DIGIT.search(first):
                lines = others
        if lines:
            yield (block := layout.parse(lines, rows))
            rows, given = rows + block.num_rows, given + block.nbytes
        if limit is not None and given > limit:
            raise ArchiveFileError(f"its rows are out of order, over more than {limit:,} bytes")


class _Layout:
    """The columns of a file, told from its first line: archive files have come with and without a header."""

    def __init__(self, first: bytes, dataset: ArchiveDataset) -> None:
        width = first.split(b"\n", 1)[0].count(b",") + 1
        if not len(dataset.columns) - dataset.optional <= width <= len(dataset.columns):
            raise ArchiveFileError(f"its rows have {width} columns where {len(dataset.columns)} were expected")
        self._names = list(dataset.columns[:width])
        schema = dataset.table.schema
        wanted = [name for name in self._names if name in schema.names]
        self._needed = [] if dataset.may_be_blank else [name for name in wanted if not schema.field(name).nullable]
        self._wide = [name for name in wanted if schema.field(name).type == WIDE_DECIMAL]
        self._parsing = csv.ParseOptions(quote_char=False)
        self._converting = csv.ConvertOptions(
            column_types={name: _csv_type(schema.field(name).type, name in dataset.text_times) for name in wanted},
            include_columns=wanted,
            strings_can_be_null=True,
            null_values=[] if len(self._needed) == len(wanted) else [""],
            true_values=_TRUE,
            false_values=_FALSE,
        )

    def parse(self, lines: bytes, rows_before: int) -> pa.Table:
        """Return whole lines as a table."""
        # The blocks are cut here, because the library's streaming reader reads ahead: with eight files it took a
        # gigabyte.
        if (b"0x" in lines or b"0X" in lines) and _HEXADECIMAL.search(lines):
            raise ArchiveFileError("its content is not what it should be: a number is hexadecimal")
        if (b"e-" in lines or b"E-" in lines) and _SMALL.search(lines):
            raise ArchiveFileError("its content is not what it should be: a number has an exponent below -9")
        reading = csv.ReadOptions(column_names=self._names, use_threads=False, block_size=len(lines) + 1)
        name = ""
        try:
            block = csv.read_csv(pa.BufferReader(lines), reading, self._parsing, self._converting)
            # The reader checks only the digits after the point; validate() checks the precision.
            for name in block.column_names:
                if name in self._wide:
                    numbers = decimals(
                        block[name].to_pylist(), name, range(rows_before, rows_before + len(block)), WIDE_DECIMAL
                    )
                    block = block.set_column(block.column_names.index(name), name, numbers)
                block[name].validate(full=True)
                if name in self._needed and block[name].null_count:
                    raise ArchiveFileError(f"{name} is empty in {block[name].null_count:,} rows")
        except (pa.ArrowInvalid, InexactNumberError) as error:
            said = _COLUMN_NUMBER.sub(lambda found: self._names[int(found[1])], f"{name} {error}".strip())
            said = _ROW_NUMBER.sub(lambda found: f"row {int(found[1]) + rows_before}", " ".join(said.split()))
            raise ArchiveFileError(f"its content is not what it should be: {said[:200]}") from error
        return block


def _csv_type(staged: pa.DataType, is_text: bool) -> pa.DataType:
    if staged == WIDE_DECIMAL:
        # For this type the reader misreads numbers that overflow.
        return pa.string()
    if staged != TIME:
        return staged
    return pa.timestamp("us") if is_text else pa.int64()


def _staged(block: pa.Table, dataset: ArchiveDataset, constants: dict[str, str]) -> pa.Table:
    """Return a block with the staging table's columns."""
    if dataset.tombstones is not None:
        least = pc.min(block[dataset.tombstones]).as_py()
        if least is not None and least < TOMBSTONE:
            raise ArchiveFileError(f"{dataset.tombstones} {least} is neither an id nor a tombstone")
        block = block.filter(pc.greater_equal(block[dataset.tombstones], 0))
    if dataset.may_be_blank:
        block = block.drop_null()
    arrays = []
    for field in dataset.table.schema:
        if field.name in constants:
            arrays.append(constant(constants[field.name], block.num_rows))
        elif field.name not in block.column_names and field.nullable:
            arrays.append(pa.nulls(block.num_rows, field.type))
        elif field.type == TIME:
            arrays.append(_time_column(block[field.name], field.name, dataset))
        else:
            arrays.append(block[field.name])
    return pa.Table.from_arrays(arrays, schema=dataset.table.schema)


def _time_column(values: pa.ChunkedArray, name: str, dataset: ArchiveDataset) -> pa.ChunkedArray:
    if name in dataset.text_times:
        return values.cast(TIME)
    times = _times(values, name, name in dataset.millisecond_columns)
    return pc.round_temporal(times, unit="second") if name in dataset.second_columns else times


def _times(values: pa.ChunkedArray, name: str, milliseconds_only: bool) -> pa.ChunkedArray:
    """Return timestamps for times in milliseconds or microseconds, told apart value by value."""
    if not len(values):
        return values.cast(TIME)
    bounds = pc.min_max(values)
    low, high = bounds["min"].as_py(), bounds["max"].as_py()
    if low < MILLISECONDS_FROM or high >= MICROSECONDS_BELOW:
        raise ArchiveFileError(f"{name} {low if low < MILLISECONDS_FROM else high} is no time in ms or us since 1970")
    in_milliseconds = pc.less(values, MILLISECONDS_BELOW)
    if high < MILLISECONDS_BELOW:
        return pc.multiply(values, 1000).cast(TIME)
    between = pc.and_(pc.invert(in_milliseconds), pc.less(values, MICROSECONDS_FROM))
    if pc.any(between).as_py():
        raise ArchiveFileError(f"{name} is a time between milliseconds and microseconds since 1970")
    exact = values
    if milliseconds_only:
        exact = pc.multiply(pc.divide(values, 1000), 1000)
    if low < MILLISECONDS_BELOW:
        exact = pc.if_else(in_milliseconds, pc.multiply(values, 1000), exact)
    return exact.cast(TIME)


def _unique(rows: Rows, dataset: ArchiveDataset) -> Rows:
    """Return rows sorted by key and without copies; rows that contradict each other are all left out."""
    table = rows.table.take(pc.sort_indices(rows.keys))
    keys = key_numbers(table, dataset)
    as_before = _prepend(False, pc.equal(_steps(keys), 0))
    copies = as_before
    for name in table.column_names:
        column = table[name].combine_chunks()
        if column.type != LABEL:
            after, before = column[1:], column[:-1]
            both_empty = pc.and_(pc.is_null(after), pc.is_null(before))
            same = pc.or_(pc.fill_null(pc.equal(after, before), False), both_empty)
            copies = pc.and_(copies, _prepend(False, same))
    contradicted = pc.filter(keys, pc.and_(as_before, pc.invert(copies)))
    keep = pc.and_(pc.invert(copies), pc.invert(pc.is_in(keys, contradicted)))
    table = table.filter(keep)
    contradictions = pc.count_distinct(contradicted).as_py()
    return Rows(table, key_numbers(table, dataset), rows.read, rows.tombstones, contradictions)


def _steps(keys: pa.Array) -> pa.Array:
    return pc.subtract(keys[1:], keys[:-1])


def _prepend(value: bool, array: pa.Array) -> pa.Array:
    return pa.concat_arrays([pa.array([value]), array])

"""Read a venue's lists, such as instruments or tickers, row by row: one odd row does not spoil the others."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec
import pyarrow as pa

from .columns import build
from .http.errors import InexactNumberError
from .tables import REJECTED_ROWS

R = TypeVar("R")

_RAW_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
CONTRADICTED = "another row of the same name says something else"

_LABEL = msgspec.json.Decoder(str)
_NO_LABEL = msgspec.Raw(b'""')
_RAW_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True)
class Rejected:
    """A row of a response that was left out.

    Attributes:
        key: Its symbol or asset, or None if that cannot be told.
        reason: What is wrong with it.
        row: The row as JSON text.
    """

    key: str | None
    reason: str
    row: str


@dataclass(frozen=True)
class Listed(Generic[R]):
    """The rows of a list.

    Attributes:
        rows: The readable rows, one per name.
        rejected: The rows with a name that cannot be read, or that contradict another row of their name.
        unnamed: How many rows have no name.
        texts: Returns each row as JSON text, by name.
    """

    rows: list[R]
    rejected: list[Rejected] = field(default_factory=list)
    unnamed: int = 0
    texts: Callable[[], Mapping[str, str]] = dict


@dataclass(frozen=True)
class Snapshot:
    """A list as a staging table.

    Attributes:
        rows: The staging table.
        rejected: The rows that could not be read, or do not fit the table.
        unnamed: How many rows have no name.
    """

    rows: pa.Table
    rejected: Sequence[Rejected] = ()
    unnamed: int = 0


class ListReader(Generic[R]):
    """Reads a list of JSON objects with a name each.

    Args:
        row: Type of the rows, a msgspec struct.
        name: The attribute that holds a row's name.
        field: The field of the response that holds the list; None if the response is the list itself.
        float_hook: Converts JSON numbers with a fraction.
    """

    def __init__(
        self, row: type[R], name: str, field: str | None = None, float_hook: Callable[[str], Any] | None = None
    ) -> None:
        self._name = name
        self._field = field
        self._in_json = {one.name: one.encode_name for one in msgspec.structs.fields(row)}  # type: ignore[arg-type]
        self._row = msgspec.json.Decoder(row, float_hook=float_hook)
        self._rows = msgspec.json.Decoder(list[row], float_hook=float_hook)  # type: ignore[valid-type]

    def read(self, body: bytes, names: Collection[str] | None = None) -> Listed[R]:
        """Return the rows of a response.

        Args:
            body: The response.
            names: Only rows of these names; None for all.

        Raises:
            msgspec.DecodeError: The response is not JSON, or has no list.
            UnicodeDecodeError: It is not UTF-8.
        """
        document = _RAW_FIELDS.decode(body).get(self._field, msgspec.Raw(b"null")) if self._field else body
        try:
            rows = self._rows.decode(document)
        except msgspec.ValidationError:
            return self._read_each(document, names)
        found = {getattr(row, self._name): row for row in rows}
        if len(found) < len(rows) or "" in found:
            return self._read_each(document, names)
        kept = rows if names is None else [row for name, row in found.items() if name in names]
        return Listed(kept, texts=lambda: self._texts(document))

    def labels(self, listed: Listed[R], *attributes: str) -> dict[str, tuple[str, ...]]:
        """Return some texts of every row that has a name, including odd rows.

        Args:
            listed: What this reader has read.
            attributes: Attributes of the rows. If one of them is not text in an odd row, all are empty for that row.
        """
        odd = {one.key: self._labels_of(one.row, attributes) for one in listed.rejected if one.key}
        good = {getattr(row, self._name): tuple(getattr(row, one) for one in attributes) for row in listed.rows}
        return {**odd, **good}

    def _labels_of(self, row: str | msgspec.Raw, attributes: Sequence[str]) -> tuple[str, ...]:
        try:
            fields = _RAW_FIELDS.decode(row)
            return tuple(_LABEL.decode(fields.get(self._in_json[one], _NO_LABEL)) for one in attributes)
        except msgspec.ValidationError:
            return ("",) * len(attributes)

    def _name_of(self, row: msgspec.Raw) -> str:
        return self._labels_of(row, (self._name,))[0]

    def _texts(self, document: Any) -> dict[str, str]:
        return {self._name_of(row): _text(row) for row in _RAW_ROWS.decode(document)}

    def _read_each(self, document: Any, names: Collection[str] | None) -> Listed[R]:
        found: dict[str, list[tuple[msgspec.Raw, R | None, str]]] = {}
        unnamed = 0
        for raw in _RAW_ROWS.decode(document):
            name = self._name_of(raw)
            if not name:
                unnamed += 1
            elif names is None or name in names:
                found.setdefault(name, []).append((raw, *self._read_one(raw)))
        rows, rejected = [], []
        for name, copies in found.items():
            _, row, _ = copies[0]
            if row is not None and all(other == row for _, other, _ in copies):
                rows.append(row)
            else:
                rejected += [Rejected(name, reason or CONTRADICTED, _text(raw)) for raw, _, reason in copies]
        return Listed(rows, rejected, unnamed, lambda: self._texts(document))

    def _read_one(self, raw: msgspec.Raw) -> tuple[R | None, str]:
        try:
            return self._row.decode(raw), ""
        except msgspec.ValidationError as error:
            return None, str(error)


def as_snapshot(listed: Listed[R], key_of: Callable[[R], str], table: Callable[[Sequence[R]], pa.Table]) -> Snapshot:
    """Return a list as its staging table; rows with a number that does not fit are rejected, the others kept.

    Args:
        listed: The list.
        key_of: Returns the name of a row.
        table: Returns the staging table of some rows; raises InexactNumberError for a number that does not fit.
    """
    odd: list[tuple[str, str]] = []

    def tables(rows: Sequence[R]) -> list[pa.Table]:
        try:
            return [table(rows)]
        except InexactNumberError as error:
            if len(rows) == 1:
                odd.append((key_of(rows[0]), error.what))
                return []
            half = len(rows) // 2
            return [*tables(rows[:half]), *tables(rows[half:])]

    parts = tables(listed.rows) or [table([])]
    texts = listed.texts() if odd else {}
    unfit = [Rejected(key, what, texts.get(key, "")) for key, what in odd]
    return Snapshot(pa.concat_tables(parts), [*listed.rejected, *unfit], listed.unnamed)


def rejected_table(venue: str, dataset: str, rejected: Sequence[Rejected], now_us: int) -> pa.Table:
    """Return rejected rows as the staging table.

    Args:
        venue: Such as "okx".
        dataset: The staging table that the rows were meant for.
        rejected: The rows.
        now_us: The venue's time in microseconds since 1970.
    """
    return build(
        REJECTED_ROWS,
        len(rejected),
        {
            "venue": venue,
            "dataset": dataset,
            "row_key": [one.key for one in rejected],
            "reason": [one.reason for one in rejected],
            "row_json": [one.row for one in rejected],
            "rejected_at": [now_us] * len(rejected),
        },
    )


def without_copies(rows: list[R], key_of: Callable[[R], Any]) -> list[R]:
    """Return the rows of a page without those that repeat the row before them.

    Args:
        rows: Rows in the order of their keys.
        key_of: Returns a row's key; if all keys differ, no rows are compared.
    """
    if len(set(map(key_of, rows))) == len(rows):
        return rows
    return [row for number, row in enumerate(rows) if number == 0 or row != rows[number - 1]]


def json_text(row: Any) -> str:
    """Return a row as JSON text."""
    return msgspec.json.encode(row).decode()


def _text(row: msgspec.Raw) -> str:
    return bytes(row).decode("utf-8", "replace")

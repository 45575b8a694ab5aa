"""Read rows that are JSON arrays; columns that a venue appends to them are ignored."""

from typing import Any

import msgspec

_RAW_ROWS = msgspec.json.Decoder(list[list[msgspec.Raw]])


class ArrayRows:
    """A reader of lists of arrays.

    Args:
        columns: The types of the known columns, in order.
    """

    def __init__(self, *columns: Any) -> None:
        self._rows: msgspec.json.Decoder[list[Any]] = msgspec.json.Decoder(list[tuple[columns]])  # type: ignore[valid-type]
        self._columns = len(columns)

    def decode(self, body: bytes | msgspec.Raw) -> list[Any]:
        """Return the rows of a list, each as a tuple of the known columns.

        Raises:
            msgspec.DecodeError: The body is not JSON, or has rows of another shape.
            UnicodeDecodeError: It is not UTF-8.
        """
        try:
            return self._rows.decode(body)
        except msgspec.ValidationError:
            raw: list[list[Any]] = _RAW_ROWS.decode(body)
            if not any(len(row) > self._columns for row in raw):
                raise
            return self._rows.decode(msgspec.json.encode([row[: self._columns] for row in raw]))

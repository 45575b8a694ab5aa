"""Staging tables: Arrow schema, key and dlt hints of each, and the tables that every venue has."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
from dlt.common.schema.typing import TColumnSchema

DECIMAL: Final = pa.decimal128(28, 8)
"""Prices, quantities and volumes. Binance spot prints eight decimals, which leaves twenty digits before the point."""

WIDE_DECIMAL: Final = pa.decimal128(38, 18)
"""Open interest, which the archive prints with sixteen decimals, and the numbers of other venues."""

TIME: Final = pa.timestamp("us", tz="UTC")
"""All times, in microseconds. Klines need only milliseconds, but dlt refuses a load that mixes two units."""

LABEL: Final = pa.dictionary(pa.int32(), pa.string())
"""Text that is constant over whole pages and files: dictionary-encoded, it takes four bytes a row on its way to the
destination."""

TEXT: Final = pa.string()
INT: Final = pa.int64()
BOOL: Final = pa.bool_()


_HINTS: Final[dict[pa.DataType, TColumnSchema]] = {
    DECIMAL: {"data_type": "decimal", "precision": DECIMAL.precision, "scale": DECIMAL.scale},
    WIDE_DECIMAL: {"data_type": "decimal", "precision": WIDE_DECIMAL.precision, "scale": WIDE_DECIMAL.scale},
    TIME: {"data_type": "timestamp", "timezone": True},
    TEXT: {"data_type": "text"},
    LABEL: {"data_type": "text"},
    INT: {"data_type": "bigint"},
    BOOL: {"data_type": "bool"},
}
"""dlt's column hints by Arrow type."""


APPENDED, MERGED = "append", "merge"
"""How a table is written. Appended: rows are added, and the next run removes those of a load that never completed.
Merged: rows replace those of the same key, which is safe to repeat."""


@dataclass(frozen=True)
class Table:
    """A staging table.

    Attributes:
        name: Its name in the dataset.
        key: The columns that identify a row; empty if rows are replaced by `merge_key` alone.
        schema: Arrow schema; key columns are not nullable.
        merge_key: A load replaces all rows that have the same values in these columns as one of its own.
        write: APPENDED or MERGED.
    """

    name: str
    key: tuple[str, ...]
    schema: pa.Schema
    merge_key: tuple[str, ...] = ()
    write: str = APPENDED

    @property
    def columns(self) -> dict[str, TColumnSchema]:
        """The column hints for dlt, spelled out so that an empty load creates the same table as a full one."""
        return {
            column.name: {"name": column.name, "nullable": column.nullable, **_HINTS[column.type]}
            for column in self.schema
        }

    @property
    def hints(self) -> dict[str, Any]:
        """The arguments of `dlt.resource`: name, keys, columns, and a contract that freezes columns and types."""
        return {
            "name": self.name,
            "primary_key": self.key or None,
            "merge_key": self.merge_key or None,
            "columns": self.columns,
            "schema_contract": {"columns": "freeze", "data_type": "freeze"},
        }


def staging_table(
    name: str,
    key: Sequence[str],
    columns: Sequence[tuple[pa.DataType, str]],
    nullable: frozenset[str] = frozenset(),
    merge_key: Sequence[str] = (),
    write: str = APPENDED,
) -> Table:
    """Return a staging table.

    Args:
        name: Its name.
        key: The columns that identify a row.
        columns: The columns in order, as pairs of a type and the names of its columns, separated by spaces.
        nullable: Columns that may be null.
        merge_key: As in `Table`.
        write: As in `Table`.
    """
    fields = [pa.field(name, kind, nullable=name in nullable) for kind, names in columns for name in names.split()]
    return Table(name, tuple(key), pa.schema(fields), tuple(merge_key), write)


SERIES_PERIODS: Final = staging_table(
    "series_periods",
    (),
    (
        (TEXT, "series market dataset symbol interval state"),
        (TIME, "period_start period_end"),
        (INT, "first_id end_id"),
        (TIME, "recorded_at"),
    ),
    nullable=frozenset({"interval", "period_start", "period_end", "first_id", "end_id"}),
    merge_key=("dataset", "series"),
    write=MERGED,
)
"""What was requested of each series, and what of it is covered: the cursors, visible to SQL."""

CONNECTED_SYMBOLS: Final = staging_table(
    "connected_symbols",
    ("venue", "market", "symbol"),
    (
        (TEXT, "venue market symbol base_asset quote_asset"),
        (TIME, "connected_at"),
    ),
    nullable=frozenset({"base_asset", "quote_asset"}),
    write=MERGED,
)
"""The symbols that runs have loaded, and their assets, as the venue named them when the run connected."""

REJECTED_ROWS: Final = staging_table(
    "rejected_rows",
    ("venue", "dataset", "row_json"),
    (
        (TEXT, "venue dataset row_key reason row_json"),
        (TIME, "rejected_at"),
    ),
    nullable=frozenset({"row_key"}),
    write=MERGED,
)
"""Rows of responses that were left out, each with the reason."""

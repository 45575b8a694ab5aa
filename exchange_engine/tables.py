"""Staging tables: Arrow schema, key and dlt hints of each, and those that every venue has."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
from dlt.common.schema.typing import TColumnSchema

DECIMAL: Final = pa.decimal128(28, 8)
"""Prices, quantities and volumes: Binance spot prints eight decimals, and twenty digits are left before the point."""

WIDE_DECIMAL: Final = pa.decimal128(38, 18)
"""Open interest, of which the archive prints sixteen decimals, and what other venues print."""

TIME: Final = pa.timestamp("us", tz="UTC")
"""All times. Klines use whole milliseconds of it; dlt refuses a load that mixes two units, hence one everywhere."""

LABEL: Final = pa.dictionary(pa.int32(), pa.string())
"""Texts that are the same for whole pages and files: on their way to the destination they take four bytes a row."""

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
"""Arrow type to dlt's column hints."""


APPENDED, MERGED = "append", "merge"
"""How a table is written: rows are added, and those of a load that never completed are removed by the next run; or they
replace those of the same key, which is safe to repeat."""


@dataclass(frozen=True)
class Table:
    """A staging table.

    Attributes:
        name: Its name in the dataset.
        key: The columns that identify a row; none where rows are replaced by `merge_key` alone.
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
        """Dlt's column hints, spelled out so that an empty load makes the same table as a full one."""
        return {
            column.name: {"name": column.name, "nullable": column.nullable, **_HINTS[column.type]}
            for column in self.schema
        }

    @property
    def hints(self) -> dict[str, Any]:
        """Arguments of `dlt.resource`: name, key, columns, and a contract that no other column passes."""
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
    types: dict[str, pa.DataType],
    nullable: frozenset[str] = frozenset(),
    merge_key: Sequence[str] = (),
    write: str = APPENDED,
) -> Table:
    """Describe a staging table.

    Args:
        name: Its name.
        key: The columns that identify a row.
        types: Of the columns, in their order.
        nullable: Columns that may be empty.
        merge_key: As in `Table`.
        write: As in `Table`.
    """
    fields = [pa.field(column, kind, nullable=column in nullable) for column, kind in types.items()]
    return Table(name, tuple(key), pa.schema(fields), tuple(merge_key), write)


SERIES_PERIODS: Final = staging_table(
    "series_periods",
    (),
    {
        "series": TEXT,
        "market": TEXT,
        "dataset": TEXT,
        "symbol": TEXT,
        "interval": TEXT,
        "state": TEXT,
        "period_start": TIME,
        "period_end": TIME,
        "first_id": INT,
        "end_id": INT,
        "recorded_at": TIME,
    },
    nullable=frozenset({"interval", "period_start", "period_end", "first_id", "end_id"}),
    merge_key=("dataset", "series"),
    write=MERGED,
)
"""What was asked for of each series, and what of it was answered: the cursors, where SQL can see them."""

CONNECTED_SYMBOLS: Final = staging_table(
    "connected_symbols",
    ("venue", "market", "symbol"),
    {"venue": TEXT, "market": TEXT, "symbol": TEXT, "base_asset": TEXT, "quote_asset": TEXT, "connected_at": TIME},
    nullable=frozenset({"base_asset", "quote_asset"}),
    write=MERGED,
)
"""The symbols that runs have loaded, and their assets, as the venue named them when the run connected."""

REJECTED_ROWS: Final = staging_table(
    "rejected_rows",
    ("venue", "dataset", "row_json"),
    {"venue": TEXT, "dataset": TEXT, "row_key": TEXT, "reason": TEXT, "row_json": TEXT, "rejected_at": TIME},
    nullable=frozenset({"row_key"}),
    write=MERGED,
)
"""Rows of the venues' answers that were left out, each with the reason."""

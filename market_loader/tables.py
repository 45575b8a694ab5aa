"""The staging tables that each pipeline writes."""

from collections.abc import Mapping
from typing import Final

from binance_source import schemas as binance
from coinbase_source import schemas as coinbase
from exchange_engine.tables import APPENDED, CONNECTED_SYMBOLS, REJECTED_ROWS, SERIES_PERIODS, Table
from okx_source import schemas as okx

TABLES_OF: Final[Mapping[str, tuple[Table, ...]]] = {
    name: (SERIES_PERIODS, CONNECTED_SYMBOLS, REJECTED_ROWS, *schemas.TABLES)
    for name, schemas in (("binance", binance), ("coinbase", coinbase), ("okx", okx))
}
"""By name of the dlt pipeline, which is also the name of its schema."""

TABLES: Final = tuple({table.name: table for tables in TABLES_OF.values() for table in tables}.values())
"""The tables of all pipelines."""


def appended_tables(pipeline_name: str) -> list[str]:
    """Return the tables that a pipeline appends to; the others are merged, which is safe to repeat."""
    return [table.name for table in TABLES_OF[pipeline_name] if table.write == APPENDED]

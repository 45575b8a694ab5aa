"""Bring a database of an earlier version of this project to the columns of the current one."""

from typing import Any

from .project import DATASET
from .tables import TABLES

MAY_BE_EMPTY = {(table.name, field.name) for table in TABLES for field in table.schema if field.nullable}
"""Tables and columns that may be null."""

SCHEMAS = (DATASET, f"{DATASET}_staging")
"""The schemas that dlt writes to: the one it appends to, and the one it merges from."""


def relax_columns(client: Any) -> None:
    """Drop NOT NULL from columns that may be null by now, because venues leave them empty.

    Args:
        client: dlt's SQL client of the destination, connected.
    """
    filled = client.execute_sql(
        "SELECT schema_name, table_name, column_name FROM duckdb_columns() "
        "WHERE NOT is_nullable AND schema_name IN (%s, %s)",
        *SCHEMAS,
    )
    for schema, table, column in filled:
        if (table, column) in MAY_BE_EMPTY:
            client.execute_sql(f'ALTER TABLE "{schema}"."{table}" ALTER COLUMN "{column}" DROP NOT NULL')


def relax_schemas(pipeline: Any) -> None:
    """Do the same in dlt's own schemas, which are frozen and would refuse nulls.

    Args:
        pipeline: The dlt pipeline, in agreement with the destination.
    """
    for name in pipeline.schema_names:
        known = pipeline.schemas[name].tables
        filled = [
            column
            for table, column in MAY_BE_EMPTY
            if known.get(table, {}).get("columns", {}).get(column, {}).get("nullable") is False
            for column in [known[table]["columns"][column]]
        ]
        for column in filled:
            column["nullable"] = True
        if filled:
            pipeline.schemas.commit_live_schema(name)

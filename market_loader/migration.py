"""Brings a database that an earlier version of the project has made to the columns of this one."""

from typing import Any

from .project import DATASET
from .tables import TABLES

MAY_BE_EMPTY = {(table.name, field.name) for table in TABLES for field in table.schema if field.nullable}
"""Tables and columns."""

SCHEMAS = (DATASET, f"{DATASET}_staging")
"""Where dlt writes: what it appends to, and what it merges from."""


def relax_columns(client: Any) -> None:
    """Let columns be empty that may be empty by now: what a venue leaves empty is null.

    Args:
        client: dlt's SQL client of the destination, which is connected.
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
    """Do the same in dlt's own schemas, which are frozen and would refuse it.

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

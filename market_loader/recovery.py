"""Make the database and dlt's working folder agree before a run, whatever happened to either of them.

dlt writes rows, its state and the entry in `_dlt_loads` in separate transactions, the entry last. So a load counts if
and only if it is in `_dlt_loads`, and four rules make plain appends exactly-once:

1. Rows of a load that is not in `_dlt_loads` are removed.
2. An unfinished load package is dropped: it would be loaded beside a cursor that may not belong to it.
3. What the last complete load has replaced (versions of files, and their rows in archive_files) is removed.
4. The cursors in the database apply. A working folder that differs (another database file, an older copy of it, a
deleted one, a crash) is dropped, and dlt restores it from the database.

What was fetched but not loaded is fetched again: at most one load package.
"""

from typing import Any

from dlt.pipeline.state_sync import load_pipeline_state_from_destination

from . import archive_files
from .migration import relax_columns, relax_schemas
from .project import DATASET, database_file
from .tables import appended_tables

DLT_TABLES = frozenset({"_dlt_loads", "_dlt_pipeline_state", "_dlt_version"})

KEPT_STATES = 100
"""Number of a pipeline's states that are kept in the database, for looking back."""


def recover(pipeline: Any, schema: str) -> None:
    """Apply the four rules of this module.

    Args:
        pipeline: The dlt pipeline, not yet run.
        schema: Name of the dlt schema whose loads are checked.
    """
    path = database_file(pipeline)
    stored = None
    if path is None or path.exists():
        client = pipeline.destination_client()
        with client:
            existing = _tables(client.sql_client)
            # A first run that was killed early leaves the schema, or some of dlt's tables, but no rows.
            if existing >= DLT_TABLES:
                relax_columns(client.sql_client)
                _remove_orphans(client.sql_client, schema, existing)
                stored = load_pipeline_state_from_destination(pipeline.pipeline_name, client)
                if stored:
                    _forget_old_states(client.sql_client, pipeline.pipeline_name, stored["_state_version"])
    known = stored["_version_hash"] if stored else None
    local = None if pipeline.first_run else pipeline.state.get("_version_hash")
    if pipeline.has_pending_data or local != known:
        pipeline.drop()
        if known is not None:
            pipeline.sync_destination()
    relax_schemas(pipeline)
    if known is not None:
        archive_files.remove_replaced(pipeline)


def _tables(client: Any) -> frozenset[str]:
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s"
    return frozenset(row[0] for row in client.execute_sql(query, DATASET))


def _remove_orphans(client: Any, schema: str, existing: frozenset[str]) -> None:
    """Remove the rows of loads that never completed: only rows newer than the last complete load can belong to one."""
    with client.begin_transaction():
        last = client.execute_sql(
            f"SELECT max(load_id) FROM {client.make_qualified_table_name('_dlt_loads')} "  # noqa: S608 - dlt's own name
            "WHERE schema_name = %s AND status = 0",
            schema,
        )[0][0]
        for table in appended_tables(schema):
            if table in existing:
                name = client.make_qualified_table_name(table)
                client.execute_sql(f"DELETE FROM {name} WHERE _dlt_load_id > %s", last or "")  # noqa: S608


def _forget_old_states(client: Any, pipeline_name: str, newest: int) -> None:
    """Remove old states: dlt adds one in each run, and reads only the newest."""
    client.execute_sql(
        f"DELETE FROM {client.make_qualified_table_name('_dlt_pipeline_state')} "  # noqa: S608 - dlt's own name
        "WHERE pipeline_name = %s AND version < %s",
        pipeline_name,
        newest - KEPT_STATES,
    )

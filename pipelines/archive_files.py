"""What the destination knows of the archive's files."""

from typing import Any

from binance_source.schemas import ARCHIVE_FILES


def loaded_paths(pipeline: Any) -> frozenset[str]:
    """Give the paths of the files whose rows are in the destination.

    Args:
        pipeline: The dlt pipeline, recovered (see recovery.py).
    """
    if not pipeline.default_schema_name or ARCHIVE_FILES.name not in pipeline.default_schema.tables:
        return frozenset()
    with pipeline.sql_client() as client:
        name = client.make_qualified_table_name(ARCHIVE_FILES.name)
        rows = client.execute_sql(f"SELECT path FROM {name} WHERE status = 'loaded'")  # noqa: S608 - our own name
    return frozenset(row[0] for row in rows)

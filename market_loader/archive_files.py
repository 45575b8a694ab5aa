"""What the destination knows of the archive's files, and the rows that came from them."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import pyarrow as pa

from binance_source.archive.file_kinds import ArchiveDataset
from binance_source.archive.revisions import KnownFile, Revisions, SeriesId, StoredRows
from binance_source.archive.series import LOADED, PARTLY_LOADED, KnownFiles
from binance_source.schemas import ARCHIVE_FILES
from exchange_engine.times import EPOCH, microseconds, milliseconds

_COLUMNS = (
    "path", "market", "dataset", "symbol", "interval", "sha256", "last_modified", "size_bytes", "row_count",
    "rows_loaded", "revision", "_dlt_load_id",
)  # fmt: skip


def known_files(pipeline: Any) -> KnownFiles:
    """Return what the destination has of the archive's files.

    Args:
        pipeline: The dlt pipeline, recovered (see recovery.py).
    """
    return KnownFiles(
        loaded=frozenset(path for (path,) in _lines(pipeline, LOADED, ("path",))),
        begun=dict(chain(*(_lines(pipeline, status, ("path", "rows_loaded")) for status in PARTLY_LOADED))),
    )


def loaded_files(
    pipeline: Any, datasets: Collection[str], is_meant: Callable[[str, str], bool], of_market: str
) -> list[KnownFile]:
    """Return the files that are loaded as a whole.

    Args:
        pipeline: The dlt pipeline, recovered (see recovery.py).
        datasets: Staging tables.
        is_meant: Returns whether a symbol and an interval (empty for trades) are requested.
        of_market: Name of the market.
    """
    known = []
    for row in _lines(pipeline, LOADED, _COLUMNS):
        path, market, dataset, symbol, interval, sha256, modified, size, row_count, rows_loaded, revision, load_id = row
        if market == of_market and dataset in datasets and is_meant(symbol, interval or ""):
            known.append(
                KnownFile(
                    path, market, dataset, symbol, interval or "", sha256, microseconds(modified), size,
                    row_count, rows_loaded, revision, load_id,
                )
            )  # fmt: skip
    return known


def stored_rows(pipeline: Any) -> StoredRows:
    """Return a function that reads rows of a series from the destination.

    Args:
        pipeline: The dlt pipeline, recovered (see recovery.py).
    """

    def stored(dataset: ArchiveDataset, series: SeriesId, first: int, last: int) -> pa.Table:
        with pipeline.sql_client() as client:
            name = client.make_qualified_table_name(dataset.table.name)
            columns = ", ".join(client.escape_column_name(field.name) for field in dataset.table.schema)
            key = client.escape_column_name(dataset.key)
            condition, values = _of_series(client, dataset, series)
            query = f"SELECT {columns} FROM {name} WHERE {condition} AND {key} >= %s AND {key} <= %s"  # noqa: S608
            with client.execute_query(query, *values, _key(dataset, first), _key(dataset, last)) as cursor:
                found: pa.Table = cursor.arrow()
        columns_of_file = [column.cast(field.type) for column, field in zip(found, dataset.table.schema, strict=True)]
        return pa.Table.from_arrays(columns_of_file, schema=dataset.table.schema)

    return stored


def revisions(pipeline: Any, datasets: Collection[str], is_meant: Callable[[str, str], bool], market: str) -> Revisions:
    """Return the loaded files to check for new versions, and functions that read their rows.

    Args:
        pipeline: The dlt pipeline, recovered (see recovery.py).
        datasets: Staging tables.
        is_meant: Returns whether a symbol and an interval (empty for trades) are requested.
        market: Name of the market.
    """

    def stored_outside(dataset: ArchiveDataset, file: KnownFile, first: int, last: int) -> pa.Array:
        with pipeline.sql_client() as client:
            name = client.make_qualified_table_name(dataset.table.name)
            key = client.escape_column_name(dataset.key)
            condition, values = _of_series(client, dataset, file)
            query = (
                f"SELECT {key} FROM {name} WHERE {condition} AND source = %s "  # noqa: S608 - our own names
                f"AND ({key} < %s OR {key} > %s)"
            )
            rows = client.execute_sql(query, *values, file.path, _key(dataset, first), _key(dataset, last))
        return pa.array((_number(row[0]) for row in rows), pa.int64())

    return Revisions(loaded_files(pipeline, datasets, is_meant, market), stored_rows(pipeline), stored_outside)


def remove_replaced(pipeline: Any) -> None:
    """Remove what the last complete load has replaced: older records of its files, and rows of their older versions.

    It must follow each load. It also comes first in each run, in case the last run was killed in between. Records are
    appended rather than merged: so the records of an incomplete load can be removed without losing those that they
    would have replaced.

    Args:
        pipeline: The dlt pipeline.
    """
    if not knows_files(pipeline):
        return
    with pipeline.sql_client() as client:
        files = client.make_qualified_table_name(ARCHIVE_FILES.name)
        loads = client.make_qualified_table_name("_dlt_loads")
        last = client.execute_sql(
            f"SELECT max(load_id) FROM {loads} WHERE schema_name = %s AND status = 0",  # noqa: S608 - dlt's own name
            pipeline.default_schema_name,
        )[0][0]
        replaced = client.execute_sql(
            f"SELECT DISTINCT dataset FROM {files} "  # noqa: S608 - our own name
            "WHERE _dlt_load_id = %s AND replaced_load_id IS NOT NULL",
            last,
        )
        for (dataset,) in replaced:
            name = client.make_qualified_table_name(dataset)
            client.execute_sql(
                f"DELETE FROM {name} WHERE EXISTS (SELECT 1 FROM {files} AS file "  # noqa: S608 - our own names
                f"WHERE file._dlt_load_id = %s AND file.path = {name}.source "
                f"AND {name}._dlt_load_id <= file.replaced_load_id)",
                last,
            )
        client.execute_sql(
            f"DELETE FROM {files} WHERE _dlt_load_id < %s "  # noqa: S608 - our own name
            f"AND path IN (SELECT path FROM {files} WHERE _dlt_load_id = %s)",
            last,
            last,
        )


def knows_files(pipeline: Any) -> bool:
    """Return whether any file of the archive was ever loaded."""
    return bool(pipeline.default_schema_name) and ARCHIVE_FILES.name in pipeline.default_schema.tables


def _lines(pipeline: Any, status: str, columns: Sequence[str]) -> list[Any]:
    if not knows_files(pipeline):
        return []
    with pipeline.sql_client() as client:
        name = client.make_qualified_table_name(ARCHIVE_FILES.name)
        wanted = ", ".join(client.escape_column_name(column) for column in columns)
        rows: list[Any] = client.execute_sql(
            f"SELECT {wanted} FROM {name} WHERE status = %s",  # noqa: S608 - our own name
            status,
        )
    return rows


def _of_series(client: Any, dataset: ArchiveDataset, series: SeriesId) -> tuple[str, list[str]]:
    known = {
        "market": series.market, "symbol": series.symbol, "interval": series.interval, "period": series.interval,
    }  # fmt: skip
    there = {name: value for name, value in known.items() if name in dataset.table.schema.names}
    return " AND ".join(f"{client.escape_column_name(name)} = %s" for name in there), list(there.values())


def _number(key: Any) -> int:
    return milliseconds(key) if isinstance(key, datetime) else int(key)


def _key(dataset: ArchiveDataset, number: int) -> Any:
    return EPOCH + timedelta(milliseconds=number) if dataset.is_by_time else number

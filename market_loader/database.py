"""Check, before anything is fetched, whether the database can be loaded into."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
from dlt.common.configuration.exceptions import ConfigurationException

from exchange_engine.config.providers import ConfigurationError, Configured, lookup
from exchange_engine.tables import DECIMAL, LABEL, TIME, WIDE_DECIMAL

from .destination import SECTION, set_by
from .project import DATASET, database_file
from .tables import TABLES

DUCKDB_SCHEMES: Final = frozenset({"duckdb", "md", "motherduck"})

SQLITE: Final = b"SQLite format 3\0"
"""First bytes of a SQLite file. DuckDB would try to download an extension to read it."""

_TYPES: Final[dict[pa.DataType, str]] = {
    **{kind: f"DECIMAL({kind.precision},{kind.scale})" for kind in (DECIMAL, WIDE_DECIMAL)},
    TIME: "TIMESTAMP WITH TIME ZONE",
    LABEL: "VARCHAR",
    pa.string(): "VARCHAR",
    pa.int64(): "BIGINT",
    pa.bool_(): "BOOLEAN",
}
"""DuckDB's column types by Arrow type."""

_AGAIN: Final = "move it away, and all is loaded again"


class DatabaseError(Exception):
    """The database cannot be used; the message says what to do."""


def check_database(pipeline: Any) -> None:
    """Check that the database file can be written and has tables of this version, without changing or creating it.

    Args:
        pipeline: The dlt pipeline.

    Raises:
        ConfigurationError: The configured credentials name no database.
        DatabaseError: The file is locked by another process, not writable, not a DuckDB file of a known version, or has
            tables of another version of this project.
    """
    try:
        path = database_file(pipeline)
        # Credentials of another database would be taken for the name of a file.
        is_wrong = path is not None and not _is_of_duckdb(lookup("credentials", SECTION))
    except ConfigurationException:
        is_wrong = True
    if is_wrong:
        # They may hold a password, so neither they nor dlt's message are shown.
        raise ConfigurationError(
            f"destination.market.credentials{set_by()} name no database; they must be a file, such as "
            "/data/market.duckdb, or what the destination_type in [destination.market] takes"
        )
    if path is None:
        return
    if path.is_dir():
        raise DatabaseError(f"{path} is a folder{set_by()}; choose a file, such as {path / 'market.duckdb'}")
    if not path.exists():
        if not path.parent.is_dir():
            raise DatabaseError(f"{path}: there is no folder {path.parent}{set_by()}; create it or choose another file")
        return
    try:
        if _begins_with(path, SQLITE):
            raise DatabaseError(f"{path} is a database of SQLite{set_by()}; choose another file, which DuckDB creates")
        with duckdb.connect(str(path)) as connection:
            differing = next(_differences(connection), None)
    except (duckdb.Error, OSError) as error:
        raise DatabaseError(_what_is_wrong(path, error)) from error
    if differing:
        raise DatabaseError(f"{path}{set_by()} was made by another version of this project: {differing}; {_AGAIN}")


def _differences(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Yield how stored tables differ from those of this version; a missing column that may be null is added later."""
    rows = connection.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE schema_name = ?", [DATASET]
    ).fetchall()
    stored: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        stored.setdefault(table, {})[column] = kind
    for wanted in TABLES:
        columns = stored.get(wanted.name, {})
        for field in wanted.schema if columns else ():
            kind = columns.get(field.name)
            if kind is None and not field.nullable:
                yield f"{DATASET}.{wanted.name} lacks the column {field.name}"
            elif kind not in (None, _TYPES[field.type]):
                yield f"{DATASET}.{wanted.name}.{field.name} is {kind} in the place of {_TYPES[field.type]}"


def _is_of_duckdb(credentials: Configured | None) -> bool:
    if credentials is None or isinstance(credentials.value, dict):
        return True
    scheme, has_scheme, _ = str(credentials.value).partition("://")
    return scheme in DUCKDB_SCHEMES if has_scheme else not str(credentials.value).strip().startswith(("[", "{"))


def _begins_with(path: Path, magic: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def is_locked(error: duckdb.Error) -> bool:
    """Return whether DuckDB could not open a file because another process has it open."""
    return "could not set lock" in str(error).lower()


def _what_is_wrong(path: Path, error: Exception) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, duckdb.Error) and is_locked(error):
        return (
            f"{path} is in use by another process; close it there (a notebook, a dashboard, another run) and run again"
        )
    if not os.access(path, os.W_OK) or "permission" in text.lower():
        return f"{path} cannot be written: permission denied{set_by()}"
    if version := re.search(r"with version number \d+, but we can only read versions between \d+ and \d+", text):
        return (
            f"{path} was written by another version of DuckDB, {version[0]} with {duckdb.__version__}{set_by()}; "
            f"{_AGAIN}, or export it with the DuckDB that wrote it"
        )
    return (
        f"{path} cannot be opened as a DuckDB {duckdb.__version__} database: {text[:200]}{set_by()}; put a copy in its "
        "place, or move it away: what is missing then is loaded again"
    )

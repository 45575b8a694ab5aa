"""Whether the database can be loaded into: found out before anything is fetched."""

from pathlib import Path
from typing import Any

import duckdb

from .project import database_file


class DatabaseError(Exception):
    """The database cannot be used; the message says what to do."""


def check_database(pipeline: Any) -> None:
    """See that the database file can be written, without changing or creating it.

    Raises:
        DatabaseError: It is locked by another process, not writable, or not a DuckDB file of a known version.
    """
    path = database_file(pipeline)
    if path is None:
        return
    if not path.exists():
        if not path.parent.is_dir():
            raise DatabaseError(f"{path}: there is no folder {path.parent}; create it or choose another file")
        return
    try:
        duckdb.connect(str(path)).close()
    except duckdb.Error as error:
        raise DatabaseError(_what_is_wrong(path, error)) from error


def is_locked(error: duckdb.Error) -> bool:
    """Tell whether DuckDB could not open a file because another process has it open."""
    return "could not set lock" in str(error).lower()


def _what_is_wrong(path: Path, error: duckdb.Error) -> str:
    text = " ".join(str(error).split())
    if is_locked(error):
        return (
            f"{path} is in use by another process; close it there (a notebook, a dashboard, another run) and run again"
        )
    if isinstance(error, duckdb.IOException) and "permission" in text.lower():
        return f"{path} cannot be written: permission denied"
    return (
        f"{path} cannot be opened as a DuckDB {duckdb.__version__} database: {text[:200]}; put a copy in its place, "
        "or move it away: what is missing then is loaded again"
    )

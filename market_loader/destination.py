"""Check by its settings alone whether the destination can be loaded into; nothing is opened."""

from pathlib import Path
from typing import Final

from exchange_engine.config.providers import ConfigurationError, lookup

SECTION: Final = ("destination", "market")

TYPES: Final = ("duckdb", "motherduck")

TAKEN_NAMES: Final = frozenset(
    {"gold", "information_schema", "main", "silver", "staging", "staging_staging", "stg", "system", "temp"}
)
"""Names of databases that break a load, the models, or queries.

DuckDB names a database after its file, and cannot tell it from a schema of the same name: in gold.duckdb it refuses
`select * from gold.ohlcv`. dbt cannot find a database whose name DuckDB reserves for itself."""


def check_type() -> None:
    """Check that the type of the destination is supported; dlt would import any other one.

    Raises:
        ConfigurationError: It is not supported, or not set.
    """
    found = lookup("destination_type", SECTION)
    name = ".".join((*SECTION, "destination_type"))
    supported = f"supported are {' and '.join(TYPES)}"
    if found is None:
        raise ConfigurationError(f"{name} is not set in .dlt/config.toml; {supported}")
    if found.value not in TYPES:
        raise ConfigurationError(f"{name} is {found.shown} (set by {found.place}); {supported}")


def check_name(file: Path | None) -> None:
    """Check that the name of a database file has no other meaning in DuckDB or dbt.

    Raises:
        ConfigurationError: It has.
    """
    name = next((part for part in file.name.split(".") if part), "") if file else ""
    if file and name.lower() in TAKEN_NAMES:
        raise ConfigurationError(
            f"{file}{set_by()} cannot be used: its name makes {name} the name of the database, which is taken inside "
            f"of DuckDB; choose another one, such as {file.with_name('market.duckdb')}"
        )


def set_by() -> str:
    """Return where the database is configured, for messages; empty for the default."""
    found = lookup("credentials", SECTION)
    return f" (set by {found.place})" if found else ""

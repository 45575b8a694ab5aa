"""A run as dlt sees it: the resources of its datasets, and the source of one load package."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

import dlt
import pyarrow as pa
from dlt.extract import DltResource

from .package_file import as_file
from .run import Run
from .tables import CONNECTED_SYMBOLS, REJECTED_ROWS, SERIES_PERIODS, Table

MERGE: Any = {"disposition": "merge", "strategy": "delete-insert"}
"""The one disposition that stays exact in any pipeline that is killed and run again (docs/architecture.md)."""


def package_source(run: Run, resources: Callable[[], list[DltResource]]) -> Any:
    """Make the dlt source of one load package of a run at any venue.

    Args:
        run: The run; its venue names the source and its section of the configuration.
        resources: Makes what the source has.
    """
    run.begin_package()

    @dlt.source(name=run.venue, section=run.venue, max_table_nesting=0)
    def package() -> list[DltResource]:
        return resources()

    return package()


def dataset_resources(
    run: Run,
    tables: dict[str, Table],
    merged: frozenset[str],
    disposition: Any,
    strict: bool,
    as_files: bool = False,
) -> list[DltResource]:
    """Make a resource for each dataset that a run is asked for, and those for its cursors, symbols and rejected rows.

    Args:
        run: The run.
        tables: The tables of all datasets, by name, in the order in which they are loaded.
        merged: Names of those whose rows replace those before.
        disposition: dlt's write disposition of the others.
        strict: Raise what the run would otherwise only note.
        as_files: Hand what is walked to dlt as Parquet files.
    """
    resources = []
    for name, table in tables.items():
        if name in run.request.datasets:
            rows = (
                partial(_walked, run, table, strict, as_files)
                if name in run.series
                else partial(_taken, run, table, strict)
            )
            resources.append(resource(table, MERGE if name in merged else disposition, rows))
    resources.append(resource(SERIES_PERIODS, MERGE, run.periods))
    resources.append(resource(CONNECTED_SYMBOLS, MERGE, partial(_connected, run)))
    resources.append(recorded_resource(run, REJECTED_ROWS, MERGE))
    return resources


def recorded_resource(run: Run, table: Table, disposition: Any) -> DltResource:
    """Make the resource of what is recorded together with the rows of a load package."""
    return resource(table, disposition, partial(run.records, table))


def resource(table: Table, disposition: Any, rows: Callable[[], Iterator[Any]]) -> DltResource:
    """Make a dlt resource of a staging table."""

    # dlt calls functions, and takes a partial one for a thing without a name.
    def called() -> Iterator[Any]:
        yield from rows()

    return cast("DltResource", dlt.resource(called, **table.hints, write_disposition=disposition))


def _connected(run: Run) -> Iterator[pa.Table]:
    if (rows := run.newly_connected(dlt.current.resource_state().setdefault("stored", {}))) is not None:
        yield rows


def _taken(run: Run, table: Table, strict: bool) -> Iterator[pa.Table]:
    run.remember_origin(dlt.current.source_state())
    if (rows := run.snapshot(table.name)) is not None:
        yield rows
    if strict:
        run.raise_failures(table.name)


def _walked(run: Run, table: Table, strict: bool, as_files: bool) -> Iterator[Any]:
    run.remember_origin(dlt.current.source_state())
    state = dlt.current.resource_state()
    rows = run.tables(table.name, state.setdefault("coverage", {}), state.setdefault("wanted", {}))
    yield from as_file(table, rows) if as_files else rows
    if strict:
        run.raise_failures(table.name)

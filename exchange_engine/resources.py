"""A run in dlt's terms: the resources of its datasets, and the source of one load package."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

import dlt
import pyarrow as pa
from dlt.extract import DltResource

from .connected_symbols import CONNECTED
from .incremental import requested
from .package_file import as_file
from .run import Run
from .tables import MERGED, REJECTED_ROWS, SERIES_PERIODS, Table
from .venue import Remembered

MERGE: Any = {"disposition": "merge", "strategy": "delete-insert"}
"""The only write disposition that stays exact in any pipeline that is killed and run again (docs/architecture.md)."""


def resources(run: Run) -> list[DltResource]:
    """Return the resources of a run for any dlt pipeline: one load package holds everything, and failures raise.

    Args:
        run: The run.
    """
    # Other pipelines do not run this project's recovery first: there, only merging is exact.
    return _resources(run, MERGE, partial(_walked, is_strict=True), partial(_taken, is_strict=True))


def package(run: Run, as_files: bool = False) -> Any:
    """Return the dlt source of the next load package of a run.

    Rows are appended to the tables that allow it. That is fast, but exact only with the recovery that this project's
    commands run first.

    Args:
        run: The run; call again for the next package while `run.unfinished()`.
        as_files: Pass rows to dlt as Parquet files, which is faster if the destination loads Parquet.
    """
    run.begin_package()

    @dlt.source(name=run.venue.name, section=run.venue.name, max_table_nesting=0)
    def load_package() -> list[DltResource]:
        return _resources(run, "append", partial(_walked, as_files=as_files), _taken)

    return load_package()


def _resources(
    run: Run,
    disposition: Any,
    walked: Callable[[Run, Table], Iterator[Any]],
    taken: Callable[[Run, Table], Iterator[Any]],
) -> list[DltResource]:
    tables = [table for table in run.venue.tables if table.name in run.request.datasets]
    walks = [table for table in tables if table.name in run.venue.series]
    made: list[tuple[Table, Callable[[], Iterator[Any]]]] = [
        (table, partial(walked if table in walks else taken, run, table)) for table in tables
    ]
    made.append((SERIES_PERIODS, run.periods))
    made += [(one.table, partial(_remembered, run, one)) for one in (CONNECTED, *run.venue.remembered)]
    made += [(table, partial(run.records, table)) for table in (REJECTED_ROWS, *run.venue.recorded)]
    return [
        _resource(table, MERGE if table.write == MERGED else disposition, rows, takes_incremental=table in walks)
        for table, rows in made
    ]


def _resource(
    table: Table, disposition: Any, rows: Callable[[], Iterator[Any]], takes_incremental: bool
) -> DltResource:
    # dlt needs a function with a name, which a partial does not have.
    def called() -> Iterator[Any]:
        yield from rows()

    def walked(incremental: dlt.sources.incremental[Any] | None = None) -> Iterator[Any]:  # noqa: ARG001 - dlt looks for it
        yield from rows()

    called = walked if takes_incremental else called
    return cast("DltResource", dlt.resource(called, **table.hints, write_disposition=disposition))


def _remembered(run: Run, one: Remembered) -> Iterator[pa.Table]:
    if (rows := run.remembered(one, dlt.current.resource_state().setdefault(one.state, {}))) is not None:
        yield rows


def _taken(run: Run, table: Table, is_strict: bool = False) -> Iterator[pa.Table]:
    run.remember_origin(dlt.current.source_state())
    if (rows := run.snapshot(table.name)) is not None:
        yield rows
    if is_strict:
        run.raise_failures(table.name)


def _walked(run: Run, table: Table, is_strict: bool = False, as_files: bool = False) -> Iterator[Any]:
    run.remember_origin(dlt.current.source_state())
    state = dlt.current.resource_state()
    run.narrow(table.name, requested(run.request, table))
    rows = run.rows(table.name, state.setdefault("coverage", {}), state.setdefault("wanted", {}))
    yield from as_file(table, rows) if as_files else rows
    if is_strict:
        run.raise_failures(table.name)

"""dlt's incremental as the period of a dataset: its initial and end value are the requested period.

dlt's own cursor is not used. It is one maximum for all symbols, and would lose the rows of a symbol that lags behind.
"""

from dataclasses import replace
from typing import Any

import dlt
from dlt.common.configuration.exceptions import ConfigurationValueError

from .request import Request, time_us
from .tables import INT, TIME, Table


def requested(request: Request, table: Table) -> Request:
    """Return a request with the period of the current dlt resource's incremental, if the resource has one.

    Call it while the resource is extracted. The incremental may come from `apply_hints`, from `bind` or from an
    external scheduler. From here on it lets all rows pass.

    Args:
        request: The request of the source.
        table: The staging table of the resource.

    Raises:
        ConfigurationValueError: The incremental is not on the time or id that the dataset is requested by, or has
            values of another type.
        RequestError: Its initial or end value is not a time.
    """
    wrapper = dlt.current.resource().incremental
    given: Any = wrapper.incremental if wrapper else None
    if wrapper is None or given is None:
        return request
    wrapper.set_incremental(None, from_hints=True)
    dlt.current.resource_state().pop("incremental", None)
    return _narrowed(request, table, given.cursor_path, given.initial_value, given.end_value)


def _narrowed(request: Request, table: Table, column: str, first: Any, end: Any) -> Request:
    times = [field.name for field in table.schema if field.type == TIME and not field.name.startswith("close_")]
    ids = [name for name in table.key if table.schema.field(name).type == INT]
    if column in times[:1]:
        start_us, end_us = time_us("initial_value", first), time_us("end_value", end)
        return replace(request, start=start_us, end=end_us)
    if column in ids and all(value is None or type(value) is int for value in (first, end)):
        return replace(request, start=None, end=None, ids=(first or 0, end))
    raise ConfigurationValueError(
        f"{table.name} takes an incremental on {' or '.join([*times[:1], *ids])}, and not on {column} "
        f"from {first!r} to {end!r}"
    )

"""What a run would take, without fetching the data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .http.budget import Budget
from .run import Run
from .venue import PlannedSeries

BYTES_A_SECOND = 10_000_000
"""Assumed speed of downloads: a connection of 100 Mbit/s that is not quite used up."""


@dataclass(frozen=True)
class Plan:
    """What a run would take.

    Attributes:
        series: One entry per series, in the order of the datasets.
        budget: The limit that the requests count against.
    """

    series: list[PlannedSeries] = field(repr=False)
    budget: Budget

    def total(self, what: str) -> int:
        """Return the sum of an attribute over all series, such as "requests"."""
        return sum(getattr(one, what) for one in self.series)

    @property
    def minutes(self) -> float:
        """The least duration in minutes, if only the limit and the assumed speed of downloads slow the run down."""
        waits = self.total("weight") / self.budget.per_window * self.budget.window_seconds
        return (self.total("size_bytes") / BYTES_A_SECOND + waits) / 60

    @property
    def lacking(self) -> list[PlannedSeries]:
        """The series that cannot be loaded as requested."""
        return [one for one in self.series if one.lacking]


def plan(run: Run, pipeline_state: Mapping[str, Any]) -> Plan:
    """Return what a run would take; long series are probed for where their data begins and ends.

    Args:
        run: The opened run.
        pipeline_state: dlt's pipeline state, which holds what is already loaded.
    """
    resources = pipeline_state.get("sources", {}).get(run.venue.name, {}).get("resources", {})
    planned: list[PlannedSeries] = []
    for dataset in run.request.datasets:
        known = resources.get(dataset, {})
        planned += run.venue.plan(run, dataset, known.get("coverage", {}), known.get("wanted", {}))
    return Plan(planned, run.venue.budget)

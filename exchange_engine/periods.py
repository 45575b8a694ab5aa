"""The cursors as a table, series_periods: what was requested of each series, and what of it is covered."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from .columns import build
from .coverage import TIMES, Range, RangeKind, add, split_key
from .tables import SERIES_PERIODS
from .walk import Page

ASKED, COVERED = "asked", "covered"


class SeriesPeriods:
    """Tracks the series that a run changes, and returns their rows of series_periods.

    Without these rows, SQL could not tell a time that nobody requested from one for which the venue has nothing.
    """

    def __init__(self) -> None:
        self._state: dict[str, tuple[RangeKind, Mapping[str, list[Any]], Mapping[str, list[Any]]]] = {}
        self._answered: dict[tuple[str, str], list[Range]] = {}
        # A dict rather than a set, because it keeps the order of the rows.
        self._changed: dict[tuple[str, str], None] = {}

    def follow(
        self, dataset: str, ranges: RangeKind, coverage: Mapping[str, list[Any]], wanted: Mapping[str, list[Any]]
    ) -> None:
        """Read a dataset's series from these dicts from now on: each load package has its own dlt state."""
        self._state[dataset] = (ranges, coverage, wanted)

    def asked(self, dataset: str, series: str) -> None:
        """Note that a period of a series was requested."""
        self._changed[dataset, series] = None

    def note(self, dataset: str, page: Page) -> None:
        """Note what a page covers, and the range for which the venue has sent everything so far."""
        self._changed[dataset, page.series] = None
        if page.answered is not None:
            key = (dataset, page.series)
            self._answered[key] = add(self._answered.get(key, []), [page.answered])

    def table(self, now_us: int) -> pa.Table:
        """Return all rows of the series that changed since the last call; they replace the series' earlier rows.

        Args:
            now_us: The run's "now", in microseconds since 1970.
        """
        lines = [line for dataset, series in self._changed for line in self._lines(dataset, series, now_us)]
        self._changed.clear()
        columns = {name: [line[name] for line in lines] for name in SERIES_PERIODS.schema.names}
        return build(SERIES_PERIODS, len(lines), columns)

    def _lines(self, dataset: str, series: str, now_us: int) -> list[dict[str, Any]]:
        kind, coverage, wanted = self._state[dataset]
        market, symbol, interval = split_key(series)
        line = {
            **dict.fromkeys(SERIES_PERIODS.schema.names),
            "series": series,
            "market": market,
            "dataset": dataset,
            "symbol": symbol,
            "interval": interval or None,
            "recorded_at": now_us,
        }
        asked = [
            {**line, "state": ASKED, "period_start": start, "period_end": end} for start, end in wanted.get(series, [])
        ]
        covered = coverage.get(series, [])
        # Entries of ids carry the times that they span. A series without coverage may still have an answered range.
        if kind is TIMES or not covered:
            ranges = add(((one[0], one[1]) for one in covered), self._answered.get((dataset, series), []))
            times = [{"period_start": start * 1000, "period_end": end * 1000} for start, end in ranges]
        else:
            times = [
                {"first_id": first, "end_id": end_id, "period_start": start, "period_end": end}
                for first, end_id, start, end in covered
            ]
        return asked + [{**line, "state": COVERED, **one} for one in times]

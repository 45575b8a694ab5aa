"""What a run prints: its progress, a closing summary, or a plan."""

import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from tqdm import tqdm

from exchange_engine.coverage import split_key
from exchange_engine.http.budget import WeightBudget
from exchange_engine.plan import BYTES_A_SECOND, Plan
from exchange_engine.reports import SeriesReport
from exchange_engine.run import Run

MAX_LINES = 40
"""Lines of the summary per table; with more symbols, they are added up in one line."""

LOG_SECONDS = 5.0

DROPPED = {"open_interest": "rows without values"}
"""What rows left out of series are, by dataset, if they are not tombstones."""


class Progress:
    """Shows how many series of each dataset are done.

    Args:
        kind: "tqdm" for bars, "log" for a line every few seconds, "none" for nothing.
        run: The run.
    """

    def __init__(self, kind: str, run: Run) -> None:
        self._kind = kind
        self._run = run
        self._bars: dict[str, Any] = {}
        self._rows: dict[str, int] = defaultdict(int)
        self._logged = time.monotonic()
        run.on_page = self._on_page

    def close(self) -> None:
        """Close the bars."""
        for bar in self._bars.values():
            bar.close()

    def _on_page(self, dataset: str, page: Any) -> None:
        self._rows[dataset] += page.rows.num_rows
        done, total, unit = self._run.progress(dataset)
        if self._kind == "tqdm":
            if dataset not in self._bars:
                self._bars[dataset] = tqdm(desc=dataset, file=sys.stderr)
            bar = self._bars[dataset]
            bar.n, bar.total, bar.unit = done, total, unit
            bar.set_postfix_str(f"{self._rows[dataset]:,} rows, {page.series}", refresh=False)
            bar.update(0)
        elif self._kind == "log" and time.monotonic() - self._logged > LOG_SECONDS:
            self._logged = time.monotonic()
            print(f"{dataset}: {done} of {total} {unit}, {self._rows[dataset]:,} rows", file=sys.stderr)


def summary(runs: Sequence[Run], skipped: Iterable[str] = ()) -> Iterable[str]:
    """Yield the closing summary: a line per table and symbol, and one for each series that is not complete.

    Args:
        runs: The runs.
        skipped: Lines about what was not run.
    """
    yield (
        f"{'table':<17} {'market':<8} {'symbol':<14} {'rows':>11} {'files':>6} {'MB':>8} {'requests':>8} {'weight':>7} "
        f"{'waited':>7} {'seconds':>7}  newest"
    )
    for run in runs:
        for dataset, reports in run.reports.items():
            yield from _lines(run, dataset, reports)
    yield from skipped
    for run in runs:
        yield from run.notes
        yield from _rejected(run, is_asked=False)
    yield from missing(runs)


def _lines(run: Run, dataset: str, reports: Mapping[str, SeriesReport]) -> Iterable[str]:
    """Yield the lines of one table."""
    if reports:
        by_symbol: dict[str, list[Any]] = defaultdict(list)
        for series, report in reports.items():
            by_symbol[split_key(series)[1] if "|" in series else "all"].append(report)
        if len(by_symbol) > MAX_LINES:
            by_symbol = {f"{len(by_symbol)} symbols": [one for found in by_symbol.values() for one in found]}
        for symbol, found in by_symbol.items():
            newest = max((one.newest_us for one in found if one.newest_us is not None), default=None)
            yield (
                f"{dataset:<17} {run.venue.title:<8} {symbol:<14} {sum(one.rows for one in found):>11,} "
                f"{sum(one.files for one in found):>6,} {sum(one.downloaded_bytes for one in found) / 1e6:>8,.1f} "
                f"{sum(one.tally.requests for one in found):>8,} {sum(one.tally.weight for one in found):>7,} "
                f"{sum(one.tally.waited_seconds for one in found):>6.1f}s "
                f"{max(one.seconds for one in found):>6.1f}s  {time_text(newest)}"
            )
        dropped = sum(one.dropped for one in reports.values())
        if dropped:
            of_series = DROPPED.get(dataset, "tombstones of removed duplicates")
            what = of_series if dataset in run.venue.series else "rows without a name"
            yield f"{dataset}: {dropped} {what} left out"
        rounded = sum(one.rounded for one in reports.values())
        if rounded:
            yield f"{dataset}: {rounded} volumes rounded to 18 decimals, half even"


def missing(runs: Iterable[Run]) -> Iterable[str]:
    """Yield a line for everything that was requested and is not loaded."""
    for run in runs:
        for dataset, failures in run.failures.items():
            for failure in failures:
                yield f"NOT COMPLETE: {dataset} {failure.series.replace('|', ' ')}: {failure.reason}"
        yield from _rejected(run, is_asked=True)
        if run.error is not None:
            yield f"ENDED EARLY: {run.error}"


def _rejected(run: Run, is_asked: bool) -> Iterable[str]:
    """Yield a line for each rejected row that belongs, or does not belong, to something requested."""
    chosen = [(dataset, one) for dataset, one in run.rejected if run.is_asked(one.key) == is_asked]
    for dataset, one in chosen[:MAX_LINES]:
        yield f"{'NOT COMPLETE' if is_asked else 'rejected'}: {dataset} {one.key}: {one.reason}"
    if len(chosen) > MAX_LINES:
        yield f"{len(chosen) - MAX_LINES} more rows were rejected: see staging.rejected_rows"


def time_text(microseconds: int | None) -> str:
    """Format microseconds since 1970 as UTC to the second; "-" for None."""
    if microseconds is None:
        return "-"
    return f"{datetime.fromtimestamp(microseconds // 1_000_000, timezone.utc):%Y-%m-%d %H:%M:%S}"


def of_plan(plan: Plan) -> Iterable[str]:
    """Yield the lines of a plan: one per series, and the totals.

    Args:
        plan: What the run would take.
    """
    has_weights = isinstance(plan.budget, WeightBudget)
    of_weights = f" {'weight':>9}" if has_weights else ""
    of_files = f" {'files':>7} {'MB':>10}" if has_weights else ""
    yield f"{'dataset':<17} {'series':<28}{of_files} {'requests':>9}{of_weights}"
    for one in plan.series:
        files = f" {one.files:>7,} {one.size_bytes / 1e6:>10,.1f}" if has_weights else ""
        weight = f" {one.weight:>9,}" if has_weights else ""
        yield f"{one.dataset:<17} {one.series.replace('|', ' '):<28}{files} {one.requests:>9,}{weight}"
    if has_weights:
        yield (
            f"in all {plan.total('files'):,} files with {plan.total('size_bytes'):,} bytes, "
            f"and weight {plan.total('weight'):,}: about {plan.minutes:.1f} minutes, "
            f"at {BYTES_A_SECOND / 1e6:.0f} MB a second and {plan.budget.per_window:,.0f} weight a minute; "
            "nothing was loaded"
        )
    else:
        yield f"in all {plan.total('requests'):,} requests: about {plan.minutes:.1f} minutes; nothing was loaded"
    if any(one.is_least for one in plan.series):
        yield "a page of trades a symbol at least: how many an account has is seen when they are fetched"
    for one in plan.lacking:
        yield f"NOT COMPLETE: {one.dataset} {one.series.replace('|', ' ')}: {one.lacking}"

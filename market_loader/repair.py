"""`--repair`: retry what the ledger of missing data cannot explain, and report the result."""

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from binance_source.repair.gaps import Gap, Repairs
from binance_source.schemas import KLINES
from exchange_engine.run import Run

from . import archive_files
from .project import database_file
from .report import time_text

LEDGER: Final = ("kline_gaps", "trade_gaps")
"""The models of the schema silver that list what is missing, and why."""

MAX_LINES = 40
"""The most gaps that the summary names; further ones are only counted."""

IsMeant = Callable[[str, str], bool]

_KLINE_GAPS = """
    SELECT market, 'klines', symbol, "interval", epoch_ms(gap_start), epoch_ms(gap_end), epoch_ms(gap_start),
        epoch_ms(gap_end), status, missing_count, reason
    FROM silver.kline_gaps
    ORDER BY market, symbol, "interval", gap_start
"""
# The rows before and after a gap bound its times; a missing row may share the millisecond of either.
_TRADE_GAPS = """
    SELECT market, dataset, symbol, '', first_missing_id, last_missing_id + 1, epoch_ms(time_before),
        epoch_ms(time_after) + 1, status, missing_count, reason
    FROM silver.trade_gaps
    ORDER BY market, dataset, symbol, first_missing_id
"""


class RepairError(Exception):
    """The ledger is not available; the message says why."""


def find_repairs(pipeline: Any, datasets: Collection[str], is_meant: IsMeant, market: str) -> Repairs:
    """Return what the ledger cannot explain; the ledger must be up to date.

    Args:
        pipeline: The dlt pipeline, recovered (see recovery.py).
        datasets: Staging tables.
        is_meant: Returns whether a symbol and an interval (empty for trades) are requested.
        market: Name of the market.
    """
    unexplained = [
        gap
        for gap, status, _count, _reason in _gaps(pipeline, datasets, is_meant)
        if status == "unexplained" and gap.market == market
    ]
    loaded = archive_files.loaded_files(pipeline, datasets, is_meant, market)
    return Repairs(
        gaps=unexplained,
        is_meant=is_meant,
        loaded={file.path: file for file in loaded},
        begun=archive_files.known_files(pipeline).begun,
        stored=archive_files.stored_rows(pipeline),
    )


def summary(pipeline: Any, runs: Sequence[Run], repairs: Sequence[Repairs]) -> Iterator[str]:
    """Bring the ledger up to date if anything was retried or loaded, and yield lines about the gaps.

    Args:
        pipeline: The dlt pipeline, after the runs.
        runs: The runs that retried.
        repairs: What they retried.

    Raises:
        RepairError: dbt fails.
    """
    asked = [gap for one in repairs for gap in one.gaps]
    if asked or any(one.rows for run in runs for found in run.reports.values() for one in found.values()):
        update_ledger(pipeline)
    datasets = {name for run in runs for name in run.request.datasets}
    left = list(_gaps(pipeline, datasets, repairs[0].is_meant))
    counts: dict[str, int] = {}
    for _gap, status, _count, _reason in left:
        counts[status] = counts.get(status, 0) + 1
    parts = [f"{count} {status}" for status, count in sorted(counts.items())]
    yield f"asked again for {len(asked)} unexplained gaps; now there are {', '.join(parts) or 'no gaps'}"
    lines = [
        f"UNEXPLAINED: {gap.dataset} {gap.series.replace('|', ' ')} {_where(gap)} ({count:,} missing): {reason}"
        for gap, status, count, reason in left
        if status == "unexplained"
    ]
    yield from lines[:MAX_LINES]
    if len(lines) > MAX_LINES:
        yield f"and {len(lines) - MAX_LINES} more; silver.kline_gaps and silver.trade_gaps list all of them"


def _gaps(pipeline: Any, datasets: Collection[str], is_meant: IsMeant) -> Iterator[tuple[Gap, str, int, str]]:
    with pipeline.sql_client() as client:
        rows = [*client.execute_sql(_KLINE_GAPS), *client.execute_sql(_TRADE_GAPS)]
    for market, dataset, symbol, interval, first, end, period_start, period_end, status, count, reason in rows:
        if dataset in datasets and is_meant(symbol, interval):
            gap = Gap(dataset, market, symbol, interval, first, end, (period_start, period_end))
            yield gap, status, count, reason


def _where(gap: Gap) -> str:
    if gap.dataset != KLINES.name:
        return f"ids {gap.first} to {gap.end - 1}"
    return f"{time_text(gap.first * 1000)} to {time_text(gap.end * 1000)}"


def update_ledger(pipeline: Any) -> None:
    """Build the models that list what is missing, and why.

    Args:
        pipeline: The dlt pipeline, recovered (see recovery.py).

    Raises:
        RepairError: The destination is not a DuckDB file, or dbt fails.
    """
    path: Path | None = database_file(pipeline)
    if path is None:
        raise RepairError("--repair works on a DuckDB file, where dbt keeps the ledger of what is missing")
    # Importing dbt takes longer than most runs without it.
    from .transform import dbt_build

    built = dbt_build(
        path, "--select", *(f"+{name}" for name in LEDGER), "--exclude-resource-type", "test", "unit_test"
    )
    if built.failed:
        raise RepairError(f"dbt cannot say what is missing: {built.failed[0]}")

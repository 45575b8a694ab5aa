"""Binance market data as a dlt source: exact decimals, closed candles only, resumable, within the exchange's limits."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, cast

import dlt
import pyarrow as pa
from dlt.extract import DltResource

from .package_file import as_file
from .request import AUTO, DATASETS, REST, RequestError, check_request
from .run import SpotRun
from .schemas import (
    AGG_TRADES,
    ARCHIVE_DISAGREEMENTS,
    ARCHIVE_FILES,
    GAP_CHECKS,
    KLINES,
    LISTINGS,
    SERIES_PERIODS,
    SYMBOLS,
    TICKERS_24H,
    TRADES,
    Table,
)
from .settings import BinanceConfiguration, load_configuration

__all__ = [
    "BinanceConfiguration",
    "RequestError",
    "SpotRun",
    "binance_spot",
    "load_configuration",
    "spot_source",
]

MERGE: Any = {"disposition": "merge", "strategy": "delete-insert"}
"""The one disposition that stays exact in any pipeline that is killed and run again (docs/architecture.md)."""

_WALKED = (KLINES, AGG_TRADES, TRADES)


@dlt.source(name="binance", section="binance", max_table_nesting=0)
def binance_spot(
    symbols: Sequence[str] = dlt.config.value,
    intervals: Sequence[str] = ("1m",),
    start: Any = None,
    end: Any = None,
    datasets: Sequence[str] = DATASETS,
    source: str = AUTO,
    quotes: Sequence[str] | None = None,
) -> list[DltResource]:
    """Binance spot market data for any dlt pipeline.

    Every argument can also stand in config.toml under `[sources.binance]`. Each run fetches what is missing between
    `start` and `end`; an earlier start than before extends the history backwards.

    Args:
        symbols: Such as ["BTCUSDT", "ETHUSDT"], or patterns, ["*USDT"], or ["all"].
        intervals: Kline intervals by Binance's names: 1m is a minute, 1M a month.
        start: UTC date or datetime, inclusive. Without it a new series begins `klines_lookback_days` or
            `trades_lookback_hours` ago, and others go on where they ended.
        end: UTC date or datetime, exclusive; default now.
        datasets: Which resources to make, of symbols, tickers_24h, klines, agg_trades, trades.
        source: Where klines and trades come from: "archive" (data.binance.vision), "rest", or "auto", the archive
            where it has them and REST for the rest.
        quotes: Only symbols with these quote assets.

    Returns:
        The resources, named as the datasets; `with_resources` selects some of them. With the archive, there
        are archive_files and archive_disagreements as well, which say what became of its files.

    Raises:
        RequestError: A name or a time is wrong, found before anything is fetched; unknown symbols are found when the
            first resource is read.
        RunError: While reading: the exchange cannot be reached, or refuses to serve.
        SeriesError: While reading: a series cannot be completed; the pipeline of this project goes on with the others.
    """
    run = SpotRun(check_request(symbols, intervals, datasets, start, end, source, quotes), load_configuration())
    # In a foreign pipeline one load package holds all, and a series that fails must not go unnoticed.
    run.configuration.package_rows = run.configuration.package_seconds = 2**62
    return _resources(run, MERGE, strict=True)


def spot_source(run: SpotRun, as_files: bool = False) -> Any:
    """Make the dlt source of one load package of a run.

    Klines and trades are appended: that is the fast way, and exact only together with the recovery that
    pipelines/recovery.py does before each run.

    Args:
        run: The run; call again for the next package while `run.unfinished()`.
        as_files: Hand klines and trades to dlt as Parquet files, which is faster where the destination loads those.
    """
    run.begin_package()

    @dlt.source(name="binance", section="binance", max_table_nesting=0)
    def binance() -> list[DltResource]:
        return _resources(run, "append", strict=False, as_files=as_files)

    return binance()


def _resources(run: SpotRun, disposition: Any, strict: bool, as_files: bool = False) -> list[DltResource]:
    """Make the resources of a run; `strict` raises what the run would otherwise only note."""
    makers: dict[str, Callable[[], DltResource]] = {
        "symbols": lambda: _resource(SYMBOLS, MERGE, lambda: _symbols(run)),
        "tickers_24h": lambda: _resource(TICKERS_24H, disposition, lambda: _tickers(run, strict)),
        **{table.name: partial(_walked_resource, table, disposition, run, strict, as_files) for table in _WALKED},
    }
    resources = [makers[name]() for name in DATASETS if name in run.request.datasets]
    resources.append(_resource(SERIES_PERIODS, MERGE, lambda: run.periods()))
    resources.append(_recorded_resource(LISTINGS, MERGE, run))
    if run.repairs is not None:
        resources.append(_recorded_resource(GAP_CHECKS, "append", run))
    if run.request.source != REST:
        resources.append(_recorded_resource(ARCHIVE_FILES, disposition, run))
        resources.append(_recorded_resource(ARCHIVE_DISAGREEMENTS, MERGE, run))
    return resources


def _walked_resource(table: Table, disposition: Any, run: SpotRun, strict: bool, as_files: bool) -> DltResource:
    return _resource(table, disposition, lambda: _walked(run, table, strict, as_files))


def _recorded_resource(table: Table, disposition: Any, run: SpotRun) -> DltResource:
    return _resource(table, disposition, lambda: run.records(table))


def _resource(table: Table, disposition: Any, rows: Callable[[], Iterator[Any]]) -> DltResource:
    return cast("DltResource", dlt.resource(rows, **table.hints, write_disposition=disposition))


def _symbols(run: SpotRun) -> Iterator[pa.Table]:
    run.remember_origin(dlt.current.source_state())
    if run.wants("symbols"):
        yield run.symbols()


def _tickers(run: SpotRun, strict: bool) -> Iterator[pa.Table]:
    run.remember_origin(dlt.current.source_state())
    if run.wants("tickers_24h") and (tickers := run.tickers()) is not None:
        yield tickers
    if strict:
        run.raise_failures("tickers_24h")


def _walked(run: SpotRun, table: Table, strict: bool, as_files: bool) -> Iterator[Any]:
    run.remember_origin(dlt.current.source_state())
    state = dlt.current.resource_state()
    rows = run.tables(table.name, state.setdefault("coverage", {}), state.setdefault("wanted", {}))
    yield from as_file(table, rows) if as_files else rows
    if strict:
        run.raise_failures(table.name)

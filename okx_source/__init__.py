"""OKX market data as a dlt source: exact decimals, closed candles only, within the exchange's limits."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import dlt
from dlt.extract import DltResource

from exchange_engine.request import RequestError, check_request
from exchange_engine.resources import MERGE, dataset_resources, package_source

from .run import OkxRun
from .schemas import OKX_INSTRUMENTS, TABLES
from .settings import INTERVALS, NAME, OkxConfiguration, load_configuration

__all__ = [
    "OkxConfiguration",
    "OkxRun",
    "RequestError",
    "okx",
    "okx_source",
    "load_configuration",
]

DATASETS = tuple(TABLES)
MERGED = frozenset({OKX_INSTRUMENTS.name})


@dlt.source(name=NAME, section=NAME, max_table_nesting=0)
def okx(
    symbols: Sequence[str] = dlt.config.value,
    intervals: Sequence[str] = ("1m",),
    start: Any = None,
    end: Any = None,
    datasets: Sequence[str] = DATASETS,
) -> list[DltResource]:
    """OKX market data for any dlt pipeline.

    Every argument can also stand in config.toml under `[sources.okx]`. Each run fetches what is missing between
    `start` and `end`; an earlier start than before extends the history backwards.

    Args:
        symbols: Such as ["BTC-USDT", "BTC-USDT-SWAP"], or patterns, ["*-USDT"], or ["all"].
        intervals: Binance's names: 1m is a minute, 1M a month; they open on days of UTC.
        start: UTC date or datetime, inclusive. Without it a new series begins `candles_lookback_days` ago, and others
            go on where they ended.
        end: UTC date or datetime, exclusive; default now.
        datasets: Which resources to make, of okx_instruments, okx_candles, okx_funding_rates.

    Raises:
        RequestError: A name or a time is wrong, found before anything is fetched; unknown symbols are found when the
            first resource is read.
        RunError: While reading: the exchange cannot be reached, or refuses to serve.
        SeriesError: While reading: a series cannot be completed.
    """
    request = check_request(
        symbols, intervals, datasets, start, end, known_datasets=DATASETS, known_intervals=tuple(INTERVALS)
    )
    run = OkxRun(request, load_configuration())
    # In a foreign pipeline one load package holds all, and a series that fails must not go unnoticed.
    run.configuration.package_rows = run.configuration.package_seconds = 2**62
    return dataset_resources(run, TABLES, MERGED, MERGE, strict=True)


def okx_source(run: OkxRun, as_files: bool = False) -> Any:
    """Make the dlt source of one load package of a run; candles are appended (see pipelines/recovery.py).

    Args:
        run: The run; call again for the next package while `run.unfinished()`.
        as_files: Hand candles to dlt as Parquet files, which is faster where the destination loads those.
    """
    return package_source(
        run, partial(dataset_resources, run, TABLES, MERGED, "append", strict=False, as_files=as_files)
    )

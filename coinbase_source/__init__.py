"""Coinbase Exchange market data as a dlt source: exact decimals, closed candles only, within the exchange's limits."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import dlt
from dlt.extract import DltResource

from exchange_engine.request import RequestError, check_request
from exchange_engine.resources import MERGE, dataset_resources, package_source

from .run import CoinbaseRun
from .schemas import COINBASE_PRODUCTS, TABLES
from .settings import INTERVALS, NAME, CoinbaseConfiguration, load_configuration

__all__ = [
    "CoinbaseConfiguration",
    "CoinbaseRun",
    "RequestError",
    "coinbase_exchange",
    "coinbase_source",
    "load_configuration",
]

DATASETS = tuple(TABLES)
MERGED = frozenset({COINBASE_PRODUCTS.name})


@dlt.source(name=NAME, section=NAME, max_table_nesting=0)
def coinbase_exchange(
    symbols: Sequence[str] = dlt.config.value,
    intervals: Sequence[str] = ("1m",),
    start: Any = None,
    end: Any = None,
    datasets: Sequence[str] = DATASETS,
) -> list[DltResource]:
    """Coinbase Exchange market data for any dlt pipeline.

    Every argument can also stand in config.toml under `[sources.coinbase]`. Each run fetches what is missing between
    `start` and `end`; an earlier start than before extends the history backwards.

    Args:
        symbols: Such as ["BTC-USD"], or patterns, ["*-USD"], or ["all"].
        intervals: Of 1m, 5m, 15m, 1h, 6h, 1d.
        start: UTC date or datetime, inclusive. Without it a new series begins `candles_lookback_days` ago, and others
            go on where they ended.
        end: UTC date or datetime, exclusive; default now.
        datasets: Which resources to make, of coinbase_products, coinbase_candles.

    Raises:
        RequestError: A name or a time is wrong, found before anything is fetched; unknown symbols are found when the
            first resource is read.
        RunError: While reading: the exchange cannot be reached, or refuses to serve.
        SeriesError: While reading: a series cannot be completed.
    """
    request = check_request(
        symbols, intervals, datasets, start, end, known_datasets=DATASETS, known_intervals=tuple(INTERVALS)
    )
    run = CoinbaseRun(request, load_configuration())
    # In a foreign pipeline one load package holds all, and a series that fails must not go unnoticed.
    run.configuration.package_rows = run.configuration.package_seconds = 2**62
    return dataset_resources(run, TABLES, MERGED, MERGE, strict=True)


def coinbase_source(run: CoinbaseRun, as_files: bool = False) -> Any:
    """Make the dlt source of one load package of a run; candles are appended (see pipelines/recovery.py).

    Args:
        run: The run; call again for the next package while `run.unfinished()`.
        as_files: Hand candles to dlt as Parquet files, which is faster where the destination loads those.
    """
    return package_source(
        run, partial(dataset_resources, run, TABLES, MERGED, "append", strict=False, as_files=as_files)
    )

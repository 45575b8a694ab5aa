"""OKX market data as a dlt source: exact decimals, only closed candles, within the venue's limits."""

from collections.abc import Sequence
from typing import Any

import dlt
from dlt.extract import DltResource

from exchange_engine.resources import resources
from exchange_engine.run import Run

from . import settings
from .schemas import TABLES
from .settings import NAME
from .venue import Okx

__all__ = ["DATASETS", "okx"]

DATASETS = tuple(table.name for table in TABLES)


@dlt.source(name=NAME, section=NAME, max_table_nesting=0)
def okx(
    symbols: Sequence[str] = dlt.config.value,
    intervals: Sequence[str] = ("1m",),
    start: Any = None,
    end: Any = None,
    datasets: Sequence[str] = DATASETS,
) -> list[DltResource]:
    """OKX market data for any dlt pipeline.

    Every argument can also be set in config.toml under `[sources.okx]`. Each run fetches what is missing between
    `start` and `end`; a start earlier than before extends the history backwards.

    Args:
        symbols: Such as ["BTC-USDT", "BTC-USDT-SWAP"], or patterns such as ["*-USDT"], or ["all"].
        intervals: Binance's names: 1m is a minute, 1M a month; all are aligned to UTC days.
        start: UTC date or datetime, inclusive. Without it, a new series begins `candles_lookback_days` ago, and other
            series continue where they ended.
        end: UTC date or datetime, exclusive; default now.
        datasets: Which resources to return: okx_instruments, okx_candles, okx_funding_rates.

    Raises:
        RequestError: A name or a time is wrong, found before anything is fetched. Unknown symbols are found when the
            first resource is read.
        RunError: While reading: the venue cannot be reached, or refuses.
        SeriesError: While reading: a series cannot be completed.
    """
    request = Okx.check(symbols, intervals, datasets, start, end)
    # dlt puts a class of its own here, by the name OkxConfiguration, for the arguments of this function.
    return resources(Run(Okx(request, settings.OkxConfiguration.load())))

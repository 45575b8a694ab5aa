"""Binance market and account data as dlt sources: exact decimals, only closed candles, within Binance's limits."""

from collections.abc import Sequence
from typing import Any

import dlt
from dlt.extract import DltResource

from exchange_engine.request import AUTO, RequestError, check_request, known_names
from exchange_engine.resources import resources
from exchange_engine.run import Run

from .account import BinanceAccount
from .connection import Connection
from .datasets import ACCOUNT_DATASETS, DATASETS, DATASETS_OF_MARKETS
from .market import BinanceMarket
from .markets import SPOT_MARKET, UM_MARKET, Market
from .rest.signing import HOW_TO_SET, configured_signer
from .settings import SPOT, UM, BinanceConfiguration

__all__ = ["binance_account", "binance_futures", "binance_spot"]


@dlt.source(name="binance", section="binance", max_table_nesting=0)
def binance_spot(
    symbols: Sequence[str] = dlt.config.value,
    intervals: Sequence[str] = ("1m",),
    start: Any = None,
    end: Any = None,
    datasets: Sequence[str] = DATASETS_OF_MARKETS[SPOT],
    source: str = AUTO,
    quotes: Sequence[str] | None = None,
) -> list[DltResource]:
    """Binance spot market data for any dlt pipeline.

    Every argument can also be set in config.toml under `[sources.binance]`. Each run fetches what is missing between
    `start` and `end`; a start earlier than before extends the history backwards.

    Args:
        symbols: Such as ["BTCUSDT", "ETHUSDT"], or patterns such as ["*USDT"], or ["all"].
        intervals: Kline intervals by Binance's names: 1m is a minute, 1M a month.
        start: UTC date or datetime, inclusive. Without it, a new series begins `klines_lookback_days` or
            `trades_lookback_hours` ago, and other series continue where they ended.
        end: UTC date or datetime, exclusive; default now.
        datasets: Which resources to return: symbols, tickers_24h, klines, agg_trades, trades.
        source: Where klines and trades come from: "archive" (data.binance.vision), "rest", or "auto": the archive where
            it has them, REST for the rest.
        quotes: Only symbols with these quote assets.

    Returns:
        The resources, named like the datasets; `with_resources` selects some of them. With the archive there are also
        archive_files and archive_disagreements, which record what became of its files.

    Raises:
        RequestError: A name or a time is wrong, found before anything is fetched. Unknown symbols are found when the
            first resource is read.
        RunError: While reading: Binance cannot be reached, or refuses.
        SeriesError: While reading: a series cannot be completed. This project's own pipeline goes on with the others.
    """
    return _of_market(
        SPOT_MARKET, datasets, symbols=symbols, intervals=intervals, start=start, end=end, source=source, quotes=quotes
    )


@dlt.source(name="binance", section="binance", max_table_nesting=0)
def binance_futures(
    symbols: Sequence[str] = dlt.config.value,
    intervals: Sequence[str] = ("1m",),
    start: Any = None,
    end: Any = None,
    datasets: Sequence[str] = DATASETS_OF_MARKETS[UM],
    source: str = AUTO,
    quotes: Sequence[str] | None = None,
) -> list[DltResource]:
    """Binance USD-M futures market data for any dlt pipeline.

    Arguments, results and errors are those of `binance_spot`.

    REST keeps 30 days of open interest and two days of aggregate trades; older rows come from the archive. If the
    archive does not have them either, a series whose requested start is that far back fails.

    The resources are symbols, tickers_24h, klines, mark_price_klines, agg_trades, funding_rates, open_interest (at
    `open_interest_periods` of the configuration) and premium_index.
    """
    return _of_market(
        UM_MARKET, datasets, symbols=symbols, intervals=intervals, start=start, end=end, source=source, quotes=quotes
    )


@dlt.source(name="binance", section="binance", max_table_nesting=0)
def binance_account(
    symbols: Sequence[str] = dlt.config.value,
    datasets: Sequence[str] = ACCOUNT_DATASETS,
    quotes: Sequence[str] | None = None,
) -> list[DltResource]:
    """The balances and all spot trades of a Binance account, for any dlt pipeline.

    The key is set in secrets.toml under `[sources.binance]`, or in the environment: api_key, and api_secret, which is
    the secret of an HMAC key, or the private Ed25519 or RSA key as PEM. It only needs permission to read.

    Args:
        symbols: Names or patterns of the symbols whose trades to load: Binance gives trades one symbol at a time.
        datasets: Which resources to return: account_balances (one snapshot per run), account_trades (from the first
            trade on).
        quotes: Only symbols with these quote assets.

    Returns:
        The resources, named like the datasets.

    Raises:
        RequestError: A name is wrong, or there is no key.
        ConfigurationError: The key cannot be used.
        RunError: While reading: Binance cannot be reached, or refuses the key.
        SeriesError: While reading: a series cannot be completed.
    """
    request = check_request(
        symbols, ("1m",), _own(datasets, ACCOUNT_DATASETS), quotes=quotes, known_datasets=ACCOUNT_DATASETS
    )
    signer = configured_signer()
    if signer is None:
        raise RequestError(f"there is no API key; {HOW_TO_SET}")
    return resources(Run(BinanceAccount(request, BinanceConfiguration.load(), signer)))


def _own(datasets: Sequence[str], known: Sequence[str]) -> list[str]:
    """Return the datasets of this source; the sources share one list in the configuration.

    Raises:
        RequestError: Nothing is left, or no source knows a name.
    """
    known_names("dataset", tuple(datasets), DATASETS)
    own = [name for name in datasets if name in known]
    if not own:
        raise RequestError(
            f"none of the datasets {', '.join(datasets)} is of this source, which has {', '.join(known)}"
        )
    return own


def _of_market(market: Market, datasets: Sequence[str], **asked: Any) -> list[DltResource]:
    known = DATASETS_OF_MARKETS[market.name]
    request = check_request(
        **asked, datasets=_own(datasets, known), known_datasets=known, known_intervals=market.intervals
    )
    return resources(Run(BinanceMarket(Connection(request, BinanceConfiguration.load(), market))))

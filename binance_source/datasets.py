"""The datasets of Binance, by market."""

from collections.abc import Mapping, Sequence
from typing import Final

from exchange_engine.request import RequestError, known_names

from .settings import SPOT, UM

DATASETS_OF_MARKETS: Final[Mapping[str, tuple[str, ...]]] = {
    SPOT: ("symbols", "tickers_24h", "klines", "agg_trades", "trades"),
    UM: (
        "symbols", "tickers_24h", "klines", "mark_price_klines", "agg_trades", "funding_rates", "open_interest",
        "premium_index",
    ),
}  # fmt: skip
ACCOUNT_DATASETS: Final = ("account_balances", "account_trades")
DATASETS: Final = tuple(dict.fromkeys((*DATASETS_OF_MARKETS[SPOT], *DATASETS_OF_MARKETS[UM], *ACCOUNT_DATASETS)))

"""The datasets of each market, of the account, and all of them."""


def datasets_by_market(
    datasets: Sequence[str], markets: Sequence[str] | None, is_asked: bool
) -> dict[str, tuple[str, ...]]:
    """Return the datasets to fetch, by market.

    Args:
        datasets: Names out of DATASETS.
        markets: The requested markets. None for the first market that has each dataset; symbols are then fetched for
            every market that is used.
        is_asked: Whether the datasets were requested by name: then one of the markets must have each of them.

    Raises:
        RequestError: A market is unknown, or none of the markets has a dataset that was requested by name.
    """
    of_markets = [name for name in datasets if name not in ACCOUNT_DATASETS]
    if markets is None:
        homes = {name: next(one for one, has in DATASETS_OF_MARKETS.items() if name in has) for name in of_markets}
        chosen = {
            market: tuple(
                name for name in of_markets if homes[name] == market or (name == "symbols" and market in homes.values())
            )
            for market in DATASETS_OF_MARKETS
        }
    else:
        known_names("market", markets, tuple(DATASETS_OF_MARKETS))
        if is_asked:
            there_are = dict.fromkeys(name for market in markets for name in DATASETS_OF_MARKETS[market])
            for name in of_markets:
                if name not in there_are:
                    raise RequestError(
                        f"{name} is no dataset of market {' or '.join(markets)}, which has {', '.join(there_are)}"
                    )
        chosen = {
            market: tuple(name for name in of_markets if name in DATASETS_OF_MARKETS[market]) for market in markets
        }
    return {market: found for market, found in chosen.items() if found}

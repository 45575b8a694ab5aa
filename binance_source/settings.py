"""Hosts, intervals, limits and defaults of the Binance API, and the configuration that overrides them."""

from typing import ClassVar, Final

from dlt.common.configuration import configspec

from exchange_engine.config.rules import Names, Number, Url
from exchange_engine.config.sections import DAY_SECONDS, Section, key

SECTIONS: Final = ("sources", "binance")
"""Path of the configuration: `[sources.binance]` in config.toml, `SOURCES__BINANCE__...` in the environment."""

SPOT: Final = "spot"
UM: Final = "um"
"""The markets: spot, and USD-M futures."""

ALTERNATIVE_HOSTS: Final = ("https://data-api.binance.vision", "https://api-gcp.binance.com", "https://api.binance.us")
"""Hosts that may respond where another one is blocked (binance-spot-api-docs, market_data_only.md). The last one is a
venue of its own, with its own symbols and history."""

PAGE_ROWS: Final = 1000
"""The largest `limit` of klines, aggTrades and historicalTrades; a larger one is reduced without an error."""

ARCHIVE_LISTING_URL: Final = "https://s3-ap-northeast-1.amazonaws.com/data.binance.vision"
"""The bucket behind data.binance.vision; only the bucket lists the files."""

OPEN_INTEREST_PERIODS: Final = ("5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d")


@configspec
class BinanceConfiguration(Section):
    """The configuration of Binance; each field is a key of `[sources.binance]`.

    Times are in seconds. The upper bounds of numbers are far above any useful value: they catch slips.
    """

    market_data_url: str = key("https://data-api.binance.vision", Url(), "public market data")
    api_url: str = key("https://api.binance.com", Url(), "single trades (historicalTrades), and what is signed")
    futures_url: str = key("https://fapi.binance.com", Url(), "USD-M futures")
    archive_url: str = key("https://data.binance.vision", Url(), "whole days and months as zips")
    archive_listing_url: str = key(ARCHIVE_LISTING_URL, Url(), "which of them there are")
    archive_connections: int = key(8, Number(int, 1, 1_000), "files under way at once")
    archive_samples: int = key(2, Number(int, 0, 1_000), "files of each series of which a page is compared with REST")
    connections: int = key(16, Number(int, 1, 1_000), "requests under way at once")
    timeout_seconds: float = key(
        15.0, Number(float, 0, 3_600, is_above=True), "for the connection, and again between two pieces of an answer"
    )
    max_attempts: int = key(6, Number(int, 1, 100), "of one request, before its series is given up")
    backoff_seconds: float = key(
        0.5, Number(float, 0, 3_600), "before the second attempt; doubled for each further one"
    )
    weight_share: float = key(
        0.98,
        Number(float, 0, 1, is_above=True),
        "of the exchange's weight limit; the rest is for other programs on this IP",
    )
    ban_patience_seconds: float = key(
        600.0, Number(float, 0, 30 * DAY_SECONDS), "a longer wait asked for by the exchange ends the run"
    )
    firewall_pause_seconds: float = key(
        60.0, Number(float, 0, DAY_SECONDS), "after an HTTP 403 of the exchange's firewall"
    )
    klines_lookback_days: float = key(
        30.0,
        Number(float, 0, 20_000, is_above=True),
        "how far back a new series begins when no --start is given",
    )
    trades_lookback_hours: float = key(1.0, Number(float, 0, 480_000, is_above=True))
    open_interest_periods: list[str] = key(["5m"], Names(OPEN_INTEREST_PERIODS))
    recv_window_ms: int = key(
        5_000, Number(int, 1, 60_000), "how long a signed request may be on its way, at most 60000"
    )

    sections: ClassVar[tuple[str, str]] = SECTIONS

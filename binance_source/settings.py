"""Hosts, intervals, limits and defaults of the Binance API, and the configuration that overrides them."""

from dataclasses import field
from typing import Final

from dlt.common.configuration import configspec
from dlt.common.configuration.specs import BaseConfiguration

from exchange_engine.config.rules import Names, Number, Url
from exchange_engine.config.sections import check_values, load_section
from exchange_engine.times import DAY_MS

SECTIONS: Final = ("sources", "binance")
"""Where the configuration lives: `[sources.binance]` in config.toml, `SOURCES__BINANCE__...` in the environment."""

SPOT: Final = "spot"
UM: Final = "um"
"""The markets: spot, and USD-M futures."""

ALTERNATIVE_HOSTS: Final = ("https://data-api.binance.vision", "https://api-gcp.binance.com", "https://api.binance.us")
"""Hosts that may answer where another one is blocked (binance-spot-api-docs, market_data_only.md); the last of them
is an exchange of its own, with its own symbols and history."""

PAGE_ROWS: Final = 1000
"""The largest `limit` of klines, aggTrades and historicalTrades; a larger one is cut without an error."""

ARCHIVE_LISTING_URL: Final = "https://s3-ap-northeast-1.amazonaws.com/data.binance.vision"
"""The bucket behind data.binance.vision, which only lists its files there."""

OPEN_INTEREST_PERIODS: Final = ("5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d")

_RULES: Final[dict[str, Url | Number | Names]] = {
    "market_data_url": Url(),
    "api_url": Url(),
    "futures_url": Url(),
    "archive_url": Url(),
    "archive_listing_url": Url(),
    "archive_connections": Number(int, 1, 1_000),
    "archive_samples": Number(int, 0, 1_000),
    "connections": Number(int, 1, 1_000),
    "timeout_seconds": Number(float, 0, 3_600, is_above=True),
    "max_attempts": Number(int, 1, 100),
    "backoff_seconds": Number(float, 0, 3_600),
    "weight_share": Number(float, 0, 1, is_above=True),
    "ban_patience_seconds": Number(float, 0, 30 * DAY_MS / 1000),
    "firewall_pause_seconds": Number(float, 0, DAY_MS / 1000),
    "klines_lookback_days": Number(float, 0, 20_000, is_above=True),
    "trades_lookback_hours": Number(float, 0, 480_000, is_above=True),
    "open_interest_periods": Names(OPEN_INTEREST_PERIODS),
    "recv_window_ms": Number(int, 1, 60_000),
    "package_rows": Number(int, 1, 10**9),
    "package_seconds": Number(float, 0, DAY_MS / 1000, is_above=True),
}
"""What each key of the configuration may be. The upper ends are far above what is of use: beyond them is a slip."""


@configspec
class BinanceConfiguration(BaseConfiguration):
    """How Binance is spoken to; each field is a key of `[sources.binance]`.

    Times are in seconds. `weight_share` is the share of the exchange's weight limit that this process may use up;
    what is left over is for other programs that share the IP address.
    """

    market_data_url: str = "https://data-api.binance.vision"
    api_url: str = "https://api.binance.com"
    futures_url: str = "https://fapi.binance.com"
    archive_url: str = "https://data.binance.vision"
    archive_listing_url: str = ARCHIVE_LISTING_URL
    archive_connections: int = 8
    archive_samples: int = 2
    connections: int = 16
    timeout_seconds: float = 15.0
    max_attempts: int = 6
    backoff_seconds: float = 0.5
    weight_share: float = 0.98
    ban_patience_seconds: float = 600.0
    firewall_pause_seconds: float = 60.0
    klines_lookback_days: float = 30.0
    trades_lookback_hours: float = 1.0
    open_interest_periods: list[str] = field(default_factory=lambda: ["5m"])
    recv_window_ms: int = 5_000
    package_rows: int = 3_000_000
    package_seconds: float = 60.0

    def on_resolved(self) -> None:
        """Refuse values that cannot work, by key.

        Raises:
            ConfigurationError: A URL or a number that is not what its key takes.
        """
        check_values(self, SECTIONS, _RULES)


def load_configuration() -> BinanceConfiguration:
    """Read `[sources.binance]` from dlt's configuration providers.

    Returns:
        The resolved configuration, with defaults where nothing is set.

    Raises:
        ConfigurationError: A file cannot be read, or a value is not what its key takes.
    """
    return load_section(BinanceConfiguration(), SECTIONS, _RULES)

"""Hosts, intervals, limits and defaults of the Binance API, and the configuration that overrides them."""

from typing import Final
from urllib.parse import urlsplit

from dlt.common.configuration import configspec
from dlt.common.configuration.resolve import resolve_configuration
from dlt.common.configuration.specs import BaseConfiguration

SECTIONS: Final = ("sources", "binance")
"""Where the configuration lives: `[sources.binance]` in config.toml, `SOURCES__BINANCE__...` in the environment."""

SPOT: Final = "spot"

ALTERNATIVE_HOSTS: Final = ("https://data-api.binance.vision", "https://api-gcp.binance.com", "https://api.binance.us")
"""Hosts that may answer where another one is blocked (binance-spot-api-docs, market_data_only.md); the last of them
is an exchange of its own, with its own symbols and history."""

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS

INTERVAL_MS: Final[dict[str, int]] = {
    "1s": 1_000,
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "2h": 2 * HOUR_MS,
    "4h": 4 * HOUR_MS,
    "6h": 6 * HOUR_MS,
    "8h": 8 * HOUR_MS,
    "12h": 12 * HOUR_MS,
    "1d": DAY_MS,
    "3d": 3 * DAY_MS,
    "1w": 7 * DAY_MS,
    "1M": 28 * DAY_MS,
}
"""Kline interval to its shortest length in milliseconds. A month is stepped by its shortest length, 28 days: a step
that is too short costs a request, one that is too long would lose a candle."""

LONGEST_MS: Final = {"1M": 31 * DAY_MS}
"""The longest length in milliseconds of the intervals whose length varies."""

PAGE_ROWS: Final = 1000
"""The largest `limit` of klines, aggTrades and historicalTrades; a larger one is cut without an error."""

WEIGHTS: Final[dict[str, int]] = {
    "time": 1,
    "exchangeInfo": 20,
    "klines": 2,
    "aggTrades": 4,
    "historicalTrades": 25,
}
"""Request weight of the endpoints whose weight is the same for all parameters (binance-spot-api-docs, rest-api.md)."""

DEFAULT_WEIGHT_LIMIT: Final = 6000
"""Request weight a minute and IP, until exchangeInfo has said what it really is."""


ARCHIVE_LISTING_URL: Final = "https://s3-ap-northeast-1.amazonaws.com/data.binance.vision"
"""The bucket behind data.binance.vision, which only lists its files there."""

BINANCE_HOSTS: Final = frozenset({"data-api.binance.vision", "data.binance.vision"})
"""Hosts of Binance's that are not below binance.com; testnet.binance.vision is another market."""

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def exchange_of(url: str) -> str:
    """Name the exchange behind a host: data of two of them must never be mixed.

    Args:
        url: Such as https://api-gcp.binance.com.

    Returns:
        "Binance" for all hosts of binance.com, else the host's name; any port of this machine is the same.
    """
    host = urlsplit(url).hostname or ""
    is_binance_com = host.endswith(".binance.com") and not host.startswith("demo-")
    if is_binance_com or host in BINANCE_HOSTS or url.rstrip("/") == ARCHIVE_LISTING_URL:
        return "Binance"
    return "a simulated exchange on this machine" if host in LOOPBACK else host


class ConfigurationError(ValueError):
    """A configured value is unusable; the message names the key."""


@configspec
class BinanceConfiguration(BaseConfiguration):
    """How Binance is spoken to; each field is a key of `[sources.binance]`.

    Times are in seconds. `weight_share` is the share of the exchange's weight limit that this process may use up;
    what is left over is for other programs that share the IP address.
    """

    market_data_url: str = "https://data-api.binance.vision"
    api_url: str = "https://api.binance.com"
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
    package_rows: int = 3_000_000
    package_seconds: float = 60.0

    def on_resolved(self) -> None:
        """Refuse values that cannot work, by key.

        Raises:
            ConfigurationError: A URL without http(s) scheme or host, or a number outside of its range.
        """
        for key in ("market_data_url", "api_url", "archive_url", "archive_listing_url"):
            value = getattr(self, key)
            parts = urlsplit(value)
            if parts.scheme not in ("http", "https") or not parts.netloc:
                raise ConfigurationError(
                    f"{'.'.join(SECTIONS)}.{key} is {value!r}; it must be a URL such as https://data-api.binance.vision"
                )
            setattr(self, key, value.rstrip("/"))
        for key in ("connections", "archive_connections", "max_attempts", "package_rows"):
            if getattr(self, key) < 1:
                raise ConfigurationError(f"{'.'.join(SECTIONS)}.{key} is {getattr(self, key)}; it must be 1 or more")
        for key in ("timeout_seconds", "klines_lookback_days", "trades_lookback_hours", "package_seconds"):
            if getattr(self, key) <= 0:
                raise ConfigurationError(f"{'.'.join(SECTIONS)}.{key} is {getattr(self, key)}; it must be above 0")
        if self.archive_samples < 0:
            raise ConfigurationError(
                f"{'.'.join(SECTIONS)}.archive_samples is {self.archive_samples}; it must be 0 or more"
            )
        if not 0 < self.weight_share <= 1:
            raise ConfigurationError(
                f"{'.'.join(SECTIONS)}.weight_share is {self.weight_share}; it must be above 0 and at most 1"
            )


def load_configuration() -> BinanceConfiguration:
    """Read `[sources.binance]` from dlt's configuration providers.

    Returns:
        The resolved configuration, with defaults where nothing is set.

    Raises:
        ConfigurationError: A value is outside of its range.
        dlt.common.configuration.exceptions.ConfigurationException: A value has the wrong type.
    """
    return resolve_configuration(BinanceConfiguration(), sections=SECTIONS)

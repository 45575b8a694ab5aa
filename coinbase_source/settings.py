"""Host, intervals, limits and defaults of Coinbase Exchange, and the configuration that overrides them."""

from typing import ClassVar, Final

from dlt.common.configuration import configspec

from exchange_engine.candles import Interval, intervals
from exchange_engine.config.rules import Url
from exchange_engine.config.sections import key
from exchange_engine.config.venue import VenueConfiguration
from exchange_engine.times import INTERVAL_MS

NAME: Final = "coinbase"
"""Name of the dlt source, and section of the configuration: `[sources.coinbase]`, `SOURCES__COINBASE__...`."""

TITLE: Final = "Coinbase Exchange"

SPOT: Final = "spot"
"""The market of all its products."""

HOST: Final = "api.exchange.coinbase.com"

REQUESTS_PER_SECOND: Final = 10
"""Public requests per IP address; the allowed bursts of up to 15 are not used."""

WINDOW_CANDLES: Final = 299
"""More than 300 candles are refused, and both ends of a requested period count."""

INTERVALS: Final[dict[str, Interval]] = intervals(
    {"1m": "60", "5m": "300", "15m": "900", "1h": "3600", "6h": "21600", "1d": "86400"}, INTERVAL_MS, {}
)
"""By Binance's names, with the granularity in seconds. Coinbase has no others."""


@configspec
class CoinbaseConfiguration(VenueConfiguration):
    """The configuration of Coinbase Exchange; each field is a key of `[sources.coinbase]`."""

    base_url: str = key(f"https://{HOST}", Url())

    sections: ClassVar[tuple[str, str]] = ("sources", NAME)

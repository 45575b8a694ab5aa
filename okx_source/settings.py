"""Hosts, intervals, limits and defaults of OKX, and the configuration that overrides them."""

from typing import ClassVar, Final

from dlt.common.configuration import configspec

from exchange_engine.candles import Interval, intervals
from exchange_engine.config.rules import Url
from exchange_engine.config.sections import key
from exchange_engine.config.venue import VenueConfiguration
from exchange_engine.times import DAY_MS, HOUR_MS, INTERVAL_MS, LONGEST_MS

NAME: Final = "okx"
"""Name of the dlt source, and section of the configuration: `[sources.okx]`, `SOURCES__OKX__...`."""

TITLE: Final = "OKX"

HOSTS: Final = ("www.okx.com", "openapi.okx.com", "my.okx.com", "eea.okx.com", "app.okx.com", "us.okx.com")
"""The hosts of OKX: two global, two for Europe, two for the United States. Since 2026-05-20 OKX recommends
openapi.okx.com for REST; it still serves www.okx.com."""

LIMIT_SECONDS: Final = 2.0

LIMITS: Final = {
    "/api/v5/public/time": 10,
    "/api/v5/public/instruments": 20,
    "/api/v5/public/funding-rate-history": 10,
    "/api/v5/market/candles": 40,
    "/api/v5/market/history-candles": 20,
}
"""Requests per path in `LIMIT_SECONDS`. OKX counts funding rates per instrument; here they all count together."""

PAGE_ROWS: Final = 300
FUNDING_PAGE_ROWS: Final = 400
"""The most rows of a page. For years it was 100, so the rows received count, not the requested limit."""

FUNDING_REACH_MS: Final = 90 * DAY_MS - HOUR_MS
"""How far back funding rates go: three months, less the time that a run takes. Older rates are left out without an
error, which would look like there were none."""

INTERVALS: Final[dict[str, Interval]] = intervals(
    {
        "1m": "1m", "3m": "3m", "5m": "5m", "15m": "15m", "30m": "30m", "1h": "1H", "2h": "2H", "4h": "4H",
        # Without "utc" these open at 16:00 UTC.
        "6h": "6Hutc", "12h": "12Hutc", "1d": "1Dutc", "2d": "2Dutc", "3d": "3Dutc", "1w": "1Wutc", "1M": "1Mutc",
    },
    {**INTERVAL_MS, "2d": 2 * DAY_MS},
    LONGEST_MS,
)  # fmt: skip
"""By Binance's names; all of them are aligned to UTC days."""

INSTRUMENT_TYPES: Final = ("SPOT", "SWAP")
"""The types whose instruments are loaded."""


@configspec
class OkxConfiguration(VenueConfiguration):
    """The configuration of OKX; each field is a key of `[sources.okx]`."""

    base_url: str = key(f"https://{HOSTS[0]}", Url(), "or openapi; my, eea (Europe); app, us (United States)")

    sections: ClassVar[tuple[str, str]] = ("sources", NAME)

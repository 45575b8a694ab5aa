"""The markets of Binance: REST endpoints, limits and page sizes. To add an endpoint, add a row to a table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from exchange_engine.times import HOUR_MS, INTERVAL_MS

from .settings import ALTERNATIVE_HOSTS, PAGE_ROWS, SPOT, UM

WEIGHT, FUNDING, FUTURES_DATA = "weight", "funding", "futures data"
"""The limits that requests count against: weight per minute, and numbers of requests in five minutes."""


@dataclass(frozen=True)
class Endpoint:
    """One path of the REST API.

    Attributes:
        path: Path after the host, such as "/api/v3/klines".
        weight: Weight of the requests that are sent here, unless it depends on the parameters.
        pool: The limit that requests count against.
        host: Configuration key of its host, if that is not the market's.
    """

    path: str
    weight: int = 1
    pool: str = WEIGHT
    host: str = ""


@dataclass(frozen=True)
class Market:
    """One market of Binance.

    Attributes:
        name: Name in staging tables: "spot" or "um".
        title: Name for messages.
        host: Configuration key of its host.
        endpoints: By the last part of the path.
        weight_limit: Weight per minute and IP address, until exchangeInfo states the real limit.
        rate_limits: The other limits: number of requests, and in how many seconds.
        kline_rows: The `limit` of klines that gives the most rows for its weight.
        intervals: Kline intervals.
        has_microseconds: Whether times are in microseconds if a header requests it.
        agg_trades_reach_ms: How far back REST has aggregate trades, in milliseconds; None for all.
        alternatives: Hosts that may respond where this one is blocked.
    """

    name: str
    title: str
    host: str
    endpoints: Mapping[str, Endpoint]
    weight_limit: int
    kline_rows: int
    intervals: tuple[str, ...]
    has_microseconds: bool
    rate_limits: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    agg_trades_reach_ms: int | None = None
    alternatives: tuple[str, ...] = ()


SPOT_MARKET: Final = Market(
    name=SPOT,
    title="Binance spot",
    host="market_data_url",
    endpoints={
        "time": Endpoint("/api/v3/time", 1),
        "exchangeInfo": Endpoint("/api/v3/exchangeInfo", 20),
        "klines": Endpoint("/api/v3/klines", 2),
        "aggTrades": Endpoint("/api/v3/aggTrades", 4),
        "historicalTrades": Endpoint("/api/v3/historicalTrades", 25, host="api_url"),
        "ticker/24hr": Endpoint("/api/v3/ticker/24hr", 80),
        "account": Endpoint("/api/v3/account", 20, host="api_url"),
        "myTrades": Endpoint("/api/v3/myTrades", 20, host="api_url"),
    },
    weight_limit=6000,
    kline_rows=PAGE_ROWS,
    intervals=tuple(INTERVAL_MS),
    has_microseconds=True,
    alternatives=ALTERNATIVE_HOSTS,
)
"""Source: binance-spot-api-docs, rest-api.md."""

UM_MARKET: Final = Market(
    name=UM,
    title="Binance USD-M futures",
    host="futures_url",
    endpoints={
        "time": Endpoint("/fapi/v1/time", 1),
        "exchangeInfo": Endpoint("/fapi/v1/exchangeInfo", 1),
        "klines": Endpoint("/fapi/v1/klines", 2),
        "markPriceKlines": Endpoint("/fapi/v1/markPriceKlines", 2),
        "aggTrades": Endpoint("/fapi/v1/aggTrades", 20),
        "fundingRate": Endpoint("/fapi/v1/fundingRate", 1, FUNDING),
        "premiumIndex": Endpoint("/fapi/v1/premiumIndex", 10),
        "openInterestHist": Endpoint("/futures/data/openInterestHist", 1, FUTURES_DATA),
        "ticker/24hr": Endpoint("/fapi/v1/ticker/24hr", 40),
    },
    weight_limit=2400,
    # A limit of up to 499 costs 2, up to 1000 costs 5, and 1500 costs 10: 499 gives the most rows for the weight.
    kline_rows=499,
    intervals=tuple(name for name in INTERVAL_MS if name != "1s"),
    has_microseconds=False,
    rate_limits={FUNDING: (500, 300.0), FUTURES_DATA: (1000, 300.0)},
    agg_trades_reach_ms=48 * HOUR_MS,
)
"""Source: developers.binance.com, derivatives, USD-M futures."""

MARKETS: Final[Mapping[str, Market]] = {one.name: one for one in (SPOT_MARKET, UM_MARKET)}

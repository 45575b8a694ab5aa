"""The instruments of the simulated OKX, for both built-in markets; those with a source are listed."""

from dataclasses import dataclass, replace
from typing import Final

from exchange_simulator.market.calendar import FOREVER_US, Outage
from exchange_simulator.venues.follower import Contract, Listing, utc

SPOT, SWAP, FUTURES = "SPOT", "SWAP", "FUTURES"


@dataclass(frozen=True)
class FundingPeriod:
    """Since when funding is paid every so many hours."""

    start: int
    hours: int


_BTC: Final = Contract("0.01", "BTC", "USDT")
_ETH: Final = Contract("0.1", "ETH", "USDT")
_SOL: Final = Contract("1", "SOL", "USDT")
_BTC_INVERSE: Final = Contract("100", "USD", "BTC", is_inverse=True)
_FUTURE: Final = Listing("", "BTCUSDT", "BTC", "USDT", 1, 4, basis=900, share=30, busy=90, contract=_BTC)

LISTINGS: Final = {
    SPOT: (
        Listing("BTC-USDT", "BTCUSDT", "BTC", "USDT", 1, 6, basis=40),
        Listing("ETH-USDT", "ETHUSDT", "ETH", "USDT", 2, 4, basis=70),
        Listing("SOL-USDT", "SOLUSDT", "SOL", "USDT", 2, 3, basis=-60),
        Listing("XRP-USDT", "XRPUSDT", "XRP", "USDT", 4, 1, basis=30),
        Listing("DOGE-USDT", "DOGEUSDT", "DOGE", "USDT", 5, 0, basis=-40, share=15, busy=24),
        Listing("BNB-USDT", "BNBUSDT", "BNB", "USDT", 1, 3, basis=90, suspended=utc("2025-05-01T08:00")),
        Listing("ETH-BTC", "ETHBTC", "ETH", "BTC", 5, 3, basis=-30),
        Listing("LATE-USDT", "LATEUSDT", "LATE", "USDT", 4, 1, basis=110, listed=utc("2025-01-12T10:20")),
        Listing("SPARSE-USDT", "SPARSEUSDT", "SPARSE", "USDT", 3, 2, basis=20),
        Listing("TINY-USDT", "TINYUSDT", "TINY", "USDT", 9, 0, basis=-90, share=20, busy=100),
        Listing("HALT-USDT", "HALTUSDT", "HALT", "USDT", 4, 1, basis=50),
        Listing("GONE-USDT", "GONEUSDT", "GONE", "USDT", 4, 1, basis=-20),
    ),
    SWAP: (
        Listing("BTC-USDT-SWAP", "BTCUSDT", "BTC", "USDT", 1, 4, basis=-260, share=450, contract=_BTC),
        Listing("ETH-USDT-SWAP", "ETHUSDT", "ETH", "USDT", 2, 3, basis=-190, share=420, contract=_ETH),
        Listing("SOL-USDT-SWAP", "SOLUSDT", "SOL", "USDT", 2, 2, basis=-310, share=250, busy=200, contract=_SOL),
        Listing("BTC-USD-SWAP", "BTCUSDT", "BTC", "USD", 1, 4, basis=-330, share=60, contract=_BTC_INVERSE),
    ),
    FUTURES: (
        replace(_FUTURE, name="BTC-USDT-250328", listed=utc("2024-12-27T08:00"), ends=utc("2025-03-28T08:00")),
        replace(_FUTURE, name="BTC-USDT-270326", listed=utc("2026-09-25T08:00"), ends=utc("2027-03-26T08:00")),
    ),
}
INSTRUMENT_TYPES: Final = {listing.name: kind for kind, listings in LISTINGS.items() for listing in listings}
FUNDING: Final = {
    "BTC-USDT-SWAP": (FundingPeriod(-FOREVER_US, 8),),
    "ETH-USDT-SWAP": (FundingPeriod(-FOREVER_US, 8), FundingPeriod(utc("2025-02-10T08:00"), 4)),
    "SOL-USDT-SWAP": (FundingPeriod(-FOREVER_US, 8), FundingPeriod(utc("2025-02-20T00:00"), 1)),
    "BTC-USD-SWAP": (FundingPeriod(-FOREVER_US, 8),),
}
OUTAGES: Final = (Outage(utc("2025-01-20T02:00"), utc("2025-01-20T05:13")),)

"""The products of the simulated Coinbase Exchange, for both built-in markets; those with a source are listed."""

from typing import Final

from exchange_simulator.market.calendar import Outage
from exchange_simulator.venues.follower import Listing, utc

LISTINGS: Final = (
    Listing("BTC-USD", "BTCUSDT", "BTC", "USD", 2, 8, basis=-180),
    Listing("ETH-USD", "ETHUSDT", "ETH", "USD", 2, 8, basis=-210),
    Listing("SOL-USD", "SOLUSDT", "SOL", "USD", 2, 8, basis=-150, busy=220),
    Listing("BTC-USDT", "BTCUSDT", "BTC", "USDT", 2, 8, basis=90, share=20, busy=200),
    Listing("ETH-USDT", "ETHUSDT", "ETH", "USDT", 2, 8, basis=120, share=20, busy=180),
    Listing("ETH-BTC", "ETHBTC", "ETH", "BTC", 5, 8, basis=60, share=80),
    Listing("XRP-USD", "XRPUSDT", "XRP", "USD", 4, 6, basis=-240, listed=utc("2024-07-13T16:00")),
    Listing("DOGE-USD", "DOGEUSDT", "DOGE", "USD", 5, 1, basis=-200, share=15, busy=24),
    Listing("BNB-USD", "BNBUSDT", "BNB", "USD", 2, 5, basis=-300, share=40, busy=120, ends=utc("2024-10-01T00:00")),
    Listing("LATE-USD", "LATEUSDT", "LATE", "USD", 4, 1, basis=-100, listed=utc("2025-01-16T17:00")),
    Listing("SPARSE-USD", "SPARSEUSDT", "SPARSE", "USD", 3, 4, basis=-50),
    Listing("TINY-USD", "TINYUSDT", "TINY", "USD", 12, 0, basis=-170, share=30, busy=100),
    Listing("GONE-USD", "GONEUSDT", "GONE", "USD", 4, 1, basis=80),
)
OUTAGES: Final = (Outage(utc("2025-02-05T14:00"), utc("2025-02-05T15:37")),)

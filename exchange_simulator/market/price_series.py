"""What klines are made from: trades, or samples of a price."""

from typing import Protocol

from exchange_simulator.market.bars import Trades
from exchange_simulator.market.calendar import Calendar


class PriceSeries(Protocol):
    """Prices at the moments of a calendar, one UTC day at a time. Times in microseconds since 1970."""

    @property
    def name(self) -> str:
        """The name, unique among all series that share a cache."""

    @property
    def calendar(self) -> Calendar:
        """The calendar of its prices."""

    @property
    def first_day(self) -> int:
        """The first day with a price (days since 1970)."""

    def day(self, day: int) -> Trades:
        """Return the prices of a day (days since 1970)."""

    def trades(self, start: int, end: int) -> list[Trades]:
        """Return the prices of [start, end), one part per day."""

    def price_before(self, time: int) -> int:
        """Return the last price before `time`, in ticks. Raises LookupError if there is none."""

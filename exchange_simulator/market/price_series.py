"""What klines are made from: trades, or samples of a price."""

from typing import Protocol

from exchange_simulator.market.bars import Trades
from exchange_simulator.market.calendar import Calendar


class PriceSeries(Protocol):
    """Prices at moments of a calendar, a UTC day at a time. Times in microseconds since 1970."""

    @property
    def name(self) -> str:
        """Return the name, unique among all series that share a cache."""

    @property
    def calendar(self) -> Calendar:
        """Return when there are prices."""

    @property
    def first_day(self) -> int:
        """Return the first day with a price (days since 1970)."""

    def day(self, day: int) -> Trades:
        """Return what is of a day (days since 1970)."""

    def trades(self, start: int, end: int) -> list[Trades]:
        """Return what is in [start, end), one part a day."""

    def price_before(self, time: int) -> int:
        """Return the last price before `time`, in ticks. Raises LookupError if there is none."""

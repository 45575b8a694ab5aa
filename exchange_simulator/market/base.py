"""What the endpoints need of a market, generated or recorded. Times in microseconds since 1970-01-01 UTC."""

from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa


@dataclass(frozen=True)
class Selection:
    """Which rows of a series are requested, as the query parameters say."""

    limit: int
    start: int | None = None
    end: int | None = None
    """Inclusive."""
    from_id: int | None = None

    @property
    def takes_latest(self) -> bool:
        """Whether the newest rows are requested rather than the oldest: there is no start and no id."""
        return self.start is None and self.from_id is None


@dataclass(frozen=True)
class Book:
    """The order book: (price, quantity) as texts, best first."""

    update_id: int
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]


class Market(Protocol):
    """One spot market. `now` is the simulated time: nothing at or after it exists.

    Rows are returned as the bytes of a JSON array. Methods that take a symbol expect one of `symbols(now)`.
    """

    def symbols(self, now: int) -> list[str]:
        """Return the names of the symbols listed by now."""

    def symbol_info(self, symbol: str, now: int) -> dict[str, Any]:
        """Return the symbol's entry in exchangeInfo."""

    def status(self, symbol: str, now: int) -> str:
        """Return the symbol's status: TRADING, HALT, BREAK, ..."""

    def klines(
        self, symbol: str, interval: str, wanted: Selection, now: int, microseconds: bool, zone_offset: int
    ) -> bytes:
        """Return klines; `zone_offset` is the timeZone parameter in microseconds."""

    def trades(self, symbol: str, wanted: Selection, now: int, microseconds: bool) -> bytes:
        """Return trades."""

    def aggregates(self, symbol: str, wanted: Selection, now: int, microseconds: bool) -> bytes:
        """Return aggregate trades."""

    def ticker(self, symbol: str, now: int) -> dict[str, Any] | None:
        """Return the FULL 24-hour ticker, times in milliseconds, or None if there is none."""

    def last_price(self, symbol: str, now: int) -> str | None:
        """Return the price of the last trade, or None if there is none."""

    def book(self, symbol: str, now: int, levels: int) -> Book:
        """Return up to `levels` levels of the order book on each side."""

    def average_price(self, symbol: str, now: int) -> tuple[str, int]:
        """Return the five-minute average price and the time of the last trade in milliseconds."""

    def truth(
        self, kind: str, symbol: str, interval: str, start: int, end: int, now: int, with_tombstones: bool
    ) -> pa.Table:
        """Return every row of klines, trades or agg_trades in [start, end] (inclusive); only closed klines."""

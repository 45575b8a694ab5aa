"""The funding of a contract: when it is paid, and at what rate. Times in microseconds since 1970-01-01 UTC."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from exchange_simulator.futures.mark_price import MarkPrices
from exchange_simulator.market.calendar import FOREVER_US
from exchange_simulator.market.config import ContractSpec
from exchange_simulator.market.contracts import FuturesSettings
from exchange_simulator.market.hashing import hashes, stream_key

RATE_DECIMALS: Final = 8
USUAL_HOURS: Final = 8
_HOUR_US: Final = 3_600_000_000
# How many milliseconds after the hour a payment is dated.
_LATE_MS: Final = (0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 7, 9, 10, 14, 18, 23)
_USUAL_RATE: Final = 10_000
_RATE_BITS: Final = 16
_RATE_TYPES: Final = ("Regular", "Special")


@dataclass(frozen=True)
class Funding:
    """One payment."""

    due: int
    """When it is due, on the hour."""
    time: int
    """When it is dated: some milliseconds later."""
    rate: int
    """In 1/10**8."""
    mark_price: int | None
    """In 1/10**8; if None, the field is empty or missing."""
    hours: int
    """Hours since the previous payment, by the schedule."""
    rate_type: str | None
    is_price_field_missing: bool


class FundingSeries:
    """The payments of one contract."""

    def __init__(self, contract: ContractSpec, settings: FuturesSettings, mark: MarkPrices, seed: int) -> None:
        self.symbol = contract.symbol.name
        self._changes = contract.terms.funding
        self._calendar = contract.symbol.calendar
        self._settings = settings
        self._mark = mark
        self._key = stream_key(seed, "funding", self.symbol)

    @property
    def is_paid(self) -> bool:
        """Whether there is any funding."""
        return bool(self._changes)

    def hours(self, now: int) -> int:
        """Return the hours between payments at a time."""
        return next((change.hours for change in reversed(self._changes) if change.start <= now), self._changes[0].hours)

    def has_changed(self, now: int) -> bool:
        """Return whether the hours between payments differ, or ever differed, from the usual ones."""
        return any(change.hours != USUAL_HOURS for change in self._changes if change.start <= now)

    def between(self, start: int, end: int) -> list[Funding]:
        """Return the payments dated in [start, end]."""
        due = list(self._due(start - _HOUR_US, end))
        if not due:
            return []
        moments = np.array([moment for moment, _ in due], dtype=np.int64)
        marks, chances = self._mark.at(moments), hashes(self._key, moments // _HOUR_US)
        found = [
            self._payment(moment, hours, int(mark), int(chance))
            for (moment, hours), mark, chance in zip(due, marks, chances, strict=True)
        ]
        return [payment for payment in found if start <= payment.time <= end]

    def following(self, now: int) -> int | None:
        """Return when the next payment is due, or None if none is left."""
        return next((due for due, _ in self._due(now + 1, now + 2 * USUAL_HOURS * _HOUR_US)), None)

    def _due(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield when payments in [start, end] are due, and the schedule's hours; the first one follows the listing."""
        bounds = [*(change.start for change in self._changes), FOREVER_US]
        for change, until in zip(self._changes, bounds[1:], strict=True):
            step = change.hours * _HOUR_US
            first = max(start, change.start, self._calendar.listed + 1)
            for due in range(-(-first // step) * step, min(end + 1, until, self._calendar.ends), step):
                yield due, change.hours

    def _payment(self, due: int, hours: int, mark_price: int, chance: int) -> Funding:
        is_usual = chance >> 4 & 3 == 0
        swing = (chance >> 6 & (1 << _RATE_BITS) - 1) - (1 << _RATE_BITS - 1)
        has_type = due >= self._settings.funding_rate_type_since
        has_price = due >= self._settings.funding_mark_price_since
        return Funding(
            due=due,
            time=due + _LATE_MS[chance & 15] * 1000,
            rate=_USUAL_RATE + (0 if is_usual else swing),
            mark_price=mark_price if has_price else None,
            hours=hours,
            rate_type=_RATE_TYPES[chance >> 24 & 31 == 0] if has_type else None,
            is_price_field_missing=not has_price and chance >> 30 & 1 == 0,
        )

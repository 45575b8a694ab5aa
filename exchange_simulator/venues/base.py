"""What the other venues share: products that follow the spot market, and limits on requests."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pyarrow as pa

from exchange_simulator.clock import Clock
from exchange_simulator.faults import INSTEAD, Answer, Fault
from exchange_simulator.hidden_rows import Span
from exchange_simulator.market.bars import Bars
from exchange_simulator.market.base import Market
from exchange_simulator.market.cache import ByteLru
from exchange_simulator.market.calendar import Outage
from exchange_simulator.market.generated import GeneratedMarket
from exchange_simulator.venue import Request
from exchange_simulator.venues.follower import Follower, Listing
from exchange_simulator.venues.rates import RequestRate

MILLISECOND: Final = 1_000
_SECOND: Final = 1_000_000
_CACHE_BYTES: Final = 32 << 20
# A client cannot obey a response that it has not read yet.
_NOTICE_MICROSECONDS: Final = 100_000
_WORDED_FAULTS: Final = ("error_code", "geo_451", "rate_429")
EXACT: Final = pa.decimal128(38, 18)
"""Type of the numbers in the truth."""


class VenueError(Exception):
    """A response that says what is wrong with a request."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class FollowingVenue(ABC):
    """A venue whose products follow symbols of the spot market; without a generated market it has no products."""

    name: str
    prefixes: tuple[str, ...]
    truth_kinds: tuple[str, ...]

    def __init__(
        self, listings: Sequence[Listing], outages: tuple[Outage, ...], market: Market, clock: Clock, enforce: bool
    ) -> None:
        self._clock = clock
        self._enforce = enforce
        self._rates: dict[str, RequestRate] = {}
        self._wait_from = self._wait_until = self._banned_until = 0
        cache = ByteLru(_CACHE_BYTES)
        sources = market.generated if isinstance(market, GeneratedMarket) else {}
        followers = [
            Follower(self.name, listing, sources[listing.source], outages, cache)
            for listing in listings
            if listing.source in sources
        ]
        self._products = {follower.listing.name: follower for follower in followers if follower.ever_trades}

    @abstractmethod
    def answer(self, request: Request, lost: Sequence[Span]) -> Answer:
        """Return the venue's own response."""

    @abstractmethod
    def error(self, status: int, code: int, message: str) -> Answer:
        """Return an error in the venue's form."""

    @abstractmethod
    def rate_of(self, request: Request) -> str:
        """Return the name of the limit that applies to a request."""

    @abstractmethod
    def new_rate(self, name: str) -> RequestRate:
        """Return a limit by name. Raises KeyError for an unknown one."""

    @abstractmethod
    def refusal(self) -> Answer:
        """Return the response to a request beyond a limit."""

    def listed(self, now: int) -> dict[str, Follower]:
        """Return the products that exist by now."""
        return {name: product for name, product in self._products.items() if product.calendar.listed <= now}

    def admit(self, request: Request) -> Answer | None:
        """Count a request against its limit; during a ban all are refused."""
        now = self._clock.limits_now()
        is_admitted = self.rate(self.rate_of(request)).admit(now, self._enforce) and now >= self._banned_until
        return None if is_admitted else self.refusal()

    def fault(self, fault: Fault) -> Answer | None:
        """Return a fault in the venue's form, or None for Binance's."""
        if fault.kind not in _WORDED_FAULTS:
            return None
        usual = INSTEAD[fault.kind](fault)
        if fault.kind == "rate_429":
            return replace(usual, status=self.refusal().status, body=self.refusal().body)
        content = json.loads(usual.body)
        return replace(usual, body=self.error(usual.status, content["code"], content["msg"]).body)

    def ban(self, seconds: float) -> Answer:
        """Refuse all requests for a while."""
        self._banned_until = self._clock.limits_now() + int(seconds * _SECOND)
        return replace(self.refusal(), wait=seconds)

    def headers(self, request: Request, shown: float) -> Mapping[str, str]:  # noqa: ARG002
        """Return nothing: the venue does not report usage."""
        return {}

    def is_told_to_wait(self, request: Request) -> bool:  # noqa: ARG002
        """Return whether a wait applies that the client has had time to read."""
        return self._wait_from + _NOTICE_MICROSECONDS <= self._clock.limits_now() < self._wait_until

    def announce_wait(self, request: Request, seconds: float) -> None:  # noqa: ARG002
        """Note that a response told the client to wait."""
        now = self._clock.limits_now()
        self._wait_from = now if now >= self._wait_until else self._wait_from
        self._wait_until = max(self._wait_until, now + int(seconds * _SECOND))

    def use(self, limit: str, amount: int) -> int:
        """Use up some of a limit as another client would."""
        return self.rate(limit).use(self._clock.limits_now(), amount)

    def limits(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the limits that have been used."""
        return {name: rate.report() for name, rate in self._rates.items()}

    def reset_limits(self) -> None:
        """Forget usage and waits."""
        self._wait_from = self._wait_until = self._banned_until = 0
        for rate in self._rates.values():
            rate.reset()

    def reset_counts(self) -> None:
        """Forget the counts."""
        for rate in self._rates.values():
            rate.reset_counts()

    def rate(self, name: str) -> RequestRate:
        """Return a limit by name. Raises KeyError for an unknown one."""
        if name not in self._rates:
            self._rates[name] = self.new_rate(name)
        return self._rates[name]


def visible(bars: Bars, lost: Sequence[Span]) -> Bars:
    """Return the bars without those that open at a lost time."""
    keep = np.ones(len(bars.time), dtype=bool)
    for span in lost:
        keep &= (bars.time < span.start * MILLISECOND) | (bars.time >= span.end * MILLISECOND)
    return bars.rows(keep)


def trimmed(value: int, decimals: int) -> str:
    """Return value / 10**decimals as text without trailing zeros."""
    digits = str(value).rjust(decimals + 1, "0")
    fraction = digits[len(digits) - decimals :].rstrip("0")
    whole = digits[: len(digits) - decimals]
    return f"{whole}.{fraction}" if fraction else whole

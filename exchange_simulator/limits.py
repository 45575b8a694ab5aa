"""Rate limits of one IP address: fixed windows, 429 with Retry-After, and bans for those who do not listen.

All requests count as coming from one address, as those of every program behind one IP do.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from exchange_simulator.clock import Clock

_SECOND: Final = 1_000_000
_MINUTE: Final = 60 * _SECOND
_RAW_WINDOW: Final = 5 * _MINUTE
_LONGEST_BAN_SECONDS: Final = 3 * 86_400
_UNLIMITED: Final = 1_000_000_000
_WINDOWS_KEPT: Final = 10_000
# A client cannot obey an answer that it has not read yet: requests this soon after it do not count against it.
_NOTICE_MICROSECONDS: Final = 100_000


@dataclass(frozen=True)
class LimitSettings:
    """The limits that are in force; without `enforce` they are counted and never refuse."""

    weight_per_minute: int = 6000
    raw_requests_per_5_minutes: int = 300_000
    ban_after: int = 5
    """So many requests may ignore a Retry-After within one window; the next one brings a ban."""
    ban_seconds: float = 120.0
    """Length of the first ban; each further one is twice as long, up to three days."""
    enforce: bool = True


@dataclass(frozen=True)
class Refusal:
    """Why a request gets no answer: 429 until the window ends, or 418 until the ban does."""

    status: int
    seconds: float
    """How long the wait is; Retry-After has it rounded up."""
    message: str


class RateLimiter:
    """Counts what the address has used and decides about each request. Times in microseconds."""

    def __init__(self, settings: LimitSettings, clock: Clock) -> None:
        self.settings = settings
        self._clock = clock
        self.window_weights: OrderedDict[int, int] = OrderedDict()
        self.reset()

    def reset(self) -> None:
        """Forget usage, waits and bans."""
        self.window_weights.clear()
        self._raw_window = (0, 0)
        self._wait_from = 0
        self._wait_until = 0
        self._ban_until = 0
        self._bans = 0
        self._ignored = 0

    @property
    def used_weight(self) -> int:
        """Return the weight used in the current minute."""
        return self.window_weights.get(self._clock.limits_now() // _MINUTE, 0)

    @property
    def is_told_to_wait(self) -> bool:
        """Return whether a Retry-After or a ban that the client has had time to read is in force."""
        now = self._clock.limits_now()
        return self._wait_from + _NOTICE_MICROSECONDS <= now < max(self._wait_until, self._ban_until)

    def use(self, weight: int) -> None:
        """Add to the weight used in this minute, whoever used it."""
        window = self._clock.limits_now() // _MINUTE
        self.window_weights[window] = self.window_weights.get(window, 0) + weight
        while len(self.window_weights) > _WINDOWS_KEPT:
            self.window_weights.popitem(last=False)

    def admit(self, weight: int) -> Refusal | None:
        """Count a request, and return why it must be refused, or None."""
        now = self._clock.limits_now()
        if now < self._ban_until:
            return self._banned(now)
        if self.is_told_to_wait and self.settings.enforce:
            self._ignored += 1
            if self._ignored > self.settings.ban_after:
                longest = min(self.settings.ban_seconds * 2**self._bans, _LONGEST_BAN_SECONDS)
                self.ban(longest)
                self._bans += 1
                return self.banned()
        self.use(weight)
        raw_index, raw_count = self._raw_window
        self._raw_window = (now // _RAW_WINDOW, raw_count + 1 if raw_index == now // _RAW_WINDOW else 1)
        if not self.settings.enforce:
            return None
        if self._raw_window[1] > self.settings.raw_requests_per_5_minutes:
            return self._refused(
                now, _RAW_WINDOW, f"{self.settings.raw_requests_per_5_minutes} raw requests per 5 MINUTE"
            )
        if self.used_weight > self.settings.weight_per_minute:
            return self._refused(now, _MINUTE, f"{self.settings.weight_per_minute} request weight per 1 MINUTE")
        return None

    def announce_wait(self, seconds: float) -> None:
        """Note that an answer with a Retry-After has gone out: from now on requests ignore it."""
        now = self._clock.limits_now()
        if now >= self._wait_until:
            self._wait_from = now
            self._ignored = 0
        self._wait_until = max(self._wait_until, now + int(seconds * _SECOND))

    def ban(self, seconds: float) -> None:
        """Ban the address from now on."""
        now = self._clock.limits_now()
        self._ban_until = now + int(seconds * _SECOND)
        self._ignored = 0

    def _banned(self, now: int) -> Refusal:
        remaining = self._ban_until - now
        until = (self._clock.now() + remaining) // 1000
        message = (
            f"Way too much request weight used; IP banned until {until}."
            " Please use WebSocket Streams for live updates to avoid bans."
        )
        return Refusal(418, remaining / _SECOND, message)

    def banned(self) -> Refusal:
        """Return the answer to a request during a ban."""
        return self._banned(self._clock.limits_now())

    def _refused(self, now: int, window: int, limit: str) -> Refusal:
        remaining = window - now % window
        message = (
            f"Too much request weight used; current limit is {limit}."
            " Please use WebSocket Streams for live updates to avoid polling the API."
        )
        return Refusal(429, remaining / _SECOND, message)

    def rate_limits(self) -> list[dict[str, Any]]:
        """Return the rateLimits of exchangeInfo; without limits, numbers that nobody reaches."""
        weight, raw = self.settings.weight_per_minute, self.settings.raw_requests_per_5_minutes
        if not self.settings.enforce:
            weight = raw = _UNLIMITED
        rows = (
            ("REQUEST_WEIGHT", "MINUTE", 1, weight),
            ("ORDERS", "SECOND", 10, 100),
            ("ORDERS", "DAY", 1, 200_000),
            ("RAW_REQUESTS", "MINUTE", 5, raw),
        )
        fields = ("rateLimitType", "interval", "intervalNum", "limit")
        return [dict(zip(fields, row, strict=True)) for row in rows]

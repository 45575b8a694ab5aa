"""Rate limits of an address at a venue: fixed windows, 429 with Retry-After, and bans for clients that ignore it.

All requests count as coming from one address, like those of all programs behind one IP address.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from exchange_simulator.clock import Clock

_SECOND: Final = 1_000_000
_LONGEST_BAN_SECONDS: Final = 3 * 86_400
_WINDOWS_KEPT: Final = 10_000
# A client cannot obey a response that it has not read yet: requests this soon after it do not count against it.
_NOTICE_MICROSECONDS: Final = 100_000


@dataclass(frozen=True)
class Limit:
    """A limit per window; the windows are aligned to the clock."""

    name: str
    most: int
    window_seconds: int
    text: str
    """Its name in the refusal: request weight per 1 MINUTE."""


@dataclass(frozen=True)
class Penalties:
    """What happens beyond a limit; without `enforce`, limits are counted but never refuse."""

    ban_after: int = 5
    """How many requests may ignore a Retry-After within one wait; the next one causes a ban."""
    ban_seconds: float = 120.0
    """Length of the first ban; each further one is twice as long, up to three days."""
    enforce: bool = True


@dataclass(frozen=True)
class Refusal:
    """Why a request is refused: 429 until the window ends, or 418 until the ban does."""

    status: int
    seconds: float
    """Length of the wait; Retry-After rounds it up."""
    message: str


class _Count:
    """The usage of one limit, and the wait for it. Times in microseconds."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.window = limit.window_seconds * _SECOND
        self.reset()
        self.reset_counts()

    def reset(self) -> None:
        self.used: OrderedDict[int, int] = OrderedDict()
        self.wait_from = 0
        self.wait_until = 0
        self.ignored = 0

    def reset_counts(self) -> None:
        self.own: Counter[int] = Counter()
        self.max_in_window = 0
        self.refused = 0

    def use(self, now: int, amount: int) -> int:
        """Add to the usage of the window, and return it."""
        index = now // self.window
        self.used[index] = self.used.get(index, 0) + amount
        while len(self.used) > _WINDOWS_KEPT:
            self.used.popitem(last=False)
        return self.used[index]

    def is_told_to_wait(self, now: int, ban_until: int) -> bool:
        return self.wait_from + _NOTICE_MICROSECONDS <= now < max(self.wait_until, ban_until)


class AddressLimits:
    """The limits of a venue, and their usage by one address."""

    def __init__(self, limits: Sequence[Limit], penalties: Penalties, clock: Clock) -> None:
        self.penalties = penalties
        self._clock = clock
        self._counts = {limit.name: _Count(limit) for limit in limits}
        self.reset()

    def reset(self) -> None:
        """Forget usage, waits and bans."""
        for count in self._counts.values():
            count.reset()
        self._ban_until = 0
        self._bans = 0

    def reset_counts(self) -> None:
        """Forget the counts of the report, but not the usage."""
        for count in self._counts.values():
            count.reset_counts()

    def report(self) -> dict[str, dict[str, Any]]:
        """Return the counts of each limit.

        `max_in_window` includes the usage of other programs; `total` and `by_window` (by its start in ms) do not.
        """
        return {
            name: {
                "limit": count.limit.most,
                "window_seconds": count.limit.window_seconds,
                "max_in_window": count.max_in_window,
                "total": count.own.total(),
                "by_window": {str(index * count.window // 1000): amount for index, amount in count.own.items()},
                "refused": count.refused,
            }
            for name, count in self._counts.items()
        }

    def used(self, name: str) -> int:
        """Return the usage of a limit in its current window."""
        count = self._counts[name]
        return count.used.get(self._clock.limits_now() // count.window, 0)

    def use(self, name: str, amount: int) -> int:
        """Add to the usage of a limit, whoever caused it, and return it. Raises KeyError for an unknown limit."""
        return self._counts[name].use(self._clock.limits_now(), amount)

    def is_told_to_wait(self, names: Iterable[str]) -> bool:
        """Return whether a Retry-After or a ban that the client has had time to read applies to any of the limits."""
        now = self._clock.limits_now()
        return any(self._counts[name].is_told_to_wait(now, self._ban_until) for name in names)

    def admit(self, amounts: Mapping[str, int]) -> Refusal | None:
        """Count a request with an amount for each of its limits; return why it must be refused, or None."""
        now = self._clock.limits_now()
        counts = [(self._counts[name], amount) for name, amount in amounts.items()]
        for count, amount in counts:
            count.own[now // count.window] += amount
        if now < self._ban_until:
            return self._banned(now)
        waiting = [count for count, _ in counts if count.is_told_to_wait(now, self._ban_until)]
        if waiting and self.penalties.enforce:
            for count in waiting:
                count.ignored += 1
            if any(count.ignored > self.penalties.ban_after for count in waiting):
                self.ban(min(self.penalties.ban_seconds * 2**self._bans, _LONGEST_BAN_SECONDS))
                self._bans += 1
                return self.banned()
        exceeded = None
        for count, amount in counts:
            used = count.use(now, amount)
            count.max_in_window = max(count.max_in_window, used)
            if used > count.limit.most and self.penalties.enforce:
                count.refused += 1
                exceeded = exceeded or self._refused(now, count)
        return exceeded

    def announce_wait(self, names: Iterable[str], seconds: float) -> None:
        """Note that a response with a Retry-After was sent: requests from now on ignore it."""
        now = self._clock.limits_now()
        for name in names:
            count = self._counts[name]
            if now >= count.wait_until:
                count.wait_from = now
                count.ignored = 0
            count.wait_until = max(count.wait_until, now + int(seconds * _SECOND))

    def ban(self, seconds: float) -> None:
        """Ban the address from now on."""
        self._ban_until = self._clock.limits_now() + int(seconds * _SECOND)
        for count in self._counts.values():
            count.ignored = 0

    def banned(self) -> Refusal:
        """Return the refusal of a request during a ban."""
        return self._banned(self._clock.limits_now())

    def _banned(self, now: int) -> Refusal:
        remaining = self._ban_until - now
        until = (self._clock.now() + remaining) // 1000
        message = (
            f"Way too much request weight used; IP banned until {until}."
            " Please use WebSocket Streams for live updates to avoid bans."
        )
        return Refusal(418, remaining / _SECOND, message)

    def _refused(self, now: int, count: _Count) -> Refusal:
        remaining = count.window - now % count.window
        message = (
            f"Too much request weight used; current limit is {count.limit.most} {count.limit.text}."
            " Please use WebSocket Streams for live updates to avoid polling the API."
        )
        return Refusal(429, remaining / _SECOND, message)

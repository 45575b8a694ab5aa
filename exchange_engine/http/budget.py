"""How many requests may be sent: one budget for each limit of an exchange, shared by all threads."""

import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Any, ClassVar

from .errors import BannedError, RunError, StoppedError

GUARD_SECONDS = 0.05
"""How much later than the exchange's minute a new window is believed in, on top of the clock's uncertainty: a request
sent too early would count against the old minute, which may be full."""

LEAST_WAIT_SECONDS = 1.0
"""Retry-After is in whole seconds: one of 0 would have the next request sent at once, and so on."""

LEAST_BAN_SECONDS = 120.0
"""How long a ban is at least (binance-spot-api-docs, rest-api.md), for a 418 that does not say it."""


class Budget(ABC):
    """Holds requests back until they may be sent; a wait that the exchange asks for holds all of them back.

    Args:
        limit: What may be used up in a window.
        share: Share of the limit to use up at most.
        patience_seconds: The longest wait that the exchange may ask for before the run is given up.
        stop: Set to make every waiting thread raise StoppedError.
        window_seconds: Length of the window.
        monotonic: Clock in seconds, replaced in tests.
        section: Of the configuration, such as "sources.okx", for messages.

    Attributes:
        share_key: The key of the configuration that `share` is from, for messages.
    """

    share_key: ClassVar[str]

    def __init__(
        self,
        limit: int,
        share: float,
        patience_seconds: float,
        stop: threading.Event,
        window_seconds: float = 60.0,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        section: str,
    ) -> None:
        self._cap = limit * share
        self._share = share
        self._patience = patience_seconds
        self._stop = stop
        self._window_seconds = window_seconds
        self._monotonic = monotonic
        self._section = section
        self._changed = threading.Condition()
        self._under_way = 0
        self._paused_until = 0.0

    @property
    def per_window(self) -> float:
        """What may be used up in a window."""
        return self._cap

    @property
    def window_seconds(self) -> float:
        """Length of the window."""
        return self._window_seconds

    def set_limit(self, limit: int) -> None:
        """Take over the limit that the exchange itself states."""
        with self._changed:
            self._cap = limit * self._share
            self._changed.notify_all()

    def acquire(self, weight: int) -> tuple[int, float]:
        """Wait until a request of this weight may be sent, and reserve it.

        Returns:
            The window that it was reserved in, to be handed to `release`, and the seconds waited.

        Raises:
            StoppedError: The run was asked to stop.
            RunError: The weight is above the budget itself.
        """
        began = self._monotonic()
        with self._changed:
            if weight > self._cap:
                span = "a minute" if self._window_seconds == 60 else f"in {self._window_seconds:g} seconds"
                raise RunError(
                    f"a request of weight {weight} can never fit a budget of {self._cap:g} {span}; "
                    f"raise {self._section}.{self.share_key}, which is {self._share:g}"
                )
            while True:
                if self._stop.is_set():
                    raise StoppedError
                now = self._monotonic()
                window, wait = self._room(weight, now)
                if now < self._paused_until:
                    wait = self._paused_until - now
                elif not wait:
                    self._under_way += weight
                    return window, now - began
                # The stop event wakes nobody here, hence the bound.
                self._changed.wait(min(wait, 0.5))

    def release(self, weight: int, window: int, used: int | None) -> None:
        """Account for a finished request.

        Args:
            weight: As reserved.
            window: As returned by `acquire`.
            used: What the exchange says is used up in its window; None where it does not say.
        """
        with self._changed:
            self._under_way -= weight
            self._count(weight, window, used, self._monotonic())
            self._changed.notify_all()

    def pause(self, status: int, seconds: float | None, since: float | None = None) -> None:
        """Stop all threads for as long as the exchange asks for.

        Args:
            status: The HTTP status that asked for it: 429, 418 or 403.
            seconds: Retry-After; None where it is not said.
            since: The monotonic time at which it first refused what is refused now, if not just now.

        Raises:
            BannedError: The wait, together with those before it, is longer than the patience.
        """
        with self._changed:
            now = self._monotonic()
            if seconds is not None:
                wait = max(seconds, LEAST_WAIT_SECONDS)
            else:
                wait = LEAST_BAN_SECONDS if status == 418 else self._seconds_to_next_window(now)
            if wait + (0.0 if since is None else now - since) > self._patience:
                raise BannedError(status, wait, self._patience, time.time(), self._section)
            self._paused_until = max(self._paused_until, now + wait)

    @abstractmethod
    def _room(self, weight: int, now: float) -> tuple[int, float]:
        """Return the present window, and how long to wait before there may be room: 0 where there is."""

    @abstractmethod
    def _count(self, weight: int, window: int, used: int | None, now: float) -> None:
        """Count a request that was answered, or failed."""

    @abstractmethod
    def _seconds_to_next_window(self, now: float) -> float:
        """Return how long it takes until all is allowed again."""


class WeightBudget(Budget):
    """Keeps the weight that Binance counts for this IP address under its limit.

    The exchange counts in fixed windows aligned to its own clock and says in each answer how much is used, by all
    programs behind the IP address. Its count can never be above the highest value that it has reported in this window
    plus the weight of the requests still under way: that sum is what is held under the limit. It is never taken to be
    below what this process has used itself, whatever is reported. A request that straddles two windows is counted in
    both.

    The limit on raw requests (300,000 in 5 minutes) needs no budget of its own: with at least weight 1 a request,
    6,000 weight a minute cannot reach it.
    """

    share_key = "weight_share"

    def __init__(self, *limits: Any, **options: Any) -> None:
        super().__init__(*limits, **options)
        self._offset = 0.0
        self._guard = GUARD_SECONDS
        self._window = -1
        self._counted = 0
        self._own = 0

    def set_clock(self, exchange_seconds: float, at: float, uncertainty_seconds: float) -> None:
        """Align the windows with the exchange's clock.

        Args:
            exchange_seconds: The exchange's time, in seconds since 1970.
            at: The monotonic time at which it was read.
            uncertainty_seconds: Half of the round trip that it took to read it.
        """
        with self._changed:
            self._offset = exchange_seconds - at
            self._guard = GUARD_SECONDS + uncertainty_seconds

    def _room(self, weight: int, now: float) -> tuple[int, float]:
        self._turn_window(now)
        is_free = max(self._counted, self._own) + self._under_way + weight <= self._cap
        return self._window, 0.0 if is_free else self._seconds_to_next_window(now)

    def _count(self, weight: int, window: int, used: int | None, now: float) -> None:
        self._turn_window(now)
        self._own += weight
        if window == self._window and used is not None:
            self._counted = max(self._counted, used)
        else:
            self._counted += weight

    def _turn_window(self, now: float) -> None:
        window = int((now + self._offset - self._guard) // self._window_seconds)
        if window != self._window:
            self._window = window
            self._counted = 0
            self._own = 0

    def _seconds_to_next_window(self, now: float) -> float:
        return self._window_seconds - (now + self._offset - self._guard) % self._window_seconds


class RateBudget(Budget):
    """Keeps requests under a limit whose count no answer tells: so many in any stretch of time of a length.

    Where the exchange's windows begin is not known, nor when it counts a request between its sending and its answer: so
    a request counts from its sending until a whole window after its answer.
    """

    share_key = "request_share"

    def __init__(self, *limits: Any, **options: Any) -> None:
        super().__init__(*limits, **options)
        self._answered: deque[tuple[float, int]] = deque()
        self._used = 0

    def _room(self, weight: int, now: float) -> tuple[int, float]:
        self._forget(now)
        if self._used + self._under_way + weight <= self._cap:
            return 0, 0.0
        if not self._answered:
            return 0, self._window_seconds
        return 0, max(self._answered[0][0] + self._window_seconds + GUARD_SECONDS - now, 0.001)

    def _count(self, weight: int, window: int, used: int | None, now: float) -> None:  # noqa: ARG002 - nobody says it
        self._answered.append((now, weight))
        self._used += weight

    def _forget(self, now: float) -> None:
        while self._answered and self._answered[0][0] + self._window_seconds + GUARD_SECONDS <= now:
            self._used -= self._answered.popleft()[1]

    def _seconds_to_next_window(self, now: float) -> float:  # noqa: ARG002 - any window is a whole one
        return self._window_seconds

"""How many requests may be sent: one budget per limit of a venue, shared by all threads."""

import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Any, ClassVar

from .errors import BannedError, RunError, StoppedError

GUARD_SECONDS = 0.05
"""How much later than the venue's minute a new window is assumed to begin, on top of the clock's uncertainty. A request
sent too early would count against the old minute, which may be full."""

LEAST_WAIT_SECONDS = 1.0
"""The shortest wait. Retry-After is in whole seconds: after a 0, the next request would be sent at once, and so on."""

LEAST_BAN_SECONDS = 120.0
"""The shortest ban (binance-spot-api-docs, rest-api.md), used for a 418 that does not state its length."""


class Budget(ABC):
    """Holds requests back until they may be sent; a wait that the venue asks for holds all of them back.

    Args:
        limit: The venue's limit per window.
        share: The largest share of the limit to use.
        patience_seconds: The longest wait that the venue may ask for before the run is given up.
        stop: Set to make every waiting thread raise StoppedError.
        window_seconds: Length of the window.
        monotonic: Clock in seconds, replaced in tests.
        section: Section of the configuration, such as "sources.okx", for messages.

    Attributes:
        share_key: The configuration key that `share` comes from, for messages.
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
        """How much may be used per window: the limit times the share."""
        return self._cap

    @property
    def window_seconds(self) -> float:
        """Length of the window."""
        return self._window_seconds

    def set_limit(self, limit: int) -> None:
        """Adopt the limit that the venue itself states."""
        with self._changed:
            self._cap = limit * self._share
            self._changed.notify_all()

    def acquire(self, weight: int) -> tuple[int, float]:
        """Wait until a request of this weight may be sent, and reserve the weight.

        Returns:
            The window of the reservation, to be passed to `release`, and the seconds waited.

        Raises:
            StoppedError: The run was asked to stop.
            RunError: The weight exceeds the whole budget.
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
                # The stop event does not wake this condition, hence the cap.
                self._changed.wait(min(wait, 0.5))

    def release(self, weight: int, window: int, used: int | None) -> None:
        """Account for a finished request.

        Args:
            weight: As reserved.
            window: As returned by `acquire`.
            used: The usage of its window that the venue reports, or None.
        """
        with self._changed:
            self._under_way -= weight
            self._count(weight, window, used, self._monotonic())
            self._changed.notify_all()

    def pause(self, status: int, seconds: float | None, since: float | None = None) -> None:
        """Hold all threads back for as long as the venue asks.

        Args:
            status: The HTTP status that asks for it: 429, 418 or 403.
            seconds: The requested wait in seconds; None if the response does not state it.
            since: Monotonic time of the first in a row of refusals; None if this is the first.

        Raises:
            BannedError: The wait, together with those before it, exceeds the patience.
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
        """Return the current window, and the seconds until there may be room: 0 if there is room now."""

    @abstractmethod
    def _count(self, weight: int, window: int, used: int | None, now: float) -> None:
        """Count a request that got a response, or failed."""

    @abstractmethod
    def _seconds_to_next_window(self, now: float) -> float:
        """Return the seconds until the whole budget is available again."""


class WeightBudget(Budget):
    """Keeps the weight that Binance counts for this IP address under its limit.

    Binance counts in fixed windows aligned to its own clock, and reports in each response how much all programs behind
    the IP address have used. Its count can never exceed the highest value reported in this window plus the weight of
    the requests in flight: this sum is kept under the limit. It is never assumed to be below what this process has used
    itself, whatever is reported. A request that straddles two windows is counted in both.

    The limit on raw requests (300,000 in 5 minutes) needs no budget of its own: at a weight of at least 1 per request,
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
        """Align the windows with the venue's clock.

        Args:
            exchange_seconds: The venue's time, in seconds since 1970.
            at: Monotonic time at which it was read.
            uncertainty_seconds: Half of the round trip of that request.
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
    """Keeps requests under a limit whose usage no response reports: a maximum in any period of the window's length.

    It is not known where the venue's windows begin, nor when between sending and response it counts a request. So a
    request counts from its sending until a whole window after its response.
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

    def _count(self, weight: int, window: int, used: int | None, now: float) -> None:  # noqa: ARG002 - not reported
        self._answered.append((now, weight))
        self._used += weight

    def _forget(self, now: float) -> None:
        while self._answered and self._answered[0][0] + self._window_seconds + GUARD_SECONDS <= now:
            self._used -= self._answered.popleft()[1]

    def _seconds_to_next_window(self, now: float) -> float:  # noqa: ARG002 - the window slides
        return self._window_seconds

"""One budget of request weight for the whole process, fed by the exchange's own count."""

import threading
import time
from collections.abc import Callable

from .errors import BannedError, RunError, StoppedError

GUARD_SECONDS = 0.05
"""How much later than the exchange's minute a new window is believed in, on top of the clock's uncertainty: a request
sent too early would count against the old minute, which may be full."""

LEAST_WAIT_SECONDS = 1.0
"""Retry-After is in whole seconds: one of 0 would have the next request sent at once, and so on."""

LEAST_BAN_SECONDS = 120.0
"""How long a ban is at least (binance-spot-api-docs, rest-api.md), for a 418 that does not say it."""


class WeightBudget:
    """Keeps the weight that the exchange counts for this IP address under its limit.

    The exchange counts in fixed windows aligned to its own clock and says in each answer how much is used, by all
    programs behind the IP address. Its count can never be above the highest value that it has reported in this window
    plus the weight of the requests still under way: that sum is what is held under the limit. It is never taken to be
    below what this process has used itself, whatever is reported. A request that straddles two windows is counted in
    both. All threads share one budget, and a Retry-After stops all of them.

    The limit on raw requests (300,000 in 5 minutes) needs no budget of its own: with at least weight 1 a request,
    6,000 weight a minute cannot reach it.

    Args:
        limit: Weight allowed in a window, by exchangeInfo.rateLimits.
        share: Share of the limit to use up at most.
        patience_seconds: The longest wait that the exchange may ask for before the run is given up.
        stop: Set to make every waiting thread raise StoppedError.
        monotonic: Clock in seconds, replaced in tests.
    """

    def __init__(
        self,
        limit: int,
        share: float,
        patience_seconds: float,
        stop: threading.Event,
        window_seconds: float = 60.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cap = limit * share
        self._share = share
        self._patience = patience_seconds
        self._stop = stop
        self._window_seconds = window_seconds
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._offset = 0.0
        self._guard = GUARD_SECONDS
        self._window = -1
        self._counted = 0
        self._own = 0
        self._under_way = 0
        self._paused_until = 0.0

    def set_limit(self, limit: int) -> None:
        """Take over the limit that the exchange itself states."""
        with self._changed:
            self._cap = limit * self._share
            self._changed.notify_all()

    @property
    def per_window(self) -> float:
        """Weight that may be used in a window."""
        return self._cap

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

    def acquire(self, weight: int) -> tuple[int, float]:
        """Wait until a request of this weight may be sent, and reserve it.

        Returns:
            The window that it was reserved in, to be handed to `settle`, and the seconds waited.

        Raises:
            StoppedError: The run was asked to stop.
            RunError: The weight is above the budget itself.
        """
        began = self._monotonic()
        with self._changed:
            if weight > self._cap:
                raise RunError(
                    f"a request of weight {weight} can never fit a budget of {self._cap:g} a minute; "
                    f"raise sources.binance.weight_share, which is {self._share:g}"
                )
            while True:
                if self._stop.is_set():
                    raise StoppedError
                now = self._monotonic()
                self._turn_window(now)
                if now < self._paused_until:
                    wait = self._paused_until - now
                elif max(self._counted, self._own) + self._under_way + weight <= self._cap:
                    self._under_way += weight
                    return self._window, now - began
                else:
                    wait = self._seconds_to_next_window(now)
                # The stop event wakes nobody here, hence the bound.
                self._changed.wait(min(wait, 0.5))

    def settle(self, weight: int, window: int, used: int | None) -> None:
        """Account for a finished request.

        Args:
            weight: As reserved.
            window: As returned by `acquire`.
            used: X-MBX-USED-WEIGHT-1M of the answer; None where there was no answer or no such header.
        """
        with self._changed:
            self._turn_window(self._monotonic())
            self._under_way -= weight
            self._own += weight
            if window == self._window and used is not None:
                self._counted = max(self._counted, used)
            else:
                self._counted += weight
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
                raise BannedError(status, wait, self._patience, time.time())
            self._paused_until = max(self._paused_until, now + wait)

    def _turn_window(self, now: float) -> None:
        window = int((now + self._offset - self._guard) // self._window_seconds)
        if window != self._window:
            self._window = window
            self._counted = 0
            self._own = 0

    def _seconds_to_next_window(self, now: float) -> float:
        return self._window_seconds - (now + self._offset - self._guard) % self._window_seconds

"""The simulated clock: the host's time or any other, running or frozen. Times in microseconds since 1970 UTC."""

import time
from datetime import datetime, timezone
from typing import Final

RUNNING: Final = "running"
FROZEN: Final = "frozen"
CLOCK_MODES: Final = (RUNNING, FROZEN)


def host_now() -> int:
    """Return the host's time."""
    return time.time_ns() // 1000


def to_microseconds(moment: datetime) -> int:
    """Return a datetime in microseconds since 1970; UTC unless it has a time zone."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    elapsed = aware - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds


class Clock:
    """The simulated time."""

    def __init__(self, start: int | None = None, mode: str = RUNNING) -> None:
        self._offset = 0 if start is None else start - host_now()
        self._frozen_at: int | None = None
        self.set_mode(mode)
        if start is not None:
            self.set(start)

    @property
    def mode(self) -> str:
        """Return running or frozen."""
        return RUNNING if self._frozen_at is None else FROZEN

    def now(self) -> int:
        """Return the simulated time."""
        return host_now() + self._offset if self._frozen_at is None else self._frozen_at

    def limits_now(self) -> int:
        """Return the time for rate limits: the simulated time, or the host's while the clock is frozen."""
        return host_now() if self._frozen_at is not None else self.now()

    def set(self, moment: int) -> None:
        """Set the time, keeping the mode."""
        self._offset = moment - host_now()
        if self._frozen_at is not None:
            self._frozen_at = moment

    def set_mode(self, mode: str) -> None:
        """Let the clock run from its current time, or freeze it there. Raises ValueError for any other mode."""
        if mode not in CLOCK_MODES:
            raise ValueError(f"clock mode {mode!r} is not one of {', '.join(CLOCK_MODES)}")
        now = self.now()
        self._frozen_at = now if mode == FROZEN else None
        self.set(now)

"""Limits on requests that a venue takes, counted over a sliding window. Times in microseconds."""

from collections import deque
from typing import Any, Final

_SECOND: Final = 1_000_000


class RequestRate:
    """A number of requests in any period of `window_seconds`; with a burst, a bucket of that size with this refill."""

    def __init__(self, most: int, window_seconds: int, burst: int | None = None) -> None:
        self.most = most
        self.window_seconds = window_seconds
        self.burst = burst
        self._window = window_seconds * _SECOND
        self.reset()
        self.reset_counts()

    def reset(self) -> None:
        """Forget the usage."""
        self._recent: deque[int] = deque()
        self._level = 0.0
        self._level_at = 0

    def reset_counts(self) -> None:
        """Forget the counts of the report."""
        self.max_in_window = 0
        self.total = 0
        self.refused = 0

    def use(self, now: int, amount: int) -> int:
        """Add to the usage, whoever causes it, and return it."""
        self._drain(now)
        self._recent.extend([now] * amount)
        self._level += amount
        return len(self._recent)

    def admit(self, now: int, enforce: bool) -> bool:
        """Count a request, and return whether it is admitted. A refused request uses nothing."""
        self._drain(now)
        self.total += 1
        is_full = len(self._recent) >= self.most if self.burst is None else self._level + 1 > self.burst
        self.max_in_window = max(self.max_in_window, len(self._recent) + 1)
        if is_full and enforce:
            self.refused += 1
            return False
        self.use(now, 1)
        return True

    def report(self) -> dict[str, Any]:
        """Return the counts; `max_in_window` includes refused requests and the usage of other programs."""
        burst = {} if self.burst is None else {"burst": self.burst}
        return {
            "limit": self.most,
            **burst,
            "window_seconds": self.window_seconds,
            "max_in_window": self.max_in_window,
            "total": self.total,
            "refused": self.refused,
        }

    def _drain(self, now: int) -> None:
        while self._recent and self._recent[0] + self._window <= now:
            self._recent.popleft()
        self._level = max(self._level - max(now - self._level_at, 0) * self.most / self._window, 0.0)
        self._level_at = now

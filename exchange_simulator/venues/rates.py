"""How many requests a venue takes in a time, counted over any stretch of it. Times in microseconds."""

from collections import deque
from typing import Any, Final

_SECOND: Final = 1_000_000


class RequestRate:
    """So many requests in any stretch of `window_seconds`; with a burst, a bucket of it that is filled at this rate."""

    def __init__(self, most: int, window_seconds: int, burst: int | None = None) -> None:
        self.most = most
        self.window_seconds = window_seconds
        self.burst = burst
        self._window = window_seconds * _SECOND
        self.reset()
        self.reset_counts()

    def reset(self) -> None:
        """Forget what is used."""
        self._recent: deque[int] = deque()
        self._level = 0.0
        self._level_at = 0

    def reset_counts(self) -> None:
        """Forget what was counted for the report."""
        self.max_in_window = 0
        self.total = 0
        self.refused = 0

    def use(self, now: int, amount: int) -> int:
        """Use some of it up, whoever does, and return how much is used."""
        self._drain(now)
        self._recent.extend([now] * amount)
        self._level += amount
        return len(self._recent)

    def admit(self, now: int, enforce: bool) -> bool:
        """Count a request, and tell whether it may be answered. A refused one uses nothing up."""
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
        """Return what has been counted; `max_in_window` includes refused requests and what other programs used."""
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

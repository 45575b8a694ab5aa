"""What the simulator was asked, for tests of a client's manners."""

from collections import Counter
from typing import Any


class Statistics:
    """Counts since the start or the last reset."""

    def __init__(self) -> None:
        self._active: Counter[bool] = Counter()
        self.reset()

    def reset(self) -> None:
        """Begin to count anew; requests in progress go on being counted as active."""
        self.requests = 0
        self.by_path: Counter[str] = Counter()
        self.by_symbol: Counter[str] = Counter()
        self.by_status: Counter[str] = Counter()
        self.weight = 0
        self.weight_by_window: Counter[int] = Counter()
        self.max_window_weight = 0
        self.max_concurrency = self._active.total()
        self.max_api_concurrency = self._active[False]
        self.max_archive_concurrency = self._active[True]
        self.while_told_to_wait = 0
        self.faults = 0
        self._connections: set[object] = set()

    def begin(self, path: str, symbol: str | None, connection: object, to_archive: bool, told_to_wait: bool) -> None:
        """Count a request on its arrival."""
        self._active[to_archive] += 1
        self.max_concurrency = max(self.max_concurrency, self._active.total())
        self.max_api_concurrency = max(self.max_api_concurrency, self._active[False])
        self.max_archive_concurrency = max(self.max_archive_concurrency, self._active[True])
        self.requests += 1
        self.by_path[path] += 1
        if symbol:
            self.by_symbol[symbol] += 1
        self._connections.add(connection)
        self.while_told_to_wait += told_to_wait

    def count_weight(self, weight: int, window_minute: int, used_in_window: int) -> None:
        """Count the weight of a request; `used_in_window` includes what other programs used."""
        self.weight += weight
        self.weight_by_window[window_minute] += weight
        self.max_window_weight = max(self.max_window_weight, used_in_window)

    def finish(self, status: int, to_archive: bool) -> None:
        """Count the end of a request; status 0 is a connection ended without an answer."""
        self._active[to_archive] -= 1
        self.by_status[str(status)] += 1

    def as_dict(self) -> dict[str, Any]:
        """Return all counts, as GET /simulator/stats gives them."""
        return {
            "requests": self.requests,
            "requests_by_path": dict(self.by_path),
            "requests_by_symbol": dict(self.by_symbol),
            "status_counts": dict(self.by_status),
            "weight": self.weight,
            "weight_by_window": {str(minute * 60_000): weight for minute, weight in self.weight_by_window.items()},
            "max_window_weight": self.max_window_weight,
            "max_concurrency": self.max_concurrency,
            "max_api_concurrency": self.max_api_concurrency,
            "max_archive_concurrency": self.max_archive_concurrency,
            "requests_while_told_to_wait": self.while_told_to_wait,
            "responses_429": self.by_status["429"],
            "responses_418": self.by_status["418"],
            "faults": self.faults,
            "connections": len(self._connections),
        }

"""Counts of the requests received, for tests of how a client behaves."""

from collections import Counter
from typing import Any


class Statistics:
    """Counts since the start or the last reset."""

    def __init__(self) -> None:
        self._active: Counter[bool] = Counter()
        self.reset()

    def reset(self) -> None:
        """Reset the counts; requests in progress still count as active."""
        self.requests = 0
        self.by_path: Counter[str] = Counter()
        self.by_symbol: Counter[str] = Counter()
        self.by_status: Counter[str] = Counter()
        self.max_concurrency = self._active.total()
        self.max_api_concurrency = self._active[False]
        self.max_archive_concurrency = self._active[True]
        self.while_told_to_wait = 0
        self.faults = 0
        self._connections: set[object] = set()

    def begin(self, path: str, symbol: str | None, connection: object, to_archive: bool, told_to_wait: bool) -> None:
        """Count a request when it arrives."""
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

    def finish(self, status: int, to_archive: bool) -> None:
        """Count the end of a request; status 0 is a connection that ended without a response."""
        self._active[to_archive] -= 1
        self.by_status[str(status)] += 1

    def as_dict(self) -> dict[str, Any]:
        """Return all counts except those of limits, which the venues have."""
        return {
            "requests": self.requests,
            "requests_by_path": dict(self.by_path),
            "requests_by_symbol": dict(self.by_symbol),
            "status_counts": dict(self.by_status),
            "max_concurrency": self.max_concurrency,
            "max_api_concurrency": self.max_api_concurrency,
            "max_archive_concurrency": self.max_archive_concurrency,
            "requests_while_told_to_wait": self.while_told_to_wait,
            "responses_429": self.by_status["429"],
            "responses_418": self.by_status["418"],
            "faults": self.faults,
            "connections": len(self._connections),
        }

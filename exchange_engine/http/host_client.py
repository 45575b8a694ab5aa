"""Requests to a venue that has one host: each path has its limit."""

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar, TypeVar

from .budget import Budget
from .transport import Params, Query, Tally, Transport

T = TypeVar("T")


class HostClient(Transport):
    """Client of a venue with one host.

    Attributes:
        time_path: The endpoint of its time.
    """

    time_path: ClassVar[str]

    @abstractmethod
    def budget_of(self, path: str) -> Budget:
        """Return the limit that requests to an endpoint count against."""

    @abstractmethod
    def read_time(self, body: bytes) -> int:
        """Return the time in a response of `time_path`, in milliseconds since 1970."""

    def server_time_ms(self) -> int:
        """Return the venue's time in milliseconds since 1970.

        Raises:
            RunError: The venue cannot be reached, or its time contradicts the date of the response.
        """
        return self.clock_ms(Query(f"{self.url}{self.time_path}", {}, self.budget_of(self.time_path)), self.read_time)

    def get(self, path: str, params: Params, decode: Callable[[bytes], T], tally: Tally | None = None) -> T:
        """Send a request to an endpoint, retry it where that may help, and return the decoded response.

        Args:
            path: Such as "/products".
            params: Query parameters.
            decode: Converts the body; raises BadResponseError or one of `UNREADABLE` for a body that is worth a retry.
            tally: Where the request is counted.

        Raises:
            RunError: Nothing more can be fetched: stopped, banned, blocked or unreachable.
            SeriesError: This request gets no usable response.
        """
        return self.send(Query(f"{self.url}{path}", params, self.budget_of(path), tally=tally), decode)

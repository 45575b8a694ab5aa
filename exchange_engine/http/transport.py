"""GET requests to any venue: budgets, connections, retries, and waits that the venue asks for."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
import requests

from ..config.sections import Section
from .budget import Budget
from .errors import BadResponseError, GaveUpError, GeoBlockedError, OddAnswerError, UnreachableError
from .session import FIRST_CONTACT_ATTEMPTS, open_session, pause_seconds, transport_error, whole_body
from .waits import seconds_since_1970, seconds_to_wait

T = TypeVar("T")

Params = Mapping[str, str | int]
"""Query parameters. Times are plain integers: venues refuse 1.6e12."""

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""Errors of decoding unexpected JSON: broken UTF-8 and deep nesting do not raise errors of msgspec."""

ANSWER_BYTES = 2**28
"""The largest size of a response, in bytes. Binance's exchangeInfo, the largest known, is a tenth of it."""

ELSEWHERE = "run from elsewhere or through a proxy (HTTPS_PROXY)"
"""What may help against an HTTP 403, for messages."""

REFUSED_PAUSE_SECONDS = 1.0
"""How long to wait before a host that refused the first request is tried once more."""

CLOCK_TOLERANCE_SECONDS = 5.0
"""How far the venue's time may be from the Date header of the same response, which is in whole seconds."""


@dataclass
class Tally:
    """The cost of the requests of one series."""

    requests: int = 0
    weight: int = 0
    waited_seconds: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, weight: int, waited_seconds: float) -> None:
        """Count one request that is about to be sent."""
        with self._lock:
            self.requests += 1
            self.weight += weight
            self.waited_seconds += waited_seconds


@dataclass(frozen=True)
class Query:
    """A request, however often it is sent.

    Attributes:
        url: Without the query string.
        params: The query parameters.
        budget: The limit that it counts against.
        weight: Its weight in that budget.
        headers: Headers in addition to those of every request.
        tally: Where the requests are counted.
        on_date: Called before the response is decoded, with its Date in seconds since 1970, or None.
        is_needed: Whether nothing can be fetched without its response.
    """

    url: str
    params: Params
    budget: Budget
    weight: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)
    tally: Tally | None = None
    on_date: Callable[[float | None], None] | None = None
    is_needed: bool = False


class Transport(ABC):
    """Sends GET requests for any number of threads.

    Args:
        url: Base URL of the host.
        settings: How requests are sent.
        stop: Set to make every thread that waits or retries raise StoppedError.

    Attributes:
        service: Name of the venue, for messages.
        hint: What to check if the host does not respond, for messages.
        reached: Hosts that have given a good response.
    """

    service = "the exchange"
    hint = "check the network"

    def __init__(self, url: str, settings: Section, stop: threading.Event | None = None) -> None:
        self.url = url
        self.stop = stop or threading.Event()
        self._settings = settings
        self._session = open_session(url, settings.connections)
        # The archive's threads use REST as well, to compare files with it.
        self._connections = threading.BoundedSemaphore(settings.connections)
        self._last_success = -1.0
        self.reached: set[str] = set()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def send(self, query: Query, decode: Callable[[bytes], T], max_attempts: int | None = None) -> T:
        """Send a request, retry it where that may help, and return the decoded response.

        Args:
            query: The request.
            decode: Converts the body; raises BadResponseError or one of `UNREADABLE` for a body that is worth a retry.
            max_attempts: Number of attempts, in place of the configured one.

        Raises:
            RunError: Nothing more can be fetched: stopped, banned, blocked or unreachable.
            SeriesError: This request gets no usable response.
        """
        began = time.monotonic()
        allowed = max_attempts or self._settings.max_attempts
        attempt = 0
        is_refused = False
        while True:
            attempt += 1
            try:
                return self._attempt(query, decode)
            except GeoBlockedError as error:
                if is_refused or not error.may_pass or attempt >= allowed:
                    raise
                is_refused = True
                pause = REFUSED_PAUSE_SECONDS
            except (requests.RequestException, BadResponseError, *UNREADABLE) as error:
                if attempt >= allowed:
                    raise self._give_up(query, error, attempt, began) from error
                pause = pause_seconds(self._settings, attempt)
            self.stop.wait(pause)

    def clock_ms(self, query: Query, read: Callable[[bytes], int]) -> int:
        """Return the venue's time.

        Args:
            query: The request.
            read: Returns the time in a body, in milliseconds since 1970.

        Returns:
            Milliseconds since 1970, at the moment when the venue responded.

        Raises:
            RunError: The venue cannot be reached, or its time contradicts the date of the response.
        """
        dated: list[float | None] = []

        def decode(body: bytes) -> int:
            answer = read(body)
            if dated[-1] is not None and abs(answer / 1000 - dated[-1]) > CLOCK_TOLERANCE_SECONDS:
                raise BadResponseError(f"its clock says {answer} in an answer of {dated[-1] * 1000:.0f}")
            return answer

        return self.send(replace(query, on_date=dated.append, is_needed=True), decode, FIRST_CONTACT_ATTEMPTS)

    @abstractmethod
    def check(self, response: requests.Response, body: bytes) -> None:
        """Raise an error for a response that is not the requested one."""

    @abstractmethod
    def budgets(self) -> list[Budget]:
        """Return all budgets of the venue: a wait that it asks for applies to all requests."""

    def is_first_contact(self, response: requests.Response) -> bool:
        """Return whether the host has not given a good response yet."""
        return host_of(response.url) not in self.reached

    def place_refused(self, response: requests.Response) -> str:
        """Return what an HTTP 403 means, for messages."""
        return (
            f"{self.service}, or a proxy on the way to {host_of(response.url)}, refuses this place or this IP address "
            f"(HTTP {response.status_code})"
        )

    def refusal(self, response: requests.Response, body: bytes) -> int | None:  # noqa: ARG002 - subclasses read it
        """Return the status of a response that asks to wait, or None for any other response."""
        return response.status_code if response.status_code in (429, 418) else None

    def used(self, response: requests.Response) -> int | None:  # noqa: ARG002 - most venues do not report it
        """Return how much of its limit the response reports as used, or None."""
        return None

    def encoded(self, params: Params) -> Mapping[str, str | int] | str:
        """Return the query parameters as they are sent; called anew for each attempt."""
        return dict(params)

    def _attempt(self, query: Query, decode: Callable[[bytes], T]) -> T:
        refused_since: float | None = None
        while True:
            response, body = self._send(query)
            status = self.refusal(response, body)
            if status is None:
                break
            refused_since = time.monotonic() if refused_since is None else refused_since
            for budget in self.budgets():
                budget.pause(status, seconds_to_wait(response.headers, body), refused_since)
        self.check(response, body)
        if query.on_date is not None:
            query.on_date(seconds_since_1970(response.headers.get("Date")))
        try:
            result = decode(body)
        except (BadResponseError, msgspec.ValidationError) as error:
            raise OddAnswerError(str(error)) from error
        self._last_success = time.monotonic()
        self.reached.add(host_of(response.url))
        return result

    def _send(self, query: Query) -> tuple[requests.Response, bytes]:
        """Send one request once the budget allows it, and read the whole response."""
        timeout = self._settings.timeout_seconds
        # The connection comes before the weight: once the weight is granted, the request must go out at once, since a
        # ban may begin meanwhile.
        with self._connections:
            window, waited = query.budget.acquire(query.weight)
            if query.tally is not None:
                query.tally.add(query.weight, waited)
            used = None
            try:
                with self._session.get(
                    query.url,
                    params=self.encoded(query.params),
                    headers=query.headers,
                    timeout=timeout,
                    stream=True,
                ) as response:
                    used = self.used(response)
                    return response, whole_body(response, timeout, ANSWER_BYTES)
            finally:
                query.budget.release(query.weight, window, used)

    def _give_up(self, query: Query, error: Exception, attempts: int, began: float) -> Exception:
        """Return the error of a failed request: for one series, or for all if the host is gone."""
        host, said = host_of(query.url), f"{_one_line(error)} ({attempts} attempts)"
        is_odd = isinstance(error, OddAnswerError)
        if is_odd and query.is_needed:
            return UnreachableError(f"{host} is reached, but does not answer as {self.service} does: {said}")
        if is_odd:
            return GaveUpError(f"{query.url} answered, but with what was not expected: {said}")
        if self._last_success >= began:
            return GaveUpError(f"{query.url}: {said}")
        return UnreachableError(f"{host} does not answer as {self.service} does: {said}; {self.hint}")


def host_of(url: str) -> str:
    """Return scheme and host of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def path_of(response: requests.Response) -> str:
    """Return a response's URL without its query, for messages: a query may hold a signature."""
    return response.url.split("?")[0]


def kind_of(response: requests.Response) -> str:
    """Return a response's content type, for messages."""
    return response.headers.get("Content-Type", "no content type").split(";")[0]


def _one_line(error: Exception) -> str:
    if isinstance(error, UNREADABLE):
        return f"not the JSON that was expected ({error})"
    return transport_error(error)

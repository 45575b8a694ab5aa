"""GET requests to the exchange: retries, waits that it asks for, and errors that say what to do."""

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

import msgspec
import requests

from ..settings import ALTERNATIVE_HOSTS, DEFAULT_WEIGHT_LIMIT, WEIGHTS, BinanceConfiguration
from .budget import WeightBudget
from .errors import BadResponseError, GaveUpError, GeoBlockedError, RejectedError, UnreachableError
from .session import FIRST_CONTACT_ATTEMPTS, open_session, pause_seconds, transport_error, whole_body
from .waits import seconds_since_1970, seconds_to_wait

T = TypeVar("T")

Params = Mapping[str, str | int]
"""Query parameters; times are plain integers, since the exchange refuses 1.6e12."""

MICROSECONDS = {"X-MBX-TIME-UNIT": "MICROSECOND"}
"""Header that turns every time of an answer into microseconds."""

PASSING_CODES = frozenset({-1000, -1001, -1006, -1007, -1008})
"""Error codes that a GET may be repeated on (binance-spot-api-docs, errors.md)."""

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What JSON raises that is not what was expected: broken UTF-8 and deep nesting are not msgspec's own errors."""

ANSWER_BYTES = 2**28
"""More than this is no answer of the exchange's; exchangeInfo, the largest, is a tenth of it."""

CLOCK_TOLERANCE_SECONDS = 5.0
"""How far the exchange's time may be from the Date of the same answer, which is in whole seconds."""

_WEIGHT = re.compile("[0-9]{1,18}")


class _ErrorBody(msgspec.Struct):
    code: int
    msg: str = ""


class _ServerTime(msgspec.Struct):
    # In milliseconds since 1970, up to 2286.
    serverTime: Annotated[int, msgspec.Meta(ge=0, lt=10**13)]  # noqa: N815 - the exchange's spelling


_TIME_DECODER = msgspec.json.Decoder(_ServerTime)


@dataclass
class Tally:
    """What the requests of one series have cost."""

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


class RestClient:
    """Sends GET requests for any number of threads through one weight budget.

    Args:
        configuration: Hosts, timeouts, retries, patience.
        stop: Set to make every thread that waits or retries raise StoppedError.
    """

    def __init__(self, configuration: BinanceConfiguration, stop: threading.Event | None = None) -> None:
        self.configuration = configuration
        self.stop = stop or threading.Event()
        self.budget = WeightBudget(
            DEFAULT_WEIGHT_LIMIT, configuration.weight_share, configuration.ban_patience_seconds, self.stop
        )
        self._session = open_session(configuration.market_data_url, configuration.connections)
        # Archive files are compared with REST by threads of the archive's.
        self._connections = threading.BoundedSemaphore(configuration.connections)
        self._last_success = -1.0

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def server_time_ms(self) -> int:
        """Read the exchange's clock (GET /api/v3/time) and align the budget's windows with it.

        Returns:
            Milliseconds since 1970, as of the moment at which the exchange answered.

        Raises:
            RunError: The exchange cannot be reached, or its answers contradict their own dates.
        """
        began = time.monotonic()
        dated: list[float | None] = []

        def decode(body: bytes) -> int:
            answer = _TIME_DECODER.decode(body).serverTime
            if dated[-1] is not None and abs(answer / 1000 - dated[-1]) > CLOCK_TOLERANCE_SECONDS:
                raise BadResponseError(f"its clock says {answer} in an answer of {dated[-1] * 1000:.0f}")
            return answer

        answer = self.get("time", {}, decode, max_attempts=FIRST_CONTACT_ATTEMPTS, on_date=dated.append)
        ended = time.monotonic()
        self.budget.set_clock(answer / 1000, (began + ended) / 2, (ended - began) / 2)
        return answer

    def get(
        self,
        endpoint: str,
        params: Params,
        decode: Callable[[bytes], T],
        *,
        weight: int | None = None,
        base_url: str | None = None,
        headers: Mapping[str, str] | None = None,
        tally: Tally | None = None,
        max_attempts: int | None = None,
        on_date: Callable[[float | None], None] | None = None,
    ) -> T:
        """GET /api/v3/`endpoint`, again where that may help, and decode the answer.

        Args:
            endpoint: Last part of the path, such as "klines".
            params: Query parameters.
            decode: Turns the body into the result; raises BadResponseError or what `UNREADABLE` lists for a body that
                is worth asking for again.
            weight: Request weight where it depends on the parameters; else it is looked up.
            base_url: Another host than market_data_url.
            headers: Additional request headers.
            tally: Where to count the request.
            max_attempts: Fewer attempts than configured.
            on_date: Called before `decode` with the Date of the answer, in seconds since 1970.

        Returns:
            What `decode` returned.

        Raises:
            RunError: Nothing can be fetched any more: stopped, banned, blocked, unreachable.
            SeriesError: This request cannot be answered.
        """
        config = self.configuration
        cost = WEIGHTS[endpoint] if weight is None else weight
        url = f"{base_url or config.market_data_url}/api/v3/{endpoint}"
        began = time.monotonic()
        attempt = 0
        while True:
            try:
                return self._attempt(url, params, headers, cost, decode, tally, on_date)
            except (requests.RequestException, BadResponseError, *UNREADABLE) as error:
                attempt += 1
                if attempt >= (max_attempts or config.max_attempts):
                    raise self._give_up(url, error, attempt, began) from error
            self.stop.wait(pause_seconds(config, attempt))

    def _attempt(
        self,
        url: str,
        params: Params,
        headers: Mapping[str, str] | None,
        weight: int,
        decode: Callable[[bytes], T],
        tally: Tally | None,
        on_date: Callable[[float | None], None] | None,
    ) -> T:
        refused_since: float | None = None
        while True:
            response, body = self._send(url, params, headers, weight, tally)
            if response.status_code not in (429, 418):
                break
            refused_since = time.monotonic() if refused_since is None else refused_since
            self.budget.pause(response.status_code, seconds_to_wait(response.headers, body), refused_since)
        self._check(response, body)
        if on_date is not None:
            on_date(seconds_since_1970(response.headers.get("Date")))
        result = decode(body)
        self._last_success = time.monotonic()
        return result

    def _send(
        self, url: str, params: Params, headers: Mapping[str, str] | None, weight: int, tally: Tally | None
    ) -> tuple[requests.Response, bytes]:
        """Send one request when the budget allows it, and read its answer to the end."""
        timeout = self.configuration.timeout_seconds
        # The connection before the weight: who may send must not wait any more, since a ban may begin meanwhile.
        with self._connections:
            window, waited = self.budget.acquire(weight)
            if tally is not None:
                tally.add(weight, waited)
            used = None
            try:
                with self._session.get(
                    url, params=dict(params), headers=headers, timeout=timeout, stream=True
                ) as response:
                    used = _used_weight(response)
                    return response, whole_body(response, timeout, ANSWER_BYTES)
            finally:
                self.budget.settle(weight, window, used)

    def _check(self, response: requests.Response, body: bytes) -> None:
        """Raise for an answer that is not what was asked for."""
        status, path = response.status_code, response.url.split("?")[0]
        if status == 451:
            host = path.split("/api/")[0]
            others = ", ".join(other for other in ALTERNATIVE_HOSTS if other != host)
            raise GeoBlockedError(
                f"{host} does not serve this place (HTTP 451, restricted location); "
                f"set sources.binance.market_data_url to another host ({others}), or run from elsewhere"
            )
        if status == 403:
            self.budget.pause(status, self.configuration.firewall_pause_seconds)
            raise BadResponseError(f"{path} was refused by the exchange's firewall (HTTP 403)")
        is_json = "json" in response.headers.get("Content-Type", "")
        if status == 200 and is_json:
            return
        if is_json and 400 <= status < 500:
            error = _error_body(body)
            if error is not None and error.code not in PASSING_CODES:
                raise RejectedError(status, error.code, error.msg, path)
        if status == 404:
            raise RejectedError(status, 0, "no such address; is this a Binance host?", path)
        kind = response.headers.get("Content-Type", "no content type").split(";")[0]
        raise BadResponseError(f"{path} answered HTTP {status} with {kind} where JSON was expected")

    def _give_up(self, url: str, error: Exception, attempts: int, began: float) -> Exception:
        """Choose between one broken series and a host that is gone for all of them."""
        said = _one_line(error)
        if self._last_success >= began:
            return GaveUpError(f"{url}: {said} ({attempts} attempts)")
        host = url.split("/api/")[0]
        return UnreachableError(
            f"{host} does not answer as Binance does: {said} ({attempts} attempts); "
            "check the network, or the host in .dlt/config.toml or SOURCES__BINANCE__MARKET_DATA_URL / __API_URL"
        )


def _used_weight(response: requests.Response) -> int | None:
    value = response.headers.get("X-MBX-USED-WEIGHT-1M", "")
    return int(value) if _WEIGHT.fullmatch(value) else None


def _error_body(content: bytes) -> _ErrorBody | None:
    try:
        return msgspec.json.decode(content, type=_ErrorBody)
    except UNREADABLE:
        return None


def _one_line(error: Exception) -> str:
    if isinstance(error, UNREADABLE):
        return f"not the JSON that was expected ({error})"
    return transport_error(error)

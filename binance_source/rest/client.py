"""GET requests to Binance: its weights, its clock, and its errors, whose messages say what to do."""

import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Annotated, TypeVar

import msgspec
import requests

from exchange_engine.http.budget import Budget, RateBudget, WeightBudget
from exchange_engine.http.errors import BadResponseError, GeoBlockedError, RejectedError
from exchange_engine.http.transport import (
    ELSEWHERE,
    UNREADABLE,
    Params,
    Query,
    Tally,
    Transport,
    host_of,
    kind_of,
    path_of,
)

from ..markets import SPOT_MARKET, WEIGHT, Market
from ..settings import SECTIONS, BinanceConfiguration

__all__ = ["MICROSECONDS", "UNREADABLE", "Params", "RestClient", "Tally"]

T = TypeVar("T")

MICROSECONDS = {"X-MBX-TIME-UNIT": "MICROSECOND"}
"""Header that turns every time of a response into microseconds."""

PASSING_CODES = frozenset({-1000, -1001, -1006, -1007, -1008})
"""Error codes after which a GET may be repeated (binance-spot-api-docs, errors.md)."""

SECTION = ".".join(SECTIONS)

_WEIGHT = re.compile("[0-9]{1,18}")


class _ErrorBody(msgspec.Struct):
    code: int
    msg: str = ""


class _ServerTime(msgspec.Struct):
    # In milliseconds since 1970, up to 2286.
    serverTime: Annotated[int, msgspec.Meta(ge=0, lt=10**13)]  # noqa: N815 - Binance's spelling


_TIME_DECODER = msgspec.json.Decoder(_ServerTime)


class RestClient(Transport):
    """Client of one market of Binance, with one weight budget and the market's other limits.

    Args:
        configuration: Hosts, timeouts, retries, patience.
        stop: Set to make every thread that waits or retries raise StoppedError.
        market: The market.
        budget: The weight budget of another client, if Binance counts both together.
    """

    service = "Binance"

    def __init__(
        self,
        configuration: BinanceConfiguration,
        stop: threading.Event | None = None,
        market: Market = SPOT_MARKET,
        budget: WeightBudget | None = None,
    ) -> None:
        super().__init__(getattr(configuration, market.host), configuration, stop)
        self.configuration = configuration
        self.market = market
        self.hint = f"check the network, or the host in .dlt/config.toml or SOURCES__BINANCE__{market.host.upper()}" + (
            " / __API_URL" if market is SPOT_MARKET else ""
        )
        share, patience = configuration.weight_share, configuration.ban_patience_seconds
        self.budget = budget or WeightBudget(market.weight_limit, share, patience, self.stop, section=SECTION)
        self._rates: dict[str, Budget] = {
            pool: RateBudget(limit, share, patience, self.stop, seconds, section=SECTION)
            for pool, (limit, seconds) in market.rate_limits.items()
        }

    def server_time_ms(self) -> int:
        """Return Binance's time (GET /api/v3/time), and align the windows of the budget with it.

        Returns:
            Milliseconds since 1970, at the moment when Binance responded.

        Raises:
            RunError: Binance cannot be reached, or its time contradicts the date of the response.
        """
        began = time.monotonic()
        query = Query(f"{self.url}{self.market.endpoints['time'].path}", {}, self.budget)
        answer = self.clock_ms(query, lambda body: _TIME_DECODER.decode(body).serverTime)
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
        headers: Mapping[str, str] | None = None,
        tally: Tally | None = None,
        max_attempts: int | None = None,
    ) -> T:
        """Send a request to an endpoint of the market, retry it where that may help, and return the decoded response.

        Args:
            endpoint: One of `Market.endpoints`, such as "klines".
            params: Query parameters.
            decode: Converts the body; raises BadResponseError or one of `UNREADABLE` for a body that is worth a retry.
            weight: Weight of the request if it depends on the parameters; else it is looked up.
            headers: Additional request headers.
            tally: Where the request is counted.
            max_attempts: Number of attempts, in place of the configured one.

        Returns:
            What `decode` returned.

        Raises:
            RunError: Nothing more can be fetched: stopped, banned, blocked or unreachable.
            SeriesError: This request gets no usable response.
        """
        known = self.market.endpoints[endpoint]
        host = getattr(self.configuration, known.host or self.market.host)
        cost = known.weight if weight is None else weight
        budget = self.budget if known.pool == WEIGHT else self._rates[known.pool]
        query = Query(f"{host}{known.path}", params, budget, cost, headers or {}, tally)
        return self.send(query, decode, max_attempts)

    def budgets(self) -> list[Budget]:
        """Return the weight budget, and the budgets of single endpoints."""
        return [self.budget, *self._rates.values()]

    def used(self, response: requests.Response) -> int | None:
        """Return the weight that Binance has counted for this IP address in this minute, or None."""
        value = response.headers.get("X-MBX-USED-WEIGHT-1M", "")
        return int(value) if _WEIGHT.fullmatch(value) else None

    def check(self, response: requests.Response, body: bytes) -> None:
        """Raise an error for a response that is not the requested one.

        An HTTP 403 after a first good response comes from Binance's firewall, and pauses all requests.
        """
        status, path = response.status_code, path_of(response)
        if status == 451:
            said = f"{host_of(response.url)} does not serve this place (HTTP 451, restricted location)"
            raise GeoBlockedError(self._blocked(said, response, "run from elsewhere"))
        if status == 403 and self.is_first_contact(response):
            raise GeoBlockedError(self._blocked(self.place_refused(response), response, ELSEWHERE), may_pass=True)
        if status == 403:
            for budget in self.budgets():
                budget.pause(status, self.configuration.firewall_pause_seconds)
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
        raise BadResponseError(f"{path} answered HTTP {status} with {kind_of(response)} where JSON was expected")

    def _blocked(self, said: str, response: requests.Response, elsewhere: str) -> str:
        """Return a refusal with what to do about it."""
        others = ", ".join(other for other in self.market.alternatives if other != host_of(response.url))
        if not others:
            return f"{said}; {elsewhere}, or leave out the datasets of {self.market.title}"
        return f"{said}; set sources.binance.{self.market.host} to another host ({others}), or {elsewhere}"


def _error_body(content: bytes) -> _ErrorBody | None:
    try:
        return msgspec.json.decode(content, type=_ErrorBody)
    except UNREADABLE:
        return None

"""One simulated exchange: how a request becomes an answer, without the network around it."""

import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from exchange_simulator import parameters
from exchange_simulator.archive.site import ArchiveSite
from exchange_simulator.clock import Clock
from exchange_simulator.endpoint import Call, Endpoint
from exchange_simulator.errors import TOO_MANY_REQUESTS_CODE, ApiError
from exchange_simulator.faults import AFTERWARDS, INSTEAD, Answer, FaultRules
from exchange_simulator.limits import RateLimiter, Refusal
from exchange_simulator.market.base import Market
from exchange_simulator.parameters import Values
from exchange_simulator.spot import SPOT_ENDPOINTS, compact_json
from exchange_simulator.stats import Statistics

_PAGES_REMEMBERED = 64
_MICROSECONDS_PER_MINUTE = 60_000_000


@dataclass(frozen=True)
class Request:
    """What the exchange sees of a request."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]

    @property
    def symbol(self) -> str | None:
        """Return the symbol that the request names."""
        return next((value for name, value in self.query if name == "symbol"), None)


class Exchange:
    """The market, its archive, the clock, the limits, the faults and the counts that go together."""

    def __init__(self, market: Market, clock: Clock, limiter: RateLimiter, archive: ArchiveSite) -> None:
        self.market = market
        self.archive = archive
        self.clock = clock
        self.limiter = limiter
        self.faults = FaultRules()
        self.stats = Statistics()
        self._endpoints: dict[str, Endpoint] = SPOT_ENDPOINTS
        self._last_pages: OrderedDict[tuple[str, str | None], bytes] = OrderedDict()

    def answer(self, request: Request) -> Answer:
        """Answer a request to the exchange's own API."""
        endpoint = self._endpoints.get(request.path) if request.method == "GET" else None
        if endpoint is None:
            is_browser = "text/html" in request.headers.get("Accept", "")
            page = b"<html><head><title>404 Not Found</title></head><body><h1>404 Not Found</h1></body></html>"
            return Answer(404, page, "text/html") if is_browser else Answer(404, b"")
        values, error = self._parse(endpoint, request)
        weight = endpoint.weight(values)
        refusal = self.limiter.admit(weight)
        window = self.clock.limits_now() // _MICROSECONDS_PER_MINUTE
        self.stats.count_weight(weight, window, self.limiter.used_weight)
        if refusal is not None:
            return refusal_answer(refusal)
        fault = self.faults.strike(request.path, request.symbol)
        if fault is not None:
            self.stats.faults += 1
            if fault.kind in INSTEAD:
                return self._banned(INSTEAD[fault.kind](fault))
        answer = self._error_answer(error) if error else self._call(endpoint, request, values)
        page_key = (request.path, request.symbol)
        previous = self._last_pages.pop(page_key, None)
        self._last_pages[page_key] = answer.body
        while len(self._last_pages) > _PAGES_REMEMBERED:
            self._last_pages.popitem(last=False)
        return answer if fault is None else AFTERWARDS[fault.kind](fault, answer, previous)

    async def archive_answer(self, request: Request) -> Answer:
        """Answer a request to the archive, which has no limits."""
        if request.method not in ("GET", "HEAD"):
            return Answer(405, b"", shown_weight=0.0)
        fault = self.faults.strike(request.path, request.symbol)
        if fault is None:
            return await self.archive.answer(request.path, request.query)
        self.stats.faults += 1
        if fault.kind in INSTEAD:
            return self._banned(INSTEAD[fault.kind](fault))
        answer = await self.archive.answer(request.path, request.query)
        return AFTERWARDS[fault.kind](fault, answer.loaded(), None)

    def _parse(self, endpoint: Endpoint, request: Request) -> tuple[Values, ApiError | None]:
        try:
            return parameters.parse_query(endpoint.parameters, request.query), None
        except ApiError as error:
            return {"symbol": request.symbol}, error

    def _call(self, endpoint: Endpoint, request: Request, values: Values) -> Answer:
        try:
            microseconds = parameters.microseconds_wanted(request.headers)
            lost = self.faults.lost(request.path, request.symbol) if endpoint.has_rows else []
            self.stats.faults += bool(lost)
            call = Call(self.market, self.clock.now(), microseconds, self.limiter.rate_limits(), lost)
            return Answer(200, endpoint.handler(call, values))
        except ApiError as error:
            return self._error_answer(error)

    def _banned(self, answer: Answer) -> Answer:
        if not answer.bans:
            return answer
        self.limiter.ban(answer.seconds)
        return refusal_answer(self.limiter.banned())

    def _error_answer(self, error: ApiError) -> Answer:
        return Answer(error.status, compact_json({"code": error.code, "msg": error.message}))


def refusal_answer(refusal: Refusal) -> Answer:
    """Return the 429 or 418 for a refusal."""
    body = compact_json({"code": TOO_MANY_REQUESTS_CODE, "msg": refusal.message})
    return Answer(
        refusal.status, body, headers={"Retry-After": str(max(math.ceil(refusal.seconds), 1))}, wait=refusal.seconds
    )

"""What Binance's spot and futures APIs share: tables of endpoints, weights, the form of errors and refusals."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic

import pyarrow as pa

from exchange_simulator import parameters
from exchange_simulator.account.keys import KeyRing
from exchange_simulator.account.signing import SIGNED_PARAMETERS, check_signed
from exchange_simulator.clock import Clock
from exchange_simulator.endpoint import Call, Endpoint, MarketT
from exchange_simulator.errors import TOO_MANY_REQUESTS_CODE, ApiError
from exchange_simulator.faults import Answer, Fault
from exchange_simulator.hidden_rows import Span
from exchange_simulator.limits import AddressLimits, Limit, Penalties, Refusal
from exchange_simulator.parameters import Values
from exchange_simulator.venue import Request

_UNLIMITED: Final = 1_000_000_000
TruthOf = Callable[[Mapping[str, str], int, int, int], pa.Table]


def compact_json(value: Any) -> bytes:
    """Return JSON as Binance writes it: no spaces, UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True)
class RateLimitRow:
    """A row of exchangeInfo's rateLimits; `most` is a number, or the name of the limit that has it."""

    kind: str
    interval: str
    interval_number: int
    most: int | str


@dataclass(frozen=True)
class VenueDescription(Generic[MarketT]):
    """What distinguishes one of Binance's APIs from the others."""

    name: str
    prefixes: tuple[str, ...]
    endpoints: Mapping[str, Endpoint[MarketT]]
    weight_limit: str
    """Name of the limit in the headers; endpoints count against it unless they name another one."""
    request_limit: str | None
    """Name of the limit of raw requests, if there is one."""
    rate_limits: tuple[RateLimitRow, ...]
    takes_time_unit: bool
    """Whether the X-MBX-TIME-UNIT header is obeyed."""


class BinanceVenue(Generic[MarketT]):
    """One of Binance's APIs; see Venue for the methods."""

    def __init__(
        self,
        description: VenueDescription[MarketT],
        market: MarketT,
        truths: Mapping[str, TruthOf],
        limits: Sequence[Limit],
        penalties: Penalties,
        clock: Clock,
        keys: KeyRing | None = None,
    ) -> None:
        self.name = description.name
        self.prefixes = description.prefixes
        self.truth_kinds = tuple(truths)
        self._description = description
        self._market = market
        self._truths = truths
        self._clock = clock
        self._keys = keys or KeyRing()
        self._limits = AddressLimits(limits, penalties, clock)
        most = {limit.name: limit.most if penalties.enforce else _UNLIMITED for limit in limits}
        self._rate_limits = [
            {
                "rateLimitType": row.kind,
                "interval": row.interval,
                "intervalNum": row.interval_number,
                "limit": most.get(str(row.most), row.most),
            }
            for row in description.rate_limits
        ]

    def symbol(self, request: Request) -> str | None:
        """Return the symbol that the request names."""
        return request.value("symbol")

    def missing(self, request: Request) -> Answer | None:
        """Return a 404 for an unknown path, with a page for browsers."""
        if self._endpoint(request) is not None:
            return None
        is_browser = "text/html" in request.headers.get("Accept", "")
        page = b"<html><head><title>404 Not Found</title></head><body><h1>404 Not Found</h1></body></html>"
        return Answer(404, page, "text/html") if is_browser else Answer(404, b"")

    def admit(self, request: Request) -> Answer | None:
        """Count the request's weight; return a 429 or 418 if a limit is exceeded."""
        endpoint = self._known(request)
        values, _ = self._parse(endpoint, request)
        names = self._limits_of(request)
        amounts = dict.fromkeys(names, 1) | {names[-1]: endpoint.weight(values)}
        refusal = self._limits.admit(amounts)
        return None if refusal is None else _refusal_answer(refusal)

    def has_rows(self, request: Request) -> bool:
        """Return whether the response consists of rows that may get lost."""
        return self._known(request).has_rows

    def answer(self, request: Request, lost: Sequence[Span]) -> Answer:
        """Return the endpoint's response."""
        endpoint = self._known(request)
        values, error = self._parse(endpoint, request)
        try:
            if endpoint.is_signed:
                check_signed(request, self._clock.now() + request.late, self._keys)
            if error is not None:
                raise error
            microseconds = self._description.takes_time_unit and parameters.microseconds_wanted(request.headers)
            call = Call(self._market, self._clock.now(), microseconds, self._rate_limits, lost, request.oddities)
            return Answer(200, endpoint.handler(call, values))
        except ApiError as wrong:
            return Answer(wrong.status, compact_json({"code": wrong.code, "msg": wrong.message}))

    def fault(self, fault: Fault) -> None:
        """Return nothing: faults look as they do at Binance by default."""

    def headers(self, request: Request, shown: float) -> dict[str, str]:  # noqa: ARG002 - other venues use it
        """Return the headers with the weight used in the current minute."""
        used = str(int(self._limits.used(self._description.weight_limit) * shown))
        return {"X-MBX-USED-WEIGHT": used, "X-MBX-USED-WEIGHT-1M": used}

    def is_told_to_wait(self, request: Request) -> bool:
        """Return whether the client was told to wait for one of the limits that the request counts against."""
        return self._limits.is_told_to_wait(self._limits_of(request))

    def announce_wait(self, request: Request, seconds: float) -> None:
        """Note that the client was told to wait for the limits that the request counts against."""
        self._limits.announce_wait(self._limits_of(request), seconds)

    def ban(self, seconds: float) -> Answer:
        """Ban the address, and return the 418."""
        self._limits.ban(seconds)
        return _refusal_answer(self._limits.banned())

    def use(self, limit: str, amount: int) -> int:
        """Use up some of a limit as another program would."""
        return self._limits.use(limit, amount)

    def limits(self) -> dict[str, dict[str, Any]]:
        """Return what has been counted of each limit."""
        return self._limits.report()

    def reset_limits(self) -> None:
        """Forget usage, waits and bans."""
        self._limits.reset()

    def reset_counts(self) -> None:
        """Forget what has been counted."""
        self._limits.reset_counts()

    def truth(self, kind: str, query: Mapping[str, str], start: int, end: int, now: int) -> pa.Table:
        """Return every row of a table in [start, end] that exists by now."""
        return self._truths[kind](query, start, end, now)

    def _endpoint(self, request: Request) -> Endpoint[MarketT] | None:
        return self._description.endpoints.get(request.path) if request.method == "GET" else None

    def _known(self, request: Request) -> Endpoint[MarketT]:
        return self._description.endpoints[request.path]

    def _limits_of(self, request: Request) -> list[str]:
        """Return the limits that a request counts against; the last one is that of its weight."""
        endpoint = self._endpoint(request)
        names = [self._description.request_limit, (endpoint and endpoint.limit) or self._description.weight_limit]
        return [name for name in names if name is not None]

    def _parse(self, endpoint: Endpoint[MarketT], request: Request) -> tuple[Values, ApiError | None]:
        query = request.query
        if endpoint.is_signed:
            query = [(name, text) for name, text in query if name not in SIGNED_PARAMETERS]
        try:
            return parameters.parse_query(endpoint.parameters, query), None
        except ApiError as error:
            return {"symbol": self.symbol(request)}, error


def _refusal_answer(refusal: Refusal) -> Answer:
    """Return the 429 or 418 for a refusal."""
    body = compact_json({"code": TOO_MANY_REQUESTS_CODE, "msg": refusal.message})
    return Answer(
        refusal.status, body, headers={"Retry-After": str(max(math.ceil(refusal.seconds), 1))}, wait=refusal.seconds
    )

"""GET requests to OKX: its limits, its clock, and its errors, which also come with status 200."""

import threading
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
import requests

from exchange_engine.http.budget import Budget, RateBudget
from exchange_engine.http.errors import BadResponseError, GeoBlockedError, OddAnswerError, RejectedError
from exchange_engine.http.host_client import HostClient
from exchange_engine.http.transport import ELSEWHERE, UNREADABLE, host_of, kind_of, path_of

from .settings import HOSTS, LIMIT_SECONDS, LIMITS, NAME, TITLE, OkxConfiguration

HISTORY_CANDLES = "/api/v5/market/history-candles"

OK, TOO_MANY = "0", "50011"
PASSING_CODES = frozenset({"50001", "50004", "50013", "50026"})
"""Unavailable, timeout, busy, system error: a GET may be repeated after them (OKX API guide, error codes)."""
NOT_SERVED = frozenset({"50121"})

OF_PLACE = frozenset({301, 302, 303, 307, 308, 403, 451})
"""HTTP statuses of hosts that do not serve a location, or send it elsewhere."""

MillisecondsText = Annotated[str, msgspec.Meta(pattern="^[0-9]{1,13}$")]
"""A time in milliseconds since 1970 as text, up to 2286."""


class Envelope(msgspec.Struct):
    """What every response has around its data."""

    code: str
    msg: str = ""


class _Moment(msgspec.Struct):
    ts: MillisecondsText


class _Times(msgspec.Struct):
    data: list[_Moment]


_ENVELOPE = msgspec.json.Decoder(Envelope)
_TIMES = msgspec.json.Decoder(_Times)


class OkxClient(HostClient):
    """Client of OKX, with one limit per path.

    Args:
        configuration: Host, timeouts, retries, patience.
        stop: Set to make every thread that waits or retries raise StoppedError.
    """

    service = TITLE
    time_path = "/api/v5/public/time"
    hint = "check the network, or sources.okx.base_url in .dlt/config.toml or SOURCES__OKX__BASE_URL"

    def __init__(self, configuration: OkxConfiguration, stop: threading.Event | None = None) -> None:
        super().__init__(configuration.base_url, configuration, stop)
        share, patience = configuration.request_share, configuration.ban_patience_seconds
        self._budgets = {
            path: RateBudget(limit, share, patience, self.stop, LIMIT_SECONDS, section=f"sources.{NAME}")
            for path, limit in LIMITS.items()
        }

    @property
    def budget(self) -> Budget:
        """The limit of candles."""
        return self._budgets[HISTORY_CANDLES]

    def budget_of(self, path: str) -> Budget:
        """Return the limit of an endpoint, one of LIMITS."""
        return self._budgets[path]

    def read_time(self, body: bytes) -> int:
        """Return the time in a response of GET /api/v5/public/time, in milliseconds since 1970."""
        moments = _TIMES.decode(body).data
        if len(moments) != 1:
            raise BadResponseError(f"its clock says {len(moments)} times")
        return int(moments[0].ts)

    def budgets(self) -> list[Budget]:
        """Return all limits."""
        return list(self._budgets.values())

    def refusal(self, response: requests.Response, body: bytes) -> int | None:
        """Return the status of a response that asks to wait, 429 for code 50011 in an HTTP 200, or None."""
        said = _envelope(body)
        return 429 if said is not None and said.code == TOO_MANY else super().refusal(response, body)

    def check(self, response: requests.Response, body: bytes) -> None:
        """Raise an error for a response that is not the requested one."""
        status, path = response.status_code, path_of(response)
        is_json = "json" in response.headers.get("Content-Type", "")
        said = _envelope(body) if is_json else None
        code = None if said is None else said.code
        if code in NOT_SERVED or (status in OF_PLACE and (code is None or code == OK)):
            raise GeoBlockedError(
                self._blocked(response, code), may_pass=status == 403 and self.is_first_contact(response)
            )
        if status == 200 and code == OK:
            return
        if said is not None and said.code.isdecimal() and code not in (OK, *PASSING_CODES) and status < 500:
            raise RejectedError(status, int(said.code), said.msg, path)
        if status == 404:
            raise RejectedError(status, 0, f"no such address; is this an {TITLE} host?", path)
        if status == 200 and is_json and said is None and _is_sound(body):
            raise OddAnswerError("JSON without a code, which all answers have")
        what = kind_of(response) if said is None else f"code {said.code} ({said.msg})"
        raise BadResponseError(f"{path} answered HTTP {status} with {what} where data were expected")

    def _blocked(self, response: requests.Response, code: str | None) -> str:
        host, status = host_of(response.url), response.status_code
        others = ", ".join(f"https://{other}" for other in HOSTS if urlsplit(host).hostname != other)
        if status == 403 and code is None:
            said, elsewhere = self.place_refused(response), ELSEWHERE
        else:
            what = f"HTTP {status}" if code is None else f"HTTP {status}, code {code}"
            said, elsewhere = f"{host} does not serve this place, or this IP address ({what})", "run from elsewhere"
        return (
            f"{said}; set sources.okx.base_url to the host of your region ({others}), {elsewhere}, "
            f"or do without {TITLE}"
        )


def _envelope(body: bytes) -> Envelope | None:
    try:
        return _ENVELOPE.decode(body)
    except UNREADABLE:
        return None


def _is_sound(body: bytes) -> bool:
    try:
        msgspec.json.decode(body)
    except UNREADABLE:
        return False
    return True

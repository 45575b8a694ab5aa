"""GET requests to Coinbase Exchange: its limit, its clock, and its errors, whose messages say what to do."""

import threading
from decimal import Decimal
from typing import Any

import msgspec
import requests

from exchange_engine.http.budget import Budget, RateBudget
from exchange_engine.http.errors import BadResponseError, GeoBlockedError, RejectedError
from exchange_engine.http.host_client import HostClient
from exchange_engine.http.transport import ELSEWHERE, UNREADABLE, host_of, kind_of, path_of

from .settings import NAME, REQUESTS_PER_SECOND, TITLE, CoinbaseConfiguration


class _Time(msgspec.Struct):
    epoch: Any


class _ErrorBody(msgspec.Struct):
    message: str


_TIME_DECODER = msgspec.json.Decoder(_Time, float_hook=Decimal)


class CoinbaseClient(HostClient):
    """Client of Coinbase Exchange, with one limit on requests.

    Args:
        configuration: Host, timeouts, retries, patience.
        stop: Set to make every thread that waits or retries raise StoppedError.
    """

    service = TITLE
    time_path = "/time"
    hint = "check the network, or sources.coinbase.base_url in .dlt/config.toml or SOURCES__COINBASE__BASE_URL"

    def __init__(self, configuration: CoinbaseConfiguration, stop: threading.Event | None = None) -> None:
        super().__init__(configuration.base_url, configuration, stop)
        share, patience = configuration.request_share, configuration.ban_patience_seconds
        self.budget = RateBudget(REQUESTS_PER_SECOND, share, patience, self.stop, 1.0, section=f"sources.{NAME}")

    def budget_of(self, path: str) -> Budget:  # noqa: ARG002 - all paths share one limit
        """Return the only limit."""
        return self.budget

    def read_time(self, body: bytes) -> int:
        """Return the time in a response of GET /time, in milliseconds since 1970."""
        epoch = _TIME_DECODER.decode(body).epoch
        if type(epoch) not in (int, Decimal) or not 0 <= epoch < 10**10:
            raise BadResponseError(f"its clock says {epoch!r:.40}")
        return int(epoch * 1000)

    def budgets(self) -> list[Budget]:
        """Return the only limit."""
        return [self.budget]

    def check(self, response: requests.Response, body: bytes) -> None:
        """Raise an error for a response that is not the requested one."""
        status, path = response.status_code, path_of(response)
        if status == 403:
            raise GeoBlockedError(
                f"{self.place_refused(response)}; {ELSEWHERE}, or do without {TITLE}",
                may_pass=self.is_first_contact(response),
            )
        if status == 451:
            raise GeoBlockedError(
                f"{host_of(response.url)} does not serve this place, or this IP address (HTTP {status}); "
                f"run from elsewhere, or do without {TITLE}"
            )
        is_json = "json" in response.headers.get("Content-Type", "")
        if status == 200 and is_json:
            return
        if is_json and 400 <= status < 500:
            raise RejectedError(status, 0, _message(body), path)
        if status == 404:
            raise RejectedError(status, 0, f"no such address; is this {TITLE}?", path)
        raise BadResponseError(f"{path} answered HTTP {status} with {kind_of(response)} where JSON was expected")


def _message(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_ErrorBody).message
    except UNREADABLE:
        return "no reason given"

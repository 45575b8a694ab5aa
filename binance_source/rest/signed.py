"""Signed requests for an account: timed by Binance's clock, and with errors that say what to do about the key."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

import requests

from exchange_engine.http.budget import WeightBudget
from exchange_engine.http.errors import KeyRefusedError, RejectedError
from exchange_engine.http.transport import Params, Query

from ..markets import SPOT_MARKET
from ..settings import BinanceConfiguration
from .client import RestClient
from .signing import Signer

T = TypeVar("T")

ACCOUNT: Final = replace(
    SPOT_MARKET,
    title="the account",
    host="api_url",
    alternatives=("https://api.binance.com", "https://api-gcp.binance.com"),
)
"""Spot as an account sees it: all endpoints at one host, which must be the one that the key belongs to."""

KEY_HEADER: Final = "X-MBX-APIKEY"

READINGS: Final = 3
LONGEST_TRIP_SECONDS: Final = 0.5
"""If a response took longer than this, in seconds, the clock is read again, up to READINGS times in all. A connection
had to be opened, or a request was repeated, so it is unclear when Binance took the time."""

INVALID_TIMESTAMP: Final = -1021

_OF_KEY = "look at the key in Binance's API Management"

ADVICE: Final = {
    -2014: "api_key is no API key: copy it again",
    -2015: (
        f'{_OF_KEY}: it was deleted or has expired, or it lacks the right "Enable Reading", or this machine\'s IP '
        "address is not in its list; or it is of another host than sources.binance.api_url, such as the testnet"
    ),
    -1002: f'{_OF_KEY}: it needs the right "Enable Reading"',
    -1022: "api_secret does not belong to api_key, or was cut off: copy both again",
    INVALID_TIMESTAMP: (
        "the exchange's clock was read again just before: where requests are that long on their way, raise "
        "sources.binance.recv_window_ms, which may be 60000"
    ),
    -1131: "lower sources.binance.recv_window_ms",
}
"""What to do about errors that every request with this key would get (binance-spot-api-docs, errors.md)."""


class SignedClient(RestClient):
    """Client for what only the owner of an API key may see.

    Args:
        configuration: Hosts, timeouts, retries, patience, recvWindow.
        signer: Signs with the key.
        stop: Set to make every thread that waits or retries raise StoppedError.
        budget: The weight budget of another client, if Binance counts both together.

    Attributes:
        public: Client of the same host without the key.
    """

    def __init__(
        self,
        configuration: BinanceConfiguration,
        signer: Signer,
        stop: threading.Event | None = None,
        budget: WeightBudget | None = None,
    ) -> None:
        super().__init__(configuration, stop, ACCOUNT, budget)
        self.public = RestClient(configuration, self.stop, ACCOUNT, self.budget)
        self.reached = self.public.reached
        self._signer = signer
        self._session.headers[KEY_HEADER] = signer.api_key
        self._clock = threading.Lock()
        self._readings = 0
        self._ahead_seconds = 0.0

    def close(self) -> None:
        """Close the connections."""
        super().close()
        self.public.close()

    def server_time_ms(self) -> int:
        """Return Binance's time, and remember how far it is ahead of this process's monotonic clock."""
        shortest = math.inf
        for _ in range(READINGS):
            began = time.monotonic()
            answer = self.public.server_time_ms()
            trip = time.monotonic() - began
            if trip < shortest:
                shortest, ahead = trip, answer / 1000 - (began + trip / 2)
            if trip <= LONGEST_TRIP_SECONDS:
                break
        self._ahead_seconds = ahead
        self._readings += 1
        return answer

    def send(self, query: Query, decode: Callable[[bytes], T], max_attempts: int | None = None) -> T:
        """Send a request and return the decoded response; if its time is refused, read the clock again and retry once.

        Raises:
            KeyRefusedError: Binance does not accept the key, or what is signed with it.
        """
        readings = self._readings
        try:
            try:
                return super().send(query, decode, max_attempts)
            except RejectedError as error:
                if error.code != INVALID_TIMESTAMP:
                    raise
            self._read_clock_after(readings)
            return super().send(query, decode, max_attempts)
        except RejectedError as error:
            if error.code not in ADVICE:
                raise
            raise KeyRefusedError(f"{error}; {ADVICE[error.code]} (set by {self._signer.place})") from error

    def encoded(self, params: Params) -> str:
        """Return the signed query; each attempt has its own timestamp and signature."""
        now_ms = int((time.monotonic() + self._ahead_seconds) * 1000)
        return self._signer.signed({**params, "recvWindow": self.configuration.recv_window_ms, "timestamp": now_ms})

    def check(self, response: requests.Response, body: bytes) -> None:
        """Raise an error for a response that is not the requested one; the message never contains the key."""
        super().check(response, self._signer.without_key(body))

    def _read_clock_after(self, readings: int) -> None:
        """Read the clock again, unless another thread has done so meanwhile."""
        with self._clock:
            if self._readings == readings:
                self.server_time_ms()

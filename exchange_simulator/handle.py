"""The simulator for Python tests: started as a process of its own, steered through its control API."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

import pyarrow as pa

from exchange_simulator.account.keys import SIMULATED_API_KEY, SIMULATED_API_SECRET
from exchange_simulator.clock import to_microseconds
from exchange_simulator.exchange import MAIN_LIMIT

_READY = "exchange_simulator listening on "
_TIMEOUT_SECONDS = 120.0
_STOP_SECONDS = 10.0
# The server is on this machine, so a proxy in the environment does not apply.
_OPENER = build_opener(ProxyHandler({}))


class Simulator:
    """A running simulator. `url` is its address. Every method raises ValueError with the response if it is refused.

    `api_key` and `api_secret` sign requests for its account with HMAC.
    """

    api_key = SIMULATED_API_KEY
    api_secret = SIMULATED_API_SECRET

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def archive_url(self) -> str:
        """The base URL of the archive's keys: data/spot/... ."""
        return self.url

    @property
    def archive_listing_url(self) -> str:
        """The URL of the archive's S3 listing."""
        return f"{self.url}/s3"

    @property
    def coinbase_url(self) -> str:
        """The base URL of Coinbase Exchange: .../products/BTC-USD/candles."""
        return f"{self.url}/coinbase"

    @property
    def okx_url(self) -> str:
        """The base URL of OKX: .../api/v5/market/candles."""
        return f"{self.url}/okx"

    def clock_set(self, moment: int | datetime) -> None:
        """Set the simulated clock to a datetime (UTC if it has no zone) or to milliseconds since 1970."""
        now_us = to_microseconds(moment) if isinstance(moment, datetime) else moment * 1000
        self._call("POST", "clock", {"now_us": now_us})

    def clock_advance(self, seconds: float) -> None:
        """Move the simulated clock forward."""
        self._call("POST", "clock", {"advance_seconds": seconds})

    def clock_mode(self, mode: str) -> None:
        """Let the clock run (`running`) or stop it (`frozen`)."""
        self._call("POST", "clock", {"mode": mode})

    def clock_now(self) -> int:
        """Return the simulated time in microseconds since 1970."""
        return int(json.loads(self._call("GET", "clock"))["now_us"])

    def add_fault(self, kind: str, **settings: Any) -> dict[str, Any]:
        """Add a fault, and return it with its id; the settings are those of POST /simulator/faults."""
        added: list[dict[str, Any]] = json.loads(self._call("POST", "faults", {"kind": kind, **settings}))
        return added[0]

    def faults(self) -> list[dict[str, Any]]:
        """Return the active faults, and how often each has matched and struck."""
        return list(json.loads(self._call("GET", "faults")))

    def clear_faults(self) -> None:
        """Remove all faults."""
        self._call("DELETE", "faults")

    def add_archive_fault(
        self, kind: str, path: str = "*", times: int | None = None, **settings: Any
    ) -> dict[str, Any]:
        """Add a fault of the archive for the zips whose key matches `path`, and return it with its id.

        `path` is a pattern or a prefix of keys, such as data/spot/daily/klines/*-2025-01-*.zip or data/spot; `times` is
        the number of responses that it affects; the settings are those of POST /simulator/archive/faults.
        """
        description = {"kind": kind, "path": path, "times": times, **settings}
        added: list[dict[str, Any]] = json.loads(self._call("POST", "archive/faults", description))
        return added[0]

    def archive_faults(self) -> list[dict[str, Any]]:
        """Return the active faults of the archive, and how often each has struck."""
        return list(json.loads(self._call("GET", "archive/faults")))

    def clear_archive_faults(self) -> None:
        """Remove all faults of the archive, but not those of add_fault."""
        self._call("DELETE", "archive/faults")

    def archive_delays(self, **hours: float) -> dict[str, float]:
        """Set daily_delay_hours or monthly_delay_hours of the archive, if given; return both."""
        return dict(json.loads(self._call("POST", "archive", hours)))

    def okx_settings(self, **settings: int) -> dict[str, int]:
        """Set page_limit or refusal_status of OKX, if given; return both."""
        return dict(json.loads(self._call("POST", "okx", settings)))

    def set_oddities(self, **switched: bool) -> dict[str, bool]:
        """Switch oddities on or off by name; return all of them."""
        return dict(json.loads(self._call("POST", "oddities", switched)))

    def stats(self) -> dict[str, Any]:
        """Return the counts since the start or the last reset."""
        return dict(json.loads(self._call("GET", "stats")))

    def reset_stats(self) -> None:
        """Reset the counts. Limits and bans stay: see reset_limits."""
        self._call("POST", "stats/reset")

    def reset_limits(self) -> None:
        """Forget used weight, waits and bans."""
        self._call("POST", "limits/reset")

    def other_client_usage(self, weight: int, limit: str = MAIN_LIMIT) -> None:
        """Use weight as another program behind the same IP address would; `limit` is a name from the stats."""
        self._call("POST", "usage", {"weight": weight, "limit": limit})

    def add_key(self, api_key: str, kind: str, **settings: Any) -> dict[str, Any]:
        """Add an API key of a kind (hmac, rsa, ed25519); the settings are those of POST /simulator/keys."""
        return dict(json.loads(self._call("POST", "keys", {"api_key": api_key, "kind": kind, **settings})))

    def truth(
        self,
        kind: str,
        symbol: str = "",
        interval: str | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        tombstones: bool = False,
        **more: str,
    ) -> pa.Table:
        """Return every row of a table, such as `klines`, that exists by now in [start_ms, end_ms].

        Klines are closed ones that open in the range. Tombstones of agg_trades are left out unless requested. `more`
        are further parameters: `market="um"` for the tables that spot has too.
        """
        given = {"symbol": symbol, "interval": interval, "startTime": start_ms, "endTime": end_ms, **more}
        query = {name: value for name, value in given.items() if value is not None}
        query["tombstones"] = "true" if tombstones else "false"
        body = self._call("GET", f"truth/{kind}?{urlencode(query)}")
        return pa.ipc.open_stream(body).read_all()

    def _call(self, method: str, path: str, content: object = None) -> bytes:
        body = None if content is None else json.dumps(content).encode()
        request = Request(f"{self.url}/simulator/{path}", data=body, method=method)  # noqa: S310 - always http
        try:
            with _OPENER.open(request, timeout=_TIMEOUT_SECONDS) as response:
                return bytes(response.read())
        except HTTPError as error:
            raise ValueError(json.loads(error.read())["error"]) from error


def _option(name: str, value: object) -> list[str]:
    flag = "--" + name.replace("_", "-")
    if value is False:
        return []
    return [flag] if value is True else [flag, value.isoformat() if isinstance(value, datetime) else str(value)]


@contextmanager
def running_simulator(**options: object) -> Iterator[Simulator]:
    """Start a simulator as a child process, yield its handle, and end it.

    Keyword arguments are command-line options with underscores: `market="tests", clock="2025-03-01", no_limits=True`.
    Raises RuntimeError with the simulator's message if it does not start.
    """
    arguments = [part for name, value in ({"port": 0} | options).items() for part in _option(name, value)]
    command = [sys.executable, "-m", "exchange_simulator", *arguments]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,  # noqa: S603
    ):
        line = process.stdout.readline() if process.stdout else ""
        if not line.startswith(_READY):
            process.kill()
            errors.seek(0)
            raise RuntimeError(f"the simulator did not start: {line}{errors.read().decode()}".strip())
        try:
            yield Simulator(line.removeprefix(_READY).strip())
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()

"""The network around the simulated venues: an HTTP server for their APIs and for the control API under /simulator."""

import asyncio
import signal
import time
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

from aiohttp import web

from exchange_simulator.archive.site import is_archive_path
from exchange_simulator.control import Control
from exchange_simulator.exchange import Exchange
from exchange_simulator.faults import Answer
from exchange_simulator.venue import Request

_SLOW_PIECES = 20
_LOOK_SECONDS = 0.02
_CONTROL_PREFIX = "/simulator/"


class Server:
    """Serves one Exchange."""

    def __init__(self, exchange: Exchange, latency_seconds: float = 0.0) -> None:
        self._exchange = exchange
        self._control = Control(exchange)
        self._latency = latency_seconds
        self._stopped = asyncio.Event()

    async def run(self, host: str, port: int) -> None:
        """Print one line with the address, and serve until SIGTERM or SIGINT. Raises OSError if it cannot bind."""
        runner = web.ServerRunner(web.Server(self._handle, access_log=None), handle_signals=False, shutdown_timeout=0.0)
        await runner.setup()
        site = web.TCPSite(runner, host, port, backlog=1024)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopped.set)
        try:
            await site.start()
            bound = runner.addresses[0][1]
            print(f"exchange_simulator listening on http://{host}:{bound}", flush=True)  # noqa: T201 - running_simulator reads it
            await self._stopped.wait()
        finally:
            self._exchange.archive.close()
            await runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith(_CONTROL_PREFIX):
            return await self._control.handle(request)
        return await self._serve(request)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        # The raw query, because signatures cover its bytes.
        raw_query = request.raw_path.partition("?")[2]
        query = list(request.rel_url.query.items())
        asked = Request(request.method, request.path, query, request.headers, raw_query)
        stats, venue = self._exchange.stats, self._exchange.venue(asked)
        status, wait = 0, None
        # A wait does not apply to the archive, which is another host.
        to_archive = is_archive_path(asked.path)
        told_to_wait = not to_archive and venue.is_told_to_wait(asked)
        stats.begin(asked.path, venue.symbol(asked), _peer(request), to_archive, told_to_wait)
        try:
            answer = await self._exchange.archive_answer(asked) if to_archive else self._exchange.answer(asked)
            if self._latency:
                await asyncio.sleep(self._latency)
            status, wait = answer.status, answer.wait
            limits = venue.headers(asked, answer.shown_weight) if answer.shown_weight else {}
            return await self._send(request, answer, limits)
        finally:
            stats.finish(status, to_archive)
            if wait is not None:
                venue.announce_wait(asked, wait)

    async def _send(self, request: web.BaseRequest, answer: Answer, limits: Mapping[str, str]) -> web.StreamResponse:
        if answer.delivery in ("reset", "silent"):
            await self._be_silent(request, answer.seconds)
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        headers = {
            "Content-Type": answer.content_type,
            "Date": formatdate(self._exchange.clock.now() / 1_000_000, usegmt=True),
            **answer.headers,
            **limits,
        }
        if answer.delivery == "slow":
            return await self._send_slowly(request, answer, headers)
        if answer.delivery == "cut":
            return await self._send_cut(request, answer, headers)
        if answer.file is not None:
            return web.FileResponse(answer.file, status=answer.status, headers=headers)
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    async def _pause(self, seconds: float) -> None:
        """Wait, but no longer than the server runs."""
        stop = asyncio.ensure_future(self._stopped.wait())
        await asyncio.wait({stop}, timeout=seconds)
        stop.cancel()

    async def _be_silent(self, request: web.BaseRequest, seconds: float) -> None:
        """Wait as long as the client does: a request that it gave up is no longer in progress."""
        ends = time.monotonic() + seconds
        while request.transport is not None and not self._stopped.is_set() and (left := ends - time.monotonic()) > 0:
            await self._pause(min(left, _LOOK_SECONDS))

    async def _send_slowly(
        self, request: web.BaseRequest, answer: Answer, headers: dict[str, str]
    ) -> web.StreamResponse:
        """Send the body in small pieces spread over `answer.seconds`."""
        response = web.StreamResponse(status=answer.status, headers=headers)
        response.content_length = len(answer.body)
        await response.prepare(request)
        size = max(len(answer.body) // _SLOW_PIECES, 1)
        for start in range(0, len(answer.body), size):
            await self._pause(answer.seconds / _SLOW_PIECES)
            await response.write(answer.body[start : start + size])
        await response.write_eof()
        return response

    async def _send_cut(self, request: web.BaseRequest, answer: Answer, headers: dict[str, str]) -> web.StreamResponse:
        """Send less than the Content-Length promises, and close the connection."""
        response = web.StreamResponse(status=answer.status, headers=headers)
        response.content_length = answer.promised
        await response.prepare(request)
        await response.write(answer.body)
        if request.transport is not None:
            request.transport.close()
        return response


def _peer(request: web.BaseRequest) -> Any:
    return None if request.transport is None else request.transport.get_extra_info("peername")

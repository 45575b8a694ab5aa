"""The control API under /simulator: counts, clock, faults, usage by other clients, and the truth about the market."""

import io
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from aiohttp import web

from exchange_simulator.archive.faults import ArchiveFault
from exchange_simulator.clock import to_microseconds
from exchange_simulator.exchange import MAIN_LIMIT, Exchange
from exchange_simulator.faults import Fault
from exchange_simulator.oddities import ODDITIES
from exchange_simulator.venue import TruthError
from exchange_simulator.venues.okx import Okx

_ARROW_TYPE = "application/vnd.apache.arrow.stream"
_PARQUET_TYPE = "application/vnd.apache.parquet"
_LARGEST_TIME_MS = 1 << 52
_MOST_HOURS = 100_000


class ControlError(ValueError):
    """A control request is invalid; the text is the response."""


class Control:
    """Serves the control API, which has no weights, delays or faults."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._routes: dict[tuple[str, str], Callable[[web.BaseRequest], Awaitable[web.Response]]] = {
            ("GET", "stats"): self._stats,
            ("POST", "stats/reset"): self._reset_stats,
            ("GET", "clock"): self._clock,
            ("POST", "clock"): self._set_clock,
            ("GET", "faults"): self._faults,
            ("POST", "faults"): self._add_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "archive"): self._publication,
            ("POST", "archive"): self._set_publication,
            ("GET", "archive/faults"): self._archive_faults,
            ("POST", "archive/faults"): self._add_archive_faults,
            ("DELETE", "archive/faults"): self._clear_archive_faults,
            ("GET", "okx"): self._okx_settings,
            ("POST", "okx"): self._set_okx_settings,
            ("GET", "oddities"): self._oddities,
            ("POST", "oddities"): self._switch_oddities,
            ("POST", "usage"): self._use,
            ("POST", "keys"): self._add_key,
            ("POST", "limits/reset"): self._reset_limits,
            **{("GET", f"truth/{kind}"): self._truth for venue in exchange.venues for kind in venue.truth_kinds},
        }

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Respond to one request; an invalid one gets a 400 with one line."""
        route = self._routes.get((request.method, request.path.removeprefix("/simulator/")))
        if route is None:
            known = ", ".join(f"{method} /simulator/{path}" for method, path in self._routes)
            return _answer({"error": f"no such control: {request.method} {request.path}; there are {known}"}, 404)
        try:
            return await route(request)
        except ControlError as error:
            return _answer({"error": str(error)}, 400)

    async def _stats(self, _request: web.BaseRequest) -> web.Response:
        return _answer(self._exchange.counts())

    async def _reset_stats(self, _request: web.BaseRequest) -> web.Response:
        self._exchange.reset_counts()
        return _answer({})

    async def _reset_limits(self, _request: web.BaseRequest) -> web.Response:
        self._exchange.reset_limits()
        return _answer({})

    async def _clock(self, _request: web.BaseRequest) -> web.Response:
        now = self._exchange.clock.now()
        return _answer({"now_ms": now // 1000, "now_us": now, "mode": self._exchange.clock.mode})

    async def _set_clock(self, request: web.BaseRequest) -> web.Response:
        wanted = await _json_object(request, {"now", "now_ms", "now_us", "advance_seconds", "mode"})
        clock = self._exchange.clock
        moment = _clock_moment(wanted, clock.now())
        try:
            if moment is not None:
                clock.set(moment)
            if "mode" in wanted:
                clock.set_mode(wanted["mode"])
        except ValueError as error:
            raise ControlError(str(error)) from error
        return await self._clock(request)

    async def _faults(self, _request: web.BaseRequest) -> web.Response:
        return _answer([fault.as_dict() for fault in self._exchange.faults.rules])

    async def _add_faults(self, request: web.BaseRequest) -> web.Response:
        return await _added(request, self._exchange.faults.add)

    async def _clear_faults(self, _request: web.BaseRequest) -> web.Response:
        self._exchange.faults.rules.clear()
        return _answer([])

    async def _publication(self, _request: web.BaseRequest) -> web.Response:
        return _answer(asdict(self._exchange.archive.publication))

    async def _set_publication(self, request: web.BaseRequest) -> web.Response:
        publication = self._exchange.archive.publication
        wanted = await _json_object(request, set(asdict(publication)))
        for name, value in wanted.items():
            if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < _MOST_HOURS:
                raise ControlError(f"{name} = {value!r} is not a number of hours")
        for name, value in wanted.items():
            setattr(publication, name, float(value))
        return await self._publication(request)

    async def _archive_faults(self, _request: web.BaseRequest) -> web.Response:
        return _answer([fault.as_dict() for fault in self._exchange.archive.faults.rules])

    async def _add_archive_faults(self, request: web.BaseRequest) -> web.Response:
        return await _added(request, self._exchange.archive.faults.add)

    async def _clear_archive_faults(self, _request: web.BaseRequest) -> web.Response:
        self._exchange.archive.faults.rules.clear()
        return _answer([])

    async def _okx_settings(self, _request: web.BaseRequest) -> web.Response:
        return _answer(asdict(self._okx().settings))

    async def _set_okx_settings(self, request: web.BaseRequest) -> web.Response:
        settings = self._okx().settings
        wanted = await _json_object(request, set(asdict(settings)))
        try:
            self._okx().settings = replace(settings, **wanted)
        except ValueError as error:
            raise ControlError(str(error)) from error
        return await self._okx_settings(request)

    async def _oddities(self, _request: web.BaseRequest) -> web.Response:
        return _answer(self._exchange.oddities.switch({}))

    async def _switch_oddities(self, request: web.BaseRequest) -> web.Response:
        wanted = await _json_object(request, set(ODDITIES))
        try:
            return _answer(self._exchange.oddities.switch(wanted))
        except ValueError as error:
            raise ControlError(str(error)) from error

    def _okx(self) -> Okx:
        return next(venue for venue in self._exchange.venues if isinstance(venue, Okx))

    async def _add_key(self, request: web.BaseRequest) -> web.Response:
        description = await _json(request)
        if not isinstance(description, dict):
            raise ControlError("expected a JSON object")
        try:
            return _answer(self._exchange.keys.add(description))
        except ValueError as error:
            raise ControlError(str(error)) from error

    async def _use(self, request: web.BaseRequest) -> web.Response:
        wanted = await _json_object(request, {"weight", "limit"})
        weight = wanted.get("weight")
        if not isinstance(weight, int) or isinstance(weight, bool) or weight < 0:
            raise ControlError("weight must be a whole number, 0 or more")
        try:
            return _answer({"used_weight": self._exchange.use(wanted.get("limit", MAIN_LIMIT), weight)})
        except KeyError as error:
            raise ControlError(f"limit {error} is not one of {', '.join(self._exchange.limits())}") from error

    async def _truth(self, request: web.BaseRequest) -> web.Response:
        query = request.rel_url.query
        kind = request.path.rpartition("/")[2]
        now = self._exchange.clock.now()
        able = [venue for venue in self._exchange.venues if kind in venue.truth_kinds]
        venue = next((venue for venue in able if venue.name == query.get("market", able[0].name)), None)
        if venue is None:
            names = ", ".join(venue.name for venue in able)
            raise ControlError(f"market {query['market']!r} is not one of {names}")
        start, end = _milliseconds(query.get("startTime", "0")), _milliseconds(query.get("endTime", str(now // 1000)))
        try:
            table = venue.truth(kind, query, start * 1000, end * 1000 + 999, now)
        except TruthError as error:
            raise ControlError(str(error)) from error
        return _table(self._exchange.oddities.true_rows(kind, table), query.get("format", "arrow"))


def _answer(content: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, text=json.dumps(content, ensure_ascii=False), content_type="application/json")


async def _added(request: web.BaseRequest, add: Callable[[dict[str, Any]], Fault | ArchiveFault]) -> web.Response:
    """Add one fault or an array of them."""
    content = await _json(request)
    descriptions = content if isinstance(content, list) else [content]
    if not all(isinstance(entry, dict) for entry in descriptions):
        raise ControlError("expected a JSON object, or an array of them")
    try:
        return _answer([add(entry).as_dict() for entry in descriptions])
    except ValueError as error:
        raise ControlError(str(error)) from error


def _table(table: pa.Table, wanted: str) -> web.Response:
    buffer = io.BytesIO()
    if wanted == "parquet":
        pq.write_table(table, buffer)
        return web.Response(body=buffer.getvalue(), content_type=_PARQUET_TYPE)
    if wanted != "arrow":
        raise ControlError(f"format {wanted!r} is not one of arrow, parquet")
    with pa.ipc.new_stream(buffer, table.schema) as writer:
        writer.write_table(table)
    return web.Response(body=buffer.getvalue(), content_type=_ARROW_TYPE)


def _milliseconds(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > _LARGEST_TIME_MS:
        raise ControlError(f"{text!r} is not a time in milliseconds")
    return int(text)


def _clock_moment(wanted: dict[str, Any], now: int) -> int | None:
    """Return the time that a clock request sets, in microseconds, or None if it sets none."""
    given = [key for key in ("now", "now_ms", "now_us", "advance_seconds") if key in wanted]
    if len(given) > 1:
        raise ControlError(f"{' and '.join(given)} exclude each other")
    if "now" in wanted:
        try:
            return to_microseconds(datetime.fromisoformat(str(wanted["now"]).replace("Z", "+00:00")))
        except ValueError as error:
            raise ControlError(f"now = {wanted['now']!r} is not an ISO datetime") from error
    for key, unit in (("now_ms", 1000), ("now_us", 1), ("advance_seconds", 1_000_000)):
        if key in wanted:
            value = wanted[key]
            if not isinstance(value, (int, float)) or isinstance(value, bool):
                raise ControlError(f"{key} = {value!r} is not a number")
            return int(value * unit) + (now if key == "advance_seconds" else 0)
    return None


async def _json(request: web.BaseRequest) -> Any:
    try:
        return json.loads(await request.read())
    except ValueError as error:
        raise ControlError(f"the body is not JSON: {error}") from error


async def _json_object(request: web.BaseRequest, known: set[str]) -> dict[str, Any]:
    content = await _json(request)
    if not isinstance(content, dict):
        raise ControlError("expected a JSON object")
    unknown = sorted(set(content) - known)
    if unknown:
        raise ControlError(f"unknown key {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    return content

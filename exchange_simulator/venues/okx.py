"""The market data of OKX, under /okx. Times in microseconds UTC, except in requests and responses."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from exchange_simulator.binance import compact_json
from exchange_simulator.clock import Clock
from exchange_simulator.faults import Answer
from exchange_simulator.hidden_rows import Span
from exchange_simulator.market.bars import Bars, join_bars
from exchange_simulator.market.base import Market
from exchange_simulator.market.hashing import Flags
from exchange_simulator.market.truth import decimals, times
from exchange_simulator.oddities import OKX_CLOSE_SETTLEMENTS
from exchange_simulator.venue import Request, TruthError
from exchange_simulator.venues import okx_funding
from exchange_simulator.venues.base import EXACT, MILLISECOND, FollowingVenue, VenueError, trimmed, visible
from exchange_simulator.venues.follower import Follower
from exchange_simulator.venues.okx_bars import BARS, INTERVALS, Bar
from exchange_simulator.venues.okx_listings import INSTRUMENT_TYPES, LISTINGS, OUTAGES, SPOT
from exchange_simulator.venues.rates import RequestRate

_PREFIX: Final = "/okx/api/v5"
_RECENT_BARS: Final = 1_440
_MOST_ROWS: Final = {"candles": 300, "funding": 400}
_DEFAULT_ROWS: Final = {"candles": 100, "funding": 400}
_HUNDREDTHS_DECIMALS: Final = 2
_LARGEST_TIME_MS: Final = 1 << 43
_REFUSAL_STATUSES: Final = (429, 200)
_EMPTY_TYPES: Final = ("MARGIN", "OPTION")
_PRICES: Final = ("open", "high", "low", "close")


@dataclass(frozen=True)
class OkxSettings:
    """Settings that can be changed at run time. Raises ValueError for invalid ones."""

    page_limit: int = 400
    """The most rows of a page, unless the endpoint's own limit is lower. For years it was 100."""
    refusal_status: int = 429
    """The HTTP status of a request beyond a limit: 429 or 200."""

    def __post_init__(self) -> None:
        if type(self.page_limit) is not int or self.page_limit < 1:
            raise ValueError(f"page_limit = {self.page_limit!r} is not a whole number above 0")
        if self.refusal_status not in _REFUSAL_STATUSES:
            raise ValueError(f"refusal_status = {self.refusal_status!r} is not one of 429, 200")


class Okx(FollowingVenue):
    """The public endpoints time, instruments, candles and funding rates."""

    name = "okx"
    prefixes: tuple[str, ...] = (f"{_PREFIX}/",)
    truth_kinds: tuple[str, ...] = ("okx_candles", "okx_funding_rates")

    def __init__(self, market: Market, clock: Clock, enforce: bool) -> None:
        listings = [listing for of_type in LISTINGS.values() for listing in of_type]
        super().__init__(listings, OUTAGES, market, clock, enforce)
        self.settings = OkxSettings()
        for path, endpoint in _ENDPOINTS.items():
            if not endpoint.is_limited_by_instrument:
                self.rate(_limit_of(path))

    def symbol(self, request: Request) -> str | None:
        """Return the instrument."""
        return request.value("instId")

    def missing(self, request: Request) -> Answer | None:
        """Return the 404 for an unknown path."""
        return None if request.method == "GET" and request.path in _ENDPOINTS else self.error(404, 404, "Not Found")

    def has_rows(self, request: Request) -> bool:
        """Return whether the response consists of candles or funding rates."""
        return _ENDPOINTS[request.path].needs_instrument

    def rate_of(self, request: Request) -> str:
        """Return the limit of the path; for some paths there is one per instrument."""
        name = _limit_of(request.path)
        return f"{name} {self.symbol(request)}" if _ENDPOINTS[request.path].is_limited_by_instrument else name

    def new_rate(self, name: str) -> RequestRate:
        """Return a limit on requests in two seconds."""
        return RequestRate(_ENDPOINTS[f"{_PREFIX}/{name.split()[1]}"].requests_in_2_seconds, 2)

    def refusal(self) -> Answer:
        """Return the refusal, a 429 or a 200, of too many requests."""
        return self.error(self.settings.refusal_status, 50011, "Too Many Requests")

    def error(self, status: int, code: int, message: str) -> Answer:
        """Return an error; its code is text."""
        return Answer(status, compact_json({"code": str(code), "msg": message, "data": []}))

    def answer(self, request: Request, lost: Sequence[Span]) -> Answer:
        """Return the endpoint's response."""
        endpoint = _ENDPOINTS[request.path]
        try:
            return Answer(200, compact_json({"code": "0", "msg": "", "data": endpoint.handler(self, request, lost)}))
        except VenueError as error:
            return error.answer

    def truth(self, kind: str, query: Mapping[str, str], start: int, end: int, now: int) -> pa.Table:
        """Return the closed candles that open in [start, end], or the funding rates of that time."""
        symbol, interval = query.get("symbol", ""), query.get("interval", "")
        product = self.listed(now).get(symbol)
        if product is None:
            raise TruthError(f"symbol {symbol!r} is not listed")
        if kind == "okx_funding_rates":
            return okx_funding.table(product, start, end, now)
        if interval not in INTERVALS:
            raise TruthError(f"interval {interval!r} is not one of {', '.join(INTERVALS)}")
        bar = INTERVALS[interval]
        bars = product.filled(bar.edges(max(start, product.calendar.listed), min(end, now)), now)
        bars = bars.rows((bars.time >= start) & (bars.time <= end))
        return _candle_table(product, interval, bars.rows(_are_closed(bar, bars, now)))

    def listed(self, now: int) -> dict[str, Follower]:
        """Return the instruments that exist now, without those that have ended."""
        return {name: product for name, product in super().listed(now).items() if now < product.calendar.ends}

    def time(self, _request: Request, _lost: Sequence[Span]) -> list[Any]:
        """Return the time."""
        return [{"ts": str(self._clock.now() // MILLISECOND)}]

    def instruments(self, request: Request, _lost: Sequence[Span]) -> list[Any]:
        """Return the instruments of a type."""
        kind = self._required(request, "instType")
        if kind not in LISTINGS and kind not in _EMPTY_TYPES:
            raise VenueError(self.error(400, 51000, "Parameter instType error"))
        now, wanted = self._clock.now(), request.value("instId")
        return [
            _instrument(product, kind, now)
            for name, product in self.listed(now).items()
            if INSTRUMENT_TYPES[name] == kind and wanted in (None, "", name)
        ]

    def recent_candles(self, request: Request, lost: Sequence[Span]) -> list[Any]:
        """Return some of the latest candles, newest first."""
        return self._candles(request, lost, _RECENT_BARS)

    def history_candles(self, request: Request, lost: Sequence[Span]) -> list[Any]:
        """Return candles of any time, newest first."""
        return self._candles(request, lost, None)

    def funding_rates(self, request: Request, lost: Sequence[Span]) -> list[Any]:
        """Return funding rates of the last three months, newest first."""
        product = self._product(request)
        after, before, limit = self._page(request, "funding")
        is_odd = OKX_CLOSE_SETTLEMENTS in request.oddities
        return okx_funding.rows(product, after, before, limit, self._clock.now(), lost, is_odd)

    def _candles(self, request: Request, lost: Sequence[Span], most_bars: int | None) -> list[Any]:
        product = self._product(request)
        name = request.value("bar") or "1m"
        if name not in BARS:
            raise VenueError(self.error(400, 51000, "Parameter bar error"))
        after, before, limit = self._page(request, "candles")
        bar, now = BARS[name], self._clock.now()
        newest = int(bar.edges(now, now)[0])
        if most_bars is not None:
            before = max(before, newest - (most_bars - 1) * bar.longest - 1)
        bars = _newest(product, bar, min(after, now), before, limit, now, lost)
        return _candle_rows(product, bars, _are_closed(bar, bars, now))[::-1]

    def _product(self, request: Request) -> Follower:
        name = self._required(request, "instId")
        product = self.listed(self._clock.now()).get(name)
        if product is None:
            text = "Instrument ID, Instrument ID code, or Spread ID doesn't exist."
            raise VenueError(self.error(200, 51001, text))
        return product

    def _required(self, request: Request, name: str) -> str:
        value = request.value(name)
        if not value:
            raise VenueError(self.error(400, 50014, f"Parameter {name} can not be empty."))
        return value

    def _page(self, request: Request, kind: str) -> tuple[int, int, int]:
        """Return the times between which rows are requested, both exclusive, and how many."""
        after = self._number(request, "after", _LARGEST_TIME_MS) * MILLISECOND
        before = self._number(request, "before", -1) * MILLISECOND
        limit = self._number(request, "limit", _DEFAULT_ROWS[kind])
        if limit == 0:
            raise VenueError(self.error(400, 51000, "Parameter limit error"))
        return after, before, min(limit, _MOST_ROWS[kind], self.settings.page_limit)

    def _number(self, request: Request, name: str, default: int) -> int:
        text = request.value(name)
        if not text:
            return default
        if not (text.isascii() and text.isdigit()):
            raise VenueError(self.error(400, 51000, f"Parameter {name} error"))
        return min(int(text), _LARGEST_TIME_MS)


@dataclass(frozen=True)
class _Endpoint:
    handler: Callable[[Okx, Request, Sequence[Span]], list[Any]]
    requests_in_2_seconds: int
    needs_instrument: bool = False
    is_limited_by_instrument: bool = False


_ENDPOINTS: Final = {
    f"{_PREFIX}/public/time": _Endpoint(Okx.time, 10),
    f"{_PREFIX}/public/instruments": _Endpoint(Okx.instruments, 20),
    f"{_PREFIX}/market/candles": _Endpoint(Okx.recent_candles, 40, needs_instrument=True),
    f"{_PREFIX}/market/history-candles": _Endpoint(Okx.history_candles, 20, needs_instrument=True),
    f"{_PREFIX}/public/funding-rate-history": _Endpoint(
        Okx.funding_rates, 10, needs_instrument=True, is_limited_by_instrument=True
    ),
}


def _limit_of(path: str) -> str:
    return f"okx {path.removeprefix(_PREFIX + '/')}"


def _newest(product: Follower, bar: Bar, end: int, before: int, limit: int, now: int, lost: Sequence[Span]) -> Bars:
    """Return the newest candles that open before `end` and after `before`, oldest first."""
    oldest = max(before + 1, product.calendar.listed - bar.longest)
    found: list[Bars] = []
    missing = limit
    while missing > 0 and end > oldest:
        edges = bar.edges(max(end - limit * bar.longest, oldest), end - 1)
        bars = visible(product.filled(edges, now), lost)
        bars = bars.rows(bars.time > before)
        bars = bars.rows(slice(max(len(bars.time) - missing, 0), None))
        found.insert(0, bars)
        missing -= len(bars.time)
        end = int(edges[0])
    return join_bars(found)


def _are_closed(bar: Bar, bars: Bars, now: int) -> Flags:
    """Return which candles are closed."""
    if len(bars.time) == 0:
        return bars.time.astype(bool)
    edges = bar.edges(int(bars.time[0]), int(bars.time[-1]))
    return edges[1:][edges.searchsorted(bars.time)] <= now


def _candle_rows(product: Follower, bars: Bars, are_closed: Flags) -> list[list[str]]:
    ticks, steps = product.listing.tick_decimals, product.listing.step_decimals
    columns = [[str(time // MILLISECOND) for time in bars.time.tolist()]]
    columns += [[trimmed(value, ticks) for value in getattr(bars, name).tolist()] for name in _PRICES]
    volume = [trimmed(value, steps) for value in bars.volume.tolist()]
    quote = [trimmed(value, ticks + steps) for value in bars.quote.tolist()]
    contracts = [trimmed(value, _HUNDREDTHS_DECIMALS) for value in bars.count.tolist()]
    volumes = [volume, quote] if product.listing.contract is None else [contracts, volume]
    columns += [*volumes, quote, ["1" if is_closed else "0" for is_closed in are_closed.tolist()]]
    return [list(row) for row in zip(*columns, strict=True)]


def _candle_table(product: Follower, interval: str, bars: Bars) -> pa.Table:
    ticks, steps = product.listing.tick_decimals, product.listing.step_decimals
    count = len(bars.time)
    contracts = decimals(bars.count, _HUNDREDTHS_DECIMALS, EXACT)
    columns = {
        "symbol": pa.repeat(product.listing.name, count),
        "interval": pa.repeat(interval, count),
        "open_time": times(bars.time),
        **{name: decimals(getattr(bars, name), ticks, EXACT) for name in _PRICES},
        "volume": decimals(bars.volume, steps, EXACT),
        "quote_volume": decimals(bars.quote, ticks + steps, EXACT),
        "contracts": pa.nulls(count, EXACT) if product.listing.contract is None else contracts,
    }
    return pa.table(columns)


def _instrument(product: Follower, kind: str, now: int) -> dict[str, str]:
    listing, contract, is_spot = product.listing, product.listing.contract, kind == SPOT
    base, quote = listing.base_asset, listing.quote_asset
    lot = trimmed(1, listing.step_decimals if contract is None else 0 if contract.is_inverse else _HUNDREDTHS_DECIMALS)
    return {
        "alias": "",
        "baseCcy": base if is_spot else "",
        "category": "1",
        "ctMult": "" if contract is None else "1",
        "ctType": "" if contract is None else "inverse" if contract.is_inverse else "linear",
        "ctVal": "" if contract is None else contract.value,
        "ctValCcy": "" if contract is None else contract.value_asset,
        "expTime": str(listing.ends // MILLISECOND) if kind == "FUTURES" else "",
        "instFamily": "" if is_spot else f"{base}-{quote}",
        "instId": listing.name,
        "instType": kind,
        "lever": "10",
        "listTime": str(product.calendar.listed // MILLISECOND),
        "lotSz": lot,
        "maxIcebergSz": "9999999999",
        "maxLmtSz": "9999999999",
        "maxMktSz": "1000000",
        "maxStopSz": "1000000",
        "maxTriggerSz": "9999999999",
        "maxTwapSz": "9999999999",
        "minSz": lot,
        "optType": "",
        "quoteCcy": quote if is_spot else "",
        "settleCcy": "" if contract is None else contract.settle_asset,
        "state": "suspend" if now >= product.calendar.halted else "live",
        "stk": "",
        "tickSz": trimmed(1, listing.tick_decimals),
        "uly": "" if is_spot else f"{base}-{quote}",
    }

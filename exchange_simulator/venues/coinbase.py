"""The market data of Coinbase Exchange, under /coinbase. Times in microseconds UTC, not in requests and responses."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, ClassVar, Final

import numpy as np
import pyarrow as pa

from exchange_simulator.binance import compact_json
from exchange_simulator.clock import Clock, to_microseconds
from exchange_simulator.faults import Answer
from exchange_simulator.hidden_rows import Span
from exchange_simulator.market.bars import Bars
from exchange_simulator.market.base import Market
from exchange_simulator.market.hashing import hashes, stream_key
from exchange_simulator.market.truth import decimals, times
from exchange_simulator.oddities import COINBASE_EMPTY_INCREMENT
from exchange_simulator.venue import Request, TruthError
from exchange_simulator.venues.base import EXACT, FollowingVenue, VenueError, trimmed, visible
from exchange_simulator.venues.coinbase_listings import LISTINGS, OUTAGES
from exchange_simulator.venues.follower import Follower
from exchange_simulator.venues.rates import RequestRate

_PREFIX: Final = "/coinbase"
_RATE: Final = "coinbase requests"
_SECOND: Final = 1_000_000
_MOST_CANDLES: Final = 300
INTERVALS: Final = {"1m": 60, "5m": 300, "15m": 900, "1h": 3_600, "6h": 21_600, "1d": 86_400}
# One request in so many gets up to so many candles before its start.
_EARLY_EVERY: Final = 4
_MOST_EARLY: Final = 2
_SMALLEST_PLAIN_EXPONENT: Final = -6
_LARGEST_UNIX_SECONDS: Final = 1 << 33
_DOES_NOT_SAY: Final = ("margin_enabled", "post_only", "limit_only", "cancel_only", "fx_stablecoin", "auction_mode")


class Coinbase(FollowingVenue):
    """The public endpoints time, products and candles."""

    name = "coinbase"
    prefixes: tuple[str, ...] = (f"{_PREFIX}/",)
    truth_kinds: tuple[str, ...] = ("coinbase_candles",)

    def __init__(self, market: Market, clock: Clock, enforce: bool) -> None:
        super().__init__(LISTINGS, OUTAGES, market, clock, enforce)
        self.rate(_RATE)

    def symbol(self, request: Request) -> str | None:
        """Return the product in the path."""
        _, *values = _route(request) or (None,)
        return values[0] if values else None

    def missing(self, request: Request) -> Answer | None:
        """Return the 404 for an unknown path."""
        return None if request.method == "GET" and _route(request) else self.error(404, 0, "NotFound")

    def has_rows(self, request: Request) -> bool:
        """Return whether the response consists of candles."""
        return (_route(request) or ("",))[0] == "candles"

    def rate_of(self, request: Request) -> str:  # noqa: ARG002
        """Return the only limit, which applies to the address."""
        return _RATE

    def new_rate(self, name: str) -> RequestRate:
        """Return a bucket of 15 requests that refills at 10 a second."""
        return {_RATE: RequestRate(10, 1, burst=15)}[name]

    def refusal(self) -> Answer:
        """Return the 429, which does not state how long to wait."""
        return self.error(429, 0, "Public rate limit exceeded")

    def error(self, status: int, code: int, message: str) -> Answer:  # noqa: ARG002
        """Return an error: a message without a code."""
        return Answer(status, compact_json({"message": message}))

    def answer(self, request: Request, lost: Sequence[Span]) -> Answer:
        """Return the endpoint's response."""
        name, *values = _route(request) or (None,)
        try:
            if not request.headers.get("User-Agent"):
                raise VenueError(self.error(400, 0, "User-Agent header is required."))
            return Answer(200, self._HANDLERS[name](self, request, lost, *values))
        except VenueError as error:
            return error.answer

    def truth(self, kind: str, query: Mapping[str, str], start: int, end: int, now: int) -> pa.Table:  # noqa: ARG002
        """Return the closed candles that open in [start, end]."""
        symbol, interval = query.get("symbol", ""), query.get("interval", "")
        if symbol not in self.listed(now):
            raise TruthError(f"symbol {symbol!r} is not listed")
        if interval not in INTERVALS:
            raise TruthError(f"interval {interval!r} is not one of {', '.join(INTERVALS)}")
        product, length = self.listed(now)[symbol], INTERVALS[interval] * _SECOND
        first = max(start, product.calendar.listed) // length
        edges = np.arange(first, min(end, now) // length + 2, dtype=np.int64) * length
        bars = product.traded(edges, now)
        bars = bars.rows((bars.time >= start) & (bars.time <= end) & (bars.time + length <= now))
        columns = {
            "symbol": pa.repeat(symbol, len(bars.time)),
            "interval": pa.repeat(interval, len(bars.time)),
            "open_time": times(bars.time),
            **{name: decimals(getattr(bars, name), product.listing.tick_decimals, EXACT) for name in _PRICES},
            "volume": decimals(bars.volume, product.listing.step_decimals, EXACT),
        }
        return pa.table(columns)

    def _time(self, _request: Request, _lost: Sequence[Span]) -> bytes:
        milliseconds = self._clock.now() // 1000
        iso = datetime.fromtimestamp(milliseconds / 1000, timezone.utc).isoformat(timespec="milliseconds")
        return compact_json({"iso": iso.replace("+00:00", "Z"), "epoch": milliseconds / 1000})

    def _list(self, request: Request, _lost: Sequence[Span]) -> bytes:
        now = self._clock.now()
        odd = [_ODD_PRODUCT] if COINBASE_EMPTY_INCREMENT in request.oddities else []
        return compact_json([*(_product(product, now) for product in self.listed(now).values()), *odd])

    def _one(self, request: Request, _lost: Sequence[Span], name: str) -> bytes:
        if _is_odd(request, name):
            return compact_json(_ODD_PRODUCT)
        return compact_json(_product(self._found(name), self._clock.now()))

    def _candles(self, request: Request, lost: Sequence[Span], name: str) -> bytes:
        if _is_odd(request, name):
            return b"[]"
        product, now = self._found(name), self._clock.now()
        granularity = request.value("granularity") or "60"
        if granularity not in map(str, INTERVALS.values()):
            raise VenueError(self.error(400, 0, "Unsupported granularity"))
        length = int(granularity) * _SECOND
        start, end = self._moment(request, "start"), self._moment(request, "end")
        if start is None or end is None:
            start, end = now // length * length - (_MOST_CANDLES - 1) * length, now
        if end < start:
            raise VenueError(self.error(400, 0, "start must be before end"))
        if (end - start) // length + 1 > _MOST_CANDLES:
            text = "granularity too small for the requested time range. Count of aggregations requested exceeds"
            raise VenueError(self.error(400, 0, f"{text} {_MOST_CANDLES}"))
        # The candle that contains the start opens before it.
        edges = np.arange(start // length - _early(name, start), end // length + 2, dtype=np.int64) * length
        bars = visible(product.traded(edges, now), lost)
        return b"[" + b",".join(reversed(_rows(bars, product))) + b"]"

    def _found(self, name: str) -> Follower:
        product = self.listed(self._clock.now()).get(name)
        if product is None:
            raise VenueError(self.error(404, 0, "NotFound"))
        return product

    def _moment(self, request: Request, name: str) -> int | None:
        """Return a time given in ISO 8601 or in seconds since 1970."""
        text = request.value(name)
        if not text:
            return None
        try:
            if text.isascii() and text.isdigit() and int(text) < _LARGEST_UNIX_SECONDS:
                return int(text) * _SECOND
            return to_microseconds(datetime.fromisoformat(text.replace("Z", "+00:00")))
        except ValueError as error:
            raise VenueError(self.error(400, 0, f"{name} must be a valid ISO 8601 date")) from error

    _HANDLERS: ClassVar[Mapping[str | None, Callable[..., bytes]]] = {
        "time": _time,
        "products": _list,
        "product": _one,
        "candles": _candles,
    }


_PRICES: Final = ("open", "high", "low", "close")
_ROUTES: Final = {
    "time": re.compile(f"{_PREFIX}/time"),
    "products": re.compile(f"{_PREFIX}/products"),
    "product": re.compile(f"{_PREFIX}/products/([^/]+)"),
    "candles": re.compile(f"{_PREFIX}/products/([^/]+)/candles"),
}


def _route(request: Request) -> tuple[str, ...] | None:
    """Return the name of the endpoint and the values in its path."""
    for name, pattern in _ROUTES.items():
        match = pattern.fullmatch(request.path)
        if match:
            return name, *match.groups()
    return None


def _product(product: Follower, now: int) -> dict[str, Any]:
    listing = product.listing
    is_delisted = now >= product.calendar.ends
    return {
        "id": listing.name,
        "base_currency": listing.base_asset,
        "quote_currency": listing.quote_asset,
        "quote_increment": trimmed(1, listing.tick_decimals),
        "base_increment": trimmed(1, listing.step_decimals),
        "display_name": f"{listing.base_asset}/{listing.quote_asset}",
        "min_market_funds": "1",
        **dict.fromkeys(_DOES_NOT_SAY, False),
        "status": "delisted" if is_delisted else "online",
        "status_message": "",
        "trading_disabled": is_delisted,
    }


_ODD_PRODUCT: Final = {
    "id": "ODD-USD",
    "base_currency": "ODD",
    "quote_currency": "USD",
    "quote_increment": "",
    "base_increment": "0.01",
    "display_name": "ODD/USD",
    "min_market_funds": "1",
    **dict.fromkeys(_DOES_NOT_SAY, False),
    "status": "online",
    "status_message": "",
    "trading_disabled": True,
}


def _is_odd(request: Request, name: str) -> bool:
    return COINBASE_EMPTY_INCREMENT in request.oddities and name == _ODD_PRODUCT["id"]


def _early(name: str, start: int) -> int:
    """Return how many candles before its start a request gets."""
    chance = int(hashes(stream_key(name), np.array([start]))[0])
    return 1 + chance // _EARLY_EVERY % _MOST_EARLY if chance % _EARLY_EVERY == 0 else 0


def _rows(bars: Bars, product: Follower) -> list[bytes]:
    ticks, steps = product.listing.tick_decimals, product.listing.step_decimals
    prices = [
        [_number(value, ticks) for value in column.tolist()] for column in (bars.low, bars.high, bars.open, bars.close)
    ]
    volumes = [_number(value, steps) for value in bars.volume.tolist()]
    rows = zip((bars.time // _SECOND).tolist(), *prices, volumes, strict=True)
    return [f"[{','.join(map(str, row))}]".encode() for row in rows]


def _number(value: int, decimals: int) -> str:
    """Return value / 10**decimals as a JSON number, with an exponent if it is small."""
    digits = str(value)
    exponent = len(digits) - 1 - decimals
    if value == 0 or exponent >= _SMALLEST_PLAIN_EXPONENT:
        return trimmed(value, decimals)
    significant = digits.rstrip("0")
    fraction = f".{significant[1:]}" if len(significant) > 1 else ""
    return f"{significant[0]}{fraction}e-{-exponent:02d}"

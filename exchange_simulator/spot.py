"""Binance's spot API: one table of paths, parameters, weights and handlers, its limits and its truth."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa

from exchange_simulator import errors, parameters
from exchange_simulator.account.api import account_endpoints, account_truths
from exchange_simulator.account.history import Account
from exchange_simulator.account.keys import KeyRing
from exchange_simulator.binance import BinanceVenue, RateLimitRow, VenueDescription, compact_json
from exchange_simulator.clock import Clock
from exchange_simulator.endpoint import Call, Endpoint, by_presence, by_size, fixed
from exchange_simulator.hidden_rows import AGGREGATE_ROWS, KLINE_ROWS, TRADE_ROWS, RowKind, page_without
from exchange_simulator.limits import Limit, Penalties
from exchange_simulator.market.base import Market, Selection
from exchange_simulator.market.intervals import INTERVALS
from exchange_simulator.market.truth import TRUTH_KINDS
from exchange_simulator.parameters import Parameter, Values
from exchange_simulator.venue import TruthError

_MINI_FIELDS = (
    "symbol",
    "openPrice",
    "highPrice",
    "lowPrice",
    "lastPrice",
    "volume",
    "quoteVolume",
    "openTime",
    "closeTime",
    "firstId",
    "lastId",
    "count",
)
_TICKER_TIMES = ("openTime", "closeTime")
_MANY_SYMBOLS = 10**9
# ticker/24hr: (up to this many symbols, weight).
_TICKER_24HR_WEIGHTS = ((20, 2), (100, 40), (_MANY_SYMBOLS, 80))
# depth: (up to this limit, weight).
_DEPTH_WEIGHTS = ((100, 5), (500, 25), (1000, 50), (5000, 250))
_AVERAGE_MINUTES = 5


def _ticker_24hr_weight(values: Values) -> int:
    if values.get("symbol"):
        return _TICKER_24HR_WEIGHTS[0][1]
    return by_size(len(values.get("symbols") or []) or _MANY_SYMBOLS, _TICKER_24HR_WEIGHTS)


def _depth_weight(values: Values) -> int:
    return by_size(values.get("limit") or 100, _DEPTH_WEIGHTS)


def _known_symbol(call: Call[Market], name: str) -> str:
    if name not in call.market.symbols(call.now):
        raise errors.bad_symbol()
    return name


def _selection(values: Values) -> Selection:
    start, end = values.get("startTime"), values.get("endTime")
    return Selection(
        limit=values["limit"],
        start=None if start is None else start.first,
        end=None if end is None else end.last,
        from_id=values.get("fromId"),
    )


def _page(call: Call[Market], values: Values, kind: RowKind, fetch: Callable[[Selection], bytes]) -> bytes:
    return page_without(call.lost, kind, _selection(values), call.microseconds, fetch)


def _ping(_call: Call[Market], _values: Values) -> bytes:
    return b"{}"


def _time(call: Call[Market], _values: Values) -> bytes:
    return compact_json({"serverTime": call.time(call.now // 1000)})


def _exchange_info(call: Call[Market], values: Values) -> bytes:
    selectors = [name for name in ("symbol", "symbols", "permissions") if values[name] is not None]
    if len(selectors) > 1 or (values["symbolStatus"] and (values["symbol"] or values["symbols"])):
        raise errors.bad_combination()
    names = values["symbols"] or ([values["symbol"]] if values["symbol"] else None)
    names = [_known_symbol(call, name) for name in names] if names else call.market.symbols(call.now)
    infos = [call.market.symbol_info(name, call.now) for name in names]
    if values["symbolStatus"]:
        infos = [info for info in infos if info["status"] == values["symbolStatus"]]
    if values["permissions"]:
        infos = [info for info in infos if _permissions(info) & set(values["permissions"])]
    if not values["showPermissionSets"]:
        infos = [{**info, "permissionSets": []} for info in infos]
    return compact_json(
        {
            "timezone": "UTC",
            "serverTime": call.time(call.now // 1000),
            "rateLimits": call.rate_limits,
            "exchangeFilters": [],
            "symbols": infos,
        }
    )


def _permissions(info: dict[str, Any]) -> set[str]:
    return set(info.get("permissions", [])).union(*info.get("permissionSets", []))


def _klines(call: Call[Market], values: Values) -> bytes:
    name = _known_symbol(call, values["symbol"])

    def fetch(wanted: Selection) -> bytes:
        return call.market.klines(name, values["interval"], wanted, call.now, call.microseconds, values["timeZone"])

    return _page(call, values, KLINE_ROWS, fetch)


def _trades(call: Call[Market], values: Values) -> bytes:
    name = _known_symbol(call, values["symbol"])
    return _page(call, values, TRADE_ROWS, lambda wanted: call.market.trades(name, wanted, call.now, call.microseconds))


def _agg_trades(call: Call[Market], values: Values) -> bytes:
    has_times = values["startTime"] is not None or values["endTime"] is not None
    if values["fromId"] is not None and has_times:
        raise errors.bad_combination()
    name = _known_symbol(call, values["symbol"])

    def fetch(wanted: Selection) -> bytes:
        return call.market.aggregates(name, wanted, call.now, call.microseconds)

    return _page(call, values, AGGREGATE_ROWS, fetch)


def _depth(call: Call[Market], values: Values) -> bytes:
    name = _known_symbol(call, values["symbol"])
    if values["symbolStatus"] and call.market.status(name, call.now) != values["symbolStatus"]:
        raise errors.status_mismatch()
    book = call.market.book(name, call.now, values["limit"])
    return compact_json({"lastUpdateId": book.update_id, "bids": book.bids, "asks": book.asks})


def _average_price(call: Call[Market], values: Values) -> bytes:
    name = _known_symbol(call, values["symbol"])
    price, last_time = call.market.average_price(name, call.now)
    return compact_json({"mins": _AVERAGE_MINUTES, "price": price, "closeTime": call.time(last_time)})


def _for_symbols(call: Call[Market], values: Values, row: Callable[[str], dict[str, Any] | None]) -> bytes:
    """Return the response of a ticker: an object for `symbol`, an array for `symbols` or for neither."""
    one, many, status = values["symbol"], values["symbols"], values["symbolStatus"]
    if one and many:
        raise errors.bad_combination()
    if one:
        _known_symbol(call, one)
        if status and call.market.status(one, call.now) != status:
            raise errors.status_mismatch()
        found = row(one)
        if found is None:
            raise errors.bad_symbol()
        return compact_json(found)
    names = [_known_symbol(call, name) for name in many] if many else call.market.symbols(call.now)
    if status:
        names = [name for name in names if call.market.status(name, call.now) == status]
    rows = [row(name) for name in names]
    return compact_json([entry for entry in rows if entry is not None])


def _ticker_24hr(call: Call[Market], values: Values) -> bytes:
    def row(name: str) -> dict[str, Any] | None:
        ticker = call.market.ticker(name, call.now)
        if ticker is None:
            return None
        ticker = {**ticker, **{field: call.time(ticker[field]) for field in _TICKER_TIMES}}
        return {field: ticker[field] for field in _MINI_FIELDS} if values["type"] == "MINI" else ticker

    return _for_symbols(call, values, row)


def _ticker_price(call: Call[Market], values: Values) -> bytes:
    def row(name: str) -> dict[str, Any] | None:
        price = call.market.last_price(name, call.now)
        return None if price is None else {"symbol": name, "price": price}

    return _for_symbols(call, values, row)


def _book_ticker(call: Call[Market], values: Values) -> bytes:
    nothing = ("0.00000000", "0.00000000")

    def row(name: str) -> dict[str, Any] | None:
        book = call.market.book(name, call.now, 1)
        bid, ask = (book.bids or [nothing])[0], (book.asks or [nothing])[0]
        return {"symbol": name, "bidPrice": bid[0], "bidQty": bid[1], "askPrice": ask[0], "askQty": ask[1]}

    return _for_symbols(call, values, row)


_SYMBOL = Parameter("symbol", parameters.symbol, required=True)
_ANY_SYMBOL = Parameter("symbol", parameters.symbol)
_SYMBOLS = Parameter("symbols", parameters.symbols)
_STATUS = Parameter("symbolStatus", parameters.symbol_status)
_LIMIT = Parameter("limit", parameters.limit_of(1000), default=500)
_FROM_ID = Parameter("fromId", parameters.integer)
_START = Parameter("startTime", parameters.moment)
_END = Parameter("endTime", parameters.moment)
_KLINE_PARAMETERS = (
    _SYMBOL,
    Parameter("interval", parameters.interval, required=True),
    _START,
    _END,
    Parameter("timeZone", parameters.zone, default=0),
    _LIMIT,
)
_EXCHANGE_INFO_PARAMETERS = (
    _ANY_SYMBOL,
    _SYMBOLS,
    Parameter("permissions", parameters.permissions),
    Parameter("showPermissionSets", parameters.flag, default=True),
    _STATUS,
)
_TICKER_PARAMETERS = (_ANY_SYMBOL, _SYMBOLS, _STATUS)


_PREFIX = "/api/v3/"
_TABLE = (
    Endpoint("ping", (), fixed(1), _ping),
    Endpoint("time", (), fixed(1), _time),
    Endpoint("exchangeInfo", _EXCHANGE_INFO_PARAMETERS, fixed(20), _exchange_info),
    Endpoint("klines", _KLINE_PARAMETERS, fixed(2), _klines, has_rows=True),
    Endpoint("uiKlines", _KLINE_PARAMETERS, fixed(2), _klines, has_rows=True),
    Endpoint("trades", (_SYMBOL, _LIMIT), fixed(25), _trades, has_rows=True),
    Endpoint("historicalTrades", (_SYMBOL, _LIMIT, _FROM_ID), fixed(25), _trades, has_rows=True),
    Endpoint("aggTrades", (_SYMBOL, _FROM_ID, _START, _END, _LIMIT), fixed(4), _agg_trades, has_rows=True),
    Endpoint(
        "depth", (_SYMBOL, Parameter("limit", parameters.limit_of(5000), default=100), _STATUS), _depth_weight, _depth
    ),
    Endpoint("avgPrice", (_SYMBOL,), fixed(2), _average_price),
    Endpoint(
        "ticker/24hr",
        (*_TICKER_PARAMETERS, Parameter("type", parameters.ticker_type, default="FULL")),
        _ticker_24hr_weight,
        _ticker_24hr,
    ),
    Endpoint("ticker/price", _TICKER_PARAMETERS, by_presence(2, 4), _ticker_price),
    Endpoint("ticker/bookTicker", _TICKER_PARAMETERS, by_presence(2, 4), _book_ticker),
)

SPOT_WEIGHT: Final = "spot weight"
_SPOT_REQUESTS: Final = "spot requests"
_RAW_REQUESTS_PER_5_MINUTES: Final = 300_000
_DESCRIPTION: Final = VenueDescription(
    name="spot",
    prefixes=("/api/",),
    endpoints={_PREFIX + endpoint.name: endpoint for endpoint in _TABLE},
    weight_limit=SPOT_WEIGHT,
    request_limit=_SPOT_REQUESTS,
    rate_limits=(
        RateLimitRow("REQUEST_WEIGHT", "MINUTE", 1, SPOT_WEIGHT),
        RateLimitRow("ORDERS", "SECOND", 10, 100),
        RateLimitRow("ORDERS", "DAY", 1, 200_000),
        RateLimitRow("RAW_REQUESTS", "MINUTE", 5, _SPOT_REQUESTS),
    ),
    takes_time_unit=True,
)


def _truth(market: Market, kind: str) -> Callable[[Mapping[str, str], int, int, int], pa.Table]:
    def rows(query: Mapping[str, str], start: int, end: int, now: int) -> pa.Table:
        symbol, interval = query.get("symbol", ""), query.get("interval", "")
        if symbol not in market.symbols(now):
            raise TruthError(f"symbol {symbol!r} is not listed")
        if kind == "klines" and interval not in INTERVALS:
            raise TruthError(f"interval {interval!r} is not one of {', '.join(INTERVALS)}")
        return market.truth(kind, symbol, interval, start, end, now, query.get("tombstones", "false") == "true")

    return rows


def spot_venue(
    market: Market, account: Account, keys: KeyRing, clock: Clock, penalties: Penalties, weight_limit: int
) -> BinanceVenue[Market]:
    """Return the spot API of a market, with the endpoints of an account."""
    limits = (
        Limit(_SPOT_REQUESTS, _RAW_REQUESTS_PER_5_MINUTES, 300, "raw requests per 5 MINUTE"),
        Limit(SPOT_WEIGHT, weight_limit, 60, "request weight per 1 MINUTE"),
    )
    truths = {kind: _truth(market, kind) for kind in TRUTH_KINDS} | account_truths(account)
    signed = {_PREFIX + endpoint.name: endpoint for endpoint in account_endpoints(account)}
    description = replace(_DESCRIPTION, endpoints={**_DESCRIPTION.endpoints, **signed})
    return BinanceVenue(description, market, truths, limits, penalties, clock, keys)

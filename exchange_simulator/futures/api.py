"""Binance's USD-M futures API: one table of paths, parameters, weights and handlers, and its limits."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from exchange_simulator import errors, parameters
from exchange_simulator.binance import BinanceVenue, RateLimitRow, VenueDescription, compact_json
from exchange_simulator.clock import Clock
from exchange_simulator.endpoint import Call, Endpoint, by_presence, by_size, fixed
from exchange_simulator.futures.funding import RATE_DECIMALS, USUAL_HOURS, Funding
from exchange_simulator.futures.info import contract_info
from exchange_simulator.futures.mark_price import MARK_DECIMALS
from exchange_simulator.futures.market import Contract, FuturesMarket
from exchange_simulator.futures.open_interest import PERIODS, POINT_US, OpenInterest
from exchange_simulator.futures.truth import futures_truths
from exchange_simulator.hidden_rows import AGGREGATE_ROWS, KLINE_ROWS, RowKind, page_without
from exchange_simulator.limits import Limit, Penalties
from exchange_simulator.market.base import Selection
from exchange_simulator.market.intervals import DAY_US
from exchange_simulator.market.render import decimal_text, plain_text
from exchange_simulator.oddities import BINANCE_CLOSE_SETTLEMENTS
from exchange_simulator.parameters import Parameter, Values

WEIGHT: Final = "um weight"
FUNDING: Final = "funding"
FUTURES_DATA: Final = "futures_data"
_HOUR_US: Final = 3_600_000_000
_AGGREGATES_KEPT_US: Final = 2 * DAY_US
_OPEN_INTEREST_KEPT_US: Final = 30 * DAY_US
# klines: (up to this limit, weight).
_KLINE_WEIGHTS: Final = ((99, 1), (499, 2), (1000, 5), (1 << 62, 10))
_KLINES_BY_DEFAULT: Final = 500
_FUNDING_ROWS: Final = RowKind(time="fundingTime")
# The most that an odd second row of a settlement comes after the first one.
_SECOND_ROW_US: Final = 3_000_000
_OPEN_INTEREST_ROWS: Final = RowKind(time="timestamp")
_TICKER_FIELDS: Final = (
    "symbol",
    "priceChange",
    "priceChangePercent",
    "weightedAvgPrice",
    "lastPrice",
    "lastQty",
    "openPrice",
    "highPrice",
    "lowPrice",
    "volume",
    "quoteVolume",
    "openTime",
    "closeTime",
    "firstId",
    "lastId",
    "count",
)
FuturesCall = Call[FuturesMarket]


def _kline_weight(values: Values) -> int:
    return by_size(values.get("limit") or _KLINES_BY_DEFAULT, _KLINE_WEIGHTS)


def _contract(call: FuturesCall, values: Values) -> Contract:
    contract = call.market.find(values["symbol"], call.now)
    if contract is None:
        raise errors.bad_symbol()
    return contract


def _live(call: FuturesCall, values: Values) -> list[Contract]:
    """Return the requested contract, or all that have prices."""
    if values["symbol"]:
        contract = _contract(call, values)
        if not contract.is_live(call.now):
            raise errors.not_trading()
        return [contract]
    return [contract for contract in call.market.announced(call.now) if contract.is_live(call.now)]


def _selection(values: Values) -> Selection:
    start, end = values["startTime"], values["endTime"]
    if start is not None and end is not None and start.first > end.last:
        raise errors.start_after_end()
    return Selection(
        limit=values["limit"],
        start=None if start is None else start.first,
        end=None if end is None else end.last,
        from_id=values.get("fromId"),
    )


def _one_or_all(values: Values, rows: list[dict[str, Any]]) -> bytes:
    return compact_json(rows[0] if values["symbol"] else rows)


def _cut(rows: list[dict[str, Any]], wanted: Selection) -> bytes:
    return compact_json(rows[-wanted.limit :] if wanted.takes_latest else rows[: wanted.limit])


def _ping(_call: FuturesCall, _values: Values) -> bytes:
    return b"{}"


def _time(call: FuturesCall, _values: Values) -> bytes:
    return compact_json({"serverTime": call.now // 1000})


def _exchange_info(call: FuturesCall, _values: Values) -> bytes:
    return compact_json(
        {
            "timezone": "UTC",
            "serverTime": call.now // 1000,
            "futuresType": "U_MARGINED",
            "rateLimits": call.rate_limits,
            "exchangeFilters": [],
            "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}],
            "symbols": [contract_info(contract, call.now) for contract in call.market.announced(call.now)],
        }
    )


def _klines(call: FuturesCall, values: Values) -> bytes:
    series = _contract(call, values).symbol.klines
    return page_without(
        call.lost,
        KLINE_ROWS,
        _selection(values),
        microseconds=False,
        fetch=lambda wanted: series.page(values["interval"], wanted, call.now, microseconds=False),
    )


def _mark_price_klines(call: FuturesCall, values: Values) -> bytes:
    series = _contract(call, values).mark_klines
    return page_without(
        call.lost,
        KLINE_ROWS,
        _selection(values),
        microseconds=False,
        fetch=lambda wanted: series.page(values["interval"], wanted, call.now, microseconds=False),
    )


def _agg_trades(call: FuturesCall, values: Values) -> bytes:
    wanted = _selection(values)
    if wanted.from_id is not None and not (wanted.start is None and wanted.end is None):
        raise errors.bad_combination()
    series = _contract(call, values).symbol.aggregates
    if wanted.start is not None and wanted.end is not None and wanted.end + 1 - wanted.start > _HOUR_US:
        raise errors.window_too_wide("1 hour")
    kept_from = call.now - _AGGREGATES_KEPT_US
    oldest = series.first_at(kept_from)

    def fetch(part: Selection) -> bytes:
        if part.end is not None and part.end < kept_from:
            return b"[]"
        from_id = None if part.from_id is None else max(part.from_id, oldest)
        start = None if part.start is None else max(part.start, kept_from)
        limit = part.limit
        if part.takes_latest:
            # The latest rows up to a time may reach back beyond what is kept.
            until = series.first_at(call.now if part.end is None else min(part.end + 1, call.now))
            limit = min(limit, max(until - oldest, 0))
        return series.page(Selection(limit, start, part.end, from_id), call.now, microseconds=False)

    return page_without(call.lost, AGGREGATE_ROWS, wanted, microseconds=False, fetch=fetch)


def _funding_row(symbol: str, payment: Funding) -> dict[str, Any]:
    sign = "-" if payment.rate < 0 else ""
    row: dict[str, Any] = {
        "symbol": symbol,
        "fundingTime": payment.time // 1000,
        "fundingRate": sign + decimal_text(abs(payment.rate), RATE_DECIMALS),
    }
    if not payment.is_price_field_missing:
        row["markPrice"] = "" if payment.mark_price is None else decimal_text(payment.mark_price, MARK_DECIMALS)
    if payment.rate_type is not None:
        row["rateType"] = payment.rate_type
    return row


def _second_rows(row: dict[str, Any], due: int) -> list[dict[str, Any]]:
    """Return the odd second row of a settlement: at 00:00 it agrees with the first one, at 08:00 it does not."""
    time = row["fundingTime"]
    if due % DAY_US == 0:
        special = {"rateType": "Special"} if "rateType" in row else {}
        return [{**row, "fundingTime": time + 7, **special}]
    if due % DAY_US == 8 * _HOUR_US:
        return [{**row, "fundingTime": time + _SECOND_ROW_US // 1000, "fundingRate": "0.12345678"}]
    return []


def _funding_rate(call: FuturesCall, values: Values) -> bytes:
    is_odd = BINANCE_CLOSE_SETTLEMENTS in call.oddities
    contracts = [_contract(call, values)] if values["symbol"] else call.market.announced(call.now)

    def fetch(wanted: Selection) -> bytes:
        start, end = wanted.start or 0, call.now if wanted.end is None else min(wanted.end, call.now)
        rows = []
        for contract in contracts:
            # The first row of a settlement may be before the start, and the second one after it.
            for payment in contract.funding.between(start - _SECOND_ROW_US, end):
                row = _funding_row(contract.spec.name, payment)
                rows += [row, *(_second_rows(row, payment.due) if is_odd else ())]
        rows = [row for row in rows if start <= row["fundingTime"] * 1000 <= end]
        return _cut(sorted(rows, key=lambda row: row["fundingTime"]), wanted)

    return page_without(call.lost, _FUNDING_ROWS, _selection(values), microseconds=False, fetch=fetch)


def _funding_info(call: FuturesCall, _values: Values) -> bytes:
    """Return only the contracts whose interval was ever other than eight hours."""
    return compact_json(
        [
            {
                "symbol": contract.spec.name,
                "adjustedFundingRateCap": "0.02000000",
                "adjustedFundingRateFloor": "-0.02000000",
                "fundingIntervalHours": contract.funding.hours(call.now),
                "disclaimer": False,
                "updateTime": contract.spec.calendar.listed // 1000,
            }
            for contract in call.market.announced(call.now)
            if contract.is_live(call.now) and contract.funding.has_changed(call.now)
        ]
    )


def _premium_index(call: FuturesCall, values: Values) -> bytes:
    return _one_or_all(values, [_premium(contract, call.now) for contract in _live(call, values)])


def _premium(contract: Contract, now: int) -> dict[str, Any]:
    mark = contract.mark.price_before(now + 1)
    last = contract.funding.between(now - 2 * USUAL_HOURS * _HOUR_US, now)
    following = contract.funding.following(now)
    # A contract without funding has empty texts and no next time.
    rate = ""
    if contract.funding.is_paid:
        payment = last[-1].rate if last else 0
        rate = ("-" if payment < 0 else "") + decimal_text(abs(payment), RATE_DECIMALS)
    return {
        "symbol": contract.spec.name,
        "markPrice": decimal_text(mark, MARK_DECIMALS),
        "indexPrice": decimal_text(mark - (mark >> 14), MARK_DECIMALS),
        "estimatedSettlePrice": decimal_text(mark - (mark >> 13), MARK_DECIMALS),
        "lastFundingRate": rate,
        "interestRate": "0.00010000" if contract.funding.is_paid else "",
        "nextFundingTime": 0 if following is None else following // 1000,
        "time": now // 1000,
    }


def _open_interest(call: FuturesCall, values: Values) -> bytes:
    contract = _live(call, values)[0]
    series = contract.open_interest
    now = np.array([max(call.now // POINT_US * POINT_US, contract.spec.calendar.listed)], dtype=np.int64)
    number = plain_text(series.at(now)[0].steps, series.step_decimals)
    return compact_json({"symbol": contract.spec.name, "openInterest": number, "time": call.now // 1000})


def _open_interest_row(symbol: str, step_decimals: int, row: OpenInterest) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "sumOpenInterest": decimal_text(row.steps, step_decimals),
        "sumOpenInterestValue": decimal_text(row.value, MARK_DECIMALS),
        "CMCCirculatingSupply": "0.00000000",
        "timestamp": row.time // 1000,
    }


def _open_interest_history(call: FuturesCall, values: Values) -> bytes:
    contract = _contract(call, values)
    kept_from, asked = call.now - _OPEN_INTEREST_KEPT_US, _selection(values)
    if asked.start is not None and asked.start < kept_from:
        raise errors.bad_value("startTime")

    def fetch(wanted: Selection) -> bytes:
        start, end = max(wanted.start or 0, kept_from), call.now if wanted.end is None else min(wanted.end, call.now)
        series = contract.open_interest
        points = series.points(values["period"], start, end)
        points = points[-wanted.limit :] if wanted.takes_latest else points[: wanted.limit]
        return compact_json(
            [_open_interest_row(contract.spec.name, series.step_decimals, row) for row in series.at(points)]
        )

    return page_without(call.lost, _OPEN_INTEREST_ROWS, asked, microseconds=False, fetch=fetch)


def _ticker_24hr(call: FuturesCall, values: Values) -> bytes:
    tickers = [contract.ticker(call.now) for contract in _live(call, values)]
    return _one_or_all(values, [{field: ticker[field] for field in _TICKER_FIELDS} for ticker in tickers])


_SYMBOL = Parameter("symbol", parameters.symbol, required=True)
_ANY_SYMBOL = Parameter("symbol", parameters.symbol)
_START = Parameter("startTime", parameters.milliseconds)
_END = Parameter("endTime", parameters.milliseconds)


def _limit(default: int, largest: int) -> Parameter:
    return Parameter("limit", parameters.limit_up_to(largest), default=default)


_KLINE_PARAMETERS = (
    _SYMBOL,
    Parameter("interval", parameters.interval_of_minutes, required=True),
    _START,
    _END,
    _limit(_KLINES_BY_DEFAULT, 1500),
)
_AGGREGATE_PARAMETERS = (_SYMBOL, Parameter("fromId", parameters.integer), _START, _END, _limit(500, 1000))
_FUNDING_PARAMETERS = (_ANY_SYMBOL, _START, _END, _limit(100, 1000))
_HISTORY_PARAMETERS = (
    _SYMBOL,
    Parameter("period", parameters.one_of(PERIODS), required=True),
    _START,
    _END,
    _limit(30, 500),
)
_TABLE: Final = (
    Endpoint("fapi/v1/ping", (), fixed(1), _ping),
    Endpoint("fapi/v1/time", (), fixed(1), _time),
    Endpoint("fapi/v1/exchangeInfo", (), fixed(1), _exchange_info),
    Endpoint("fapi/v1/klines", _KLINE_PARAMETERS, _kline_weight, _klines, has_rows=True),
    Endpoint("fapi/v1/markPriceKlines", _KLINE_PARAMETERS, _kline_weight, _mark_price_klines, has_rows=True),
    Endpoint("fapi/v1/aggTrades", _AGGREGATE_PARAMETERS, fixed(20), _agg_trades, has_rows=True),
    Endpoint("fapi/v1/fundingRate", _FUNDING_PARAMETERS, fixed(1), _funding_rate, has_rows=True, limit=FUNDING),
    Endpoint("fapi/v1/fundingInfo", (), fixed(1), _funding_info, limit=FUNDING),
    Endpoint("fapi/v1/premiumIndex", (_ANY_SYMBOL,), by_presence(1, 10), _premium_index),
    Endpoint("fapi/v1/openInterest", (_SYMBOL,), fixed(1), _open_interest),
    Endpoint("fapi/v1/ticker/24hr", (_ANY_SYMBOL,), by_presence(1, 40), _ticker_24hr),
    Endpoint(
        "futures/data/openInterestHist",
        _HISTORY_PARAMETERS,
        fixed(1),
        _open_interest_history,
        has_rows=True,
        limit=FUTURES_DATA,
    ),
)
_DESCRIPTION: Final = VenueDescription(
    name="um",
    prefixes=("/fapi/", "/futures/"),
    endpoints={f"/{endpoint.name}": endpoint for endpoint in _TABLE},
    weight_limit=WEIGHT,
    request_limit=None,
    rate_limits=(
        RateLimitRow("REQUEST_WEIGHT", "MINUTE", 1, WEIGHT),
        RateLimitRow("ORDERS", "MINUTE", 1, 1200),
        RateLimitRow("ORDERS", "SECOND", 10, 300),
    ),
    takes_time_unit=False,
)
LimitOf = Callable[[str], int]


def futures_venue(
    market: FuturesMarket, clock: Clock, penalties: Penalties, most: LimitOf
) -> BinanceVenue[FuturesMarket]:
    """Return the futures API of a market; `most` returns the size of a limit by name."""
    limits = (
        Limit(WEIGHT, most(WEIGHT), 60, "request weight per 1 MINUTE"),
        Limit(FUNDING, most(FUNDING), 300, "requests per 5 MINUTE"),
        Limit(FUTURES_DATA, most(FUTURES_DATA), 300, "requests per 5 MINUTE"),
    )
    return BinanceVenue(_DESCRIPTION, market, futures_truths(market), limits, penalties, clock)

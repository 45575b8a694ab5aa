"""Symbol information and rate limits: GET /api/v3/exchangeInfo."""

from collections.abc import Sequence

import msgspec
import pyarrow as pa

from ..columns import Whole, build, decimals, times_from_us
from ..rest.client import RestClient
from ..rest.errors import BadResponseError
from ..schemas import SYMBOLS


class _RateLimit(msgspec.Struct, rename="camel"):
    rate_limit_type: str
    interval: str
    interval_num: int
    limit: Whole


class SymbolInfo(msgspec.Struct, rename="camel"):
    """What exchangeInfo says of one symbol; unknown statuses and filters are taken as they come."""

    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    base_asset_precision: Whole
    quote_asset_precision: Whole
    order_types: list[str]
    is_spot_trading_allowed: bool
    is_margin_trading_allowed: bool
    filters: list[dict[str, object]]
    permission_sets: list[list[str]] = []


class ExchangeInfo(msgspec.Struct, rename="camel"):
    """The parts of exchangeInfo that are used."""

    rate_limits: list[_RateLimit]
    symbols: list[SymbolInfo]

    @property
    def weight_limit(self) -> int | None:
        """Request weight allowed a minute, or None where the exchange does not say."""
        for rule in self.rate_limits:
            if (rule.rate_limit_type, rule.interval, rule.interval_num) == ("REQUEST_WEIGHT", "MINUTE", 1):
                return rule.limit
        return None


# A filter's value is text; one that comes as a number keeps its digits, which a float would not.
_DECODER = msgspec.json.Decoder(ExchangeInfo, float_hook=str)

# Column to the filters that may hold it and the field's name there (binance-spot-api-docs, filters.md). The precision
# fields of exchangeInfo are not the tick and step sizes.
_FILTER_COLUMNS = {
    "tick_size": (("PRICE_FILTER",), "tickSize"),
    "min_price": (("PRICE_FILTER",), "minPrice"),
    "max_price": (("PRICE_FILTER",), "maxPrice"),
    "step_size": (("LOT_SIZE",), "stepSize"),
    "min_quantity": (("LOT_SIZE",), "minQty"),
    "max_quantity": (("LOT_SIZE",), "maxQty"),
    "min_notional": (("NOTIONAL", "MIN_NOTIONAL"), "minNotional"),
}


def fetch_exchange_info(client: RestClient) -> ExchangeInfo:
    """Ask for all symbols and limits."""
    return client.get("exchangeInfo", {}, _decode)


def _decode(body: bytes) -> ExchangeInfo:
    info = _DECODER.decode(body)
    if len({one.symbol for one in info.symbols}) < len(info.symbols):
        raise BadResponseError("exchangeInfo answered with a symbol twice")
    for one in info.symbols:
        if len({str(rule.get("filterType")) for rule in one.filters}) < len(one.filters):
            raise BadResponseError(f"exchangeInfo answered with a filter of {one.symbol} twice")
    return info


def symbols_table(market: str, symbols: Sequence[SymbolInfo], updated_at_us: int) -> pa.Table:
    """Turn symbol information into the staging table.

    Args:
        market: Such as "spot".
        symbols: As the exchange gave them.
        updated_at_us: The exchange's time in microseconds since 1970.
    """
    names = [info.symbol for info in symbols]
    filters = [{str(rule.get("filterType")): rule for rule in info.filters} for info in symbols]

    def numbers(kinds: tuple[str, ...], field: str) -> list[str | None]:
        found = (next((rules[kind].get(field) for kind in kinds if kind in rules), None) for rules in filters)
        return [None if value is None else str(value) for value in found]

    return build(
        SYMBOLS,
        len(symbols),
        {
            "market": market,
            "symbol": names,
            "status": [info.status for info in symbols],
            "base_asset": [info.base_asset for info in symbols],
            "quote_asset": [info.quote_asset for info in symbols],
            "base_asset_precision": [info.base_asset_precision for info in symbols],
            "quote_asset_precision": [info.quote_asset_precision for info in symbols],
            "is_spot_trading_allowed": [info.is_spot_trading_allowed for info in symbols],
            "is_margin_trading_allowed": [info.is_margin_trading_allowed for info in symbols],
            "order_types": [msgspec.json.encode(info.order_types).decode() for info in symbols],
            "permission_sets": [msgspec.json.encode(info.permission_sets).decode() for info in symbols],
            "updated_at": times_from_us([updated_at_us] * len(symbols)),
            **{name: decimals(numbers(*where), name, names) for name, where in _FILTER_COLUMNS.items()},
        },
    )

"""Symbols and rate limits: GET /api/v3/exchangeInfo and /fapi/v1/exchangeInfo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import msgspec
import pyarrow as pa

from exchange_engine.columns import Milliseconds, Whole, build, decimals, times_from_us
from exchange_engine.http.errors import InexactNumberError
from exchange_engine.listed import Listed, ListReader, Snapshot, as_snapshot
from exchange_engine.symbols import Assets

from ..schemas import SYMBOLS
from ..settings import SPOT, UM
from .client import RestClient

NEVER_DELIVERED_MS = 4_133_404_800_000
"""Delivery date of contracts that have none, in milliseconds since 1970."""


class _RateLimit(msgspec.Struct, rename="camel"):
    rate_limit_type: str
    interval: str
    interval_num: int
    limit: Whole


class SymbolInfo(msgspec.Struct, rename="camel", kw_only=True):
    """The fields of a symbol in the exchangeInfo of both markets. Unknown statuses and filters are accepted."""

    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    base_asset_precision: Whole
    order_types: list[str]
    filters: list[dict[str, object]]

    @property
    def onboard_us(self) -> int | None:
        """When trading began, in microseconds since 1970; None if Binance does not state it."""
        return None


class SpotSymbol(SymbolInfo, rename="camel", kw_only=True):
    """A symbol in the exchangeInfo of spot."""

    quote_asset_precision: Whole
    is_spot_trading_allowed: bool
    is_margin_trading_allowed: bool
    permission_sets: list[list[str]] = []
    contract_type: ClassVar[None] = None
    pair: ClassVar[None] = None
    margin_asset: ClassVar[None] = None
    delivery_us: ClassVar[None] = None


class Contract(SymbolInfo, rename="camel", kw_only=True):
    """A symbol in the exchangeInfo of the futures: perpetual and delivery contracts, including settled ones."""

    pair: str
    margin_asset: str
    quote_precision: Whole
    delivery_date: Milliseconds
    onboard_date: Milliseconds
    contract_type: str = ""
    is_spot_trading_allowed: ClassVar[bool] = False
    is_margin_trading_allowed: ClassVar[bool] = False
    permission_sets: ClassVar[tuple[()]] = ()

    @property
    def quote_asset_precision(self) -> int:
        """Digits of the quote asset."""
        return self.quote_precision

    @property
    def onboard_us(self) -> int:
        """When trading began, in microseconds since 1970."""
        return self.onboard_date * 1000

    @property
    def delivery_us(self) -> int | None:
        """When it is or was settled or delisted, in microseconds since 1970; None if no date is set."""
        return None if self.delivery_date == NEVER_DELIVERED_MS else self.delivery_date * 1000


class _Limits(msgspec.Struct, rename="camel"):
    rate_limits: list[_RateLimit]

    @property
    def weight_limit(self) -> int | None:
        """Request weight allowed per minute, or None if Binance does not state it."""
        for rule in self.rate_limits:
            if (rule.rate_limit_type, rule.interval, rule.interval_num) == ("REQUEST_WEIGHT", "MINUTE", 1):
                return rule.limit
        return None


@dataclass(frozen=True)
class ExchangeInfo:
    """The parts of exchangeInfo that are used.

    Attributes:
        listed: The symbols.
        assets: Assets of every symbol that has a name, including those with an odd row.
        weight_limit: Request weight allowed per minute, or None if Binance does not state it.
    """

    listed: Listed[Any]
    assets: Mapping[str, Assets]
    weight_limit: int | None

    @property
    def symbols(self) -> Sequence[Any]:
        """The symbols whose rows could be read."""
        return self.listed.rows


_LIMITS = msgspec.json.Decoder(_Limits)
# The values of filters are text. Reading a number as text keeps its digits, which a float would not.
_READERS: dict[str, ListReader[Any]] = {
    SPOT: ListReader(SpotSymbol, "symbol", "symbols", float_hook=str),
    UM: ListReader(Contract, "symbol", "symbols", float_hook=str),
}

# From column to the filters that may hold it, and the names of the field there (binance-spot-api-docs, filters.md; on
# futures, the field is notional). The precision fields of exchangeInfo are not the tick and step sizes.
_FILTER_COLUMNS = {
    "tick_size": (("PRICE_FILTER",), ("tickSize",)),
    "min_price": (("PRICE_FILTER",), ("minPrice",)),
    "max_price": (("PRICE_FILTER",), ("maxPrice",)),
    "step_size": (("LOT_SIZE",), ("stepSize",)),
    "min_quantity": (("LOT_SIZE",), ("minQty",)),
    "max_quantity": (("LOT_SIZE",), ("maxQty",)),
    "min_notional": (("NOTIONAL", "MIN_NOTIONAL"), ("minNotional", "notional")),
}


def fetch_exchange_info(client: RestClient) -> ExchangeInfo:
    """Fetch all symbols and limits; the client's budget adopts the weight limit."""
    info = client.get("exchangeInfo", {}, partial(_decode, client.market.name))
    if info.weight_limit is not None:
        client.budget.set_limit(info.weight_limit)
    return info


def _decode(market: str, body: bytes) -> ExchangeInfo:
    reader = _READERS[market]
    listed = reader.read(body)
    labels = reader.labels(listed, "base_asset", "quote_asset")
    assets = {name: Assets(*texts) for name, texts in labels.items()}
    return ExchangeInfo(listed, assets, _LIMITS.decode(body).weight_limit)


def symbols_snapshot(market: str, info: ExchangeInfo, updated_at_us: int) -> Snapshot:
    """Return symbols as the staging table, with the rows that do not fit as rejected.

    Args:
        market: Such as "spot".
        info: The exchangeInfo of the market.
        updated_at_us: Binance's time in microseconds since 1970.
    """
    return as_snapshot(info.listed, lambda one: str(one.symbol), lambda rows: _table(market, rows, updated_at_us))


def _table(market: str, symbols: Sequence[Any], updated_at_us: int) -> pa.Table:
    names = [info.symbol for info in symbols]
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
            "contract_type": [info.contract_type for info in symbols],
            "pair": [info.pair for info in symbols],
            "margin_asset": [info.margin_asset for info in symbols],
            "onboard_time": [info.onboard_us for info in symbols],
            "delivery_time": [info.delivery_us for info in symbols],
            "updated_at": times_from_us([updated_at_us] * len(symbols)),
            **filter_numbers(symbols),
        },
    )


def filter_numbers(symbols: Sequence[Any]) -> dict[str, pa.Array]:
    """Return the columns whose numbers come from filters; a missing or empty value is null.

    Raises:
        InexactNumberError: A number does not fit, or a symbol has a filter twice.
    """
    names = [info.symbol for info in symbols]
    filters = [_filters(info) for info in symbols]

    def numbers(kinds: tuple[str, ...], fields: tuple[str, ...]) -> list[str | None]:
        places = [(kind, field) for kind in kinds for field in fields]
        found = (
            next((rules[kind][field] for kind, field in places if field in rules.get(kind, ())), None)
            for rules in filters
        )
        return [None if value in (None, "") else str(value) for value in found]

    return {name: decimals(numbers(*where), name, names) for name, where in _FILTER_COLUMNS.items()}


def _filters(info: Any) -> dict[str, dict[str, object]]:
    by_kind = {str(rule.get("filterType")): rule for rule in info.filters}
    if len(by_kind) < len(info.filters):
        raise InexactNumberError(f"row {info.symbol}: a filter is there twice")
    return by_kind

"""What exchangeInfo says of each symbol, and since when: no venue gives its past state."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from exchange_engine.columns import build
from exchange_engine.listed import Listed, as_snapshot

from ..schemas import EXCHANGE_INFO_HISTORY
from .symbols import ExchangeInfo, filter_numbers

_GONE = ""
"""Fingerprint of a symbol that exchangeInfo no longer lists."""

_FINGERPRINT_CHARACTERS = 12

_FIELDS = (
    "status", "base_asset", "quote_asset", "contract_type", "is_spot_trading_allowed", "is_margin_trading_allowed",
)  # fmt: skip
_LISTS = ("order_types", "permission_sets", "filters")


def changes(market: str, info: ExchangeInfo, seen: dict[str, str], now_us: int) -> pa.Table:
    """Return a row for each symbol whose exchangeInfo has changed, or that is no longer listed.

    Args:
        market: Such as "spot".
        info: The exchangeInfo of the market; rows that cannot be read change nothing.
        seen: The last fingerprint by market and symbol; updated in place.
        now_us: Binance's time in microseconds since 1970.
    """
    prefix = f"{market}|"
    said = {one.symbol: _fingerprint(one) for one in info.symbols}
    changed = [one for one in info.symbols if seen.get(prefix + one.symbol) != said[one.symbol]]
    # Rows that do not fit are reported by the snapshot of the symbols.
    fitting = as_snapshot(Listed(changed), lambda one: str(one.symbol), lambda rows: _table(market, rows, now_us)).rows
    seen.update({prefix + name: said[name] for name in fitting["symbol"].to_pylist()})
    before = [key.removeprefix(prefix) for key, one in seen.items() if key.startswith(prefix) and one != _GONE]
    # A row without a name may belong to a symbol that seems to be gone.
    gone = [] if info.listed.unnamed else [name for name in before if name not in info.assets]
    seen.update({prefix + name: _GONE for name in gone})
    return pa.concat_tables([fitting, _gone_table(market, gone, now_us)])


def _fingerprint(one: Any) -> str:
    said = [getattr(one, name) for name in (*_FIELDS, *_LISTS)]
    return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()[:_FINGERPRINT_CHARACTERS]


def _table(market: str, rows: Sequence[Any], now_us: int) -> pa.Table:
    lists = {name: [msgspec.json.encode(getattr(one, name)).decode() for one in rows] for name in _LISTS}
    said = {name: [getattr(one, name) for one in rows] for name in _FIELDS}
    return _build(market, [one.symbol for one in rows], now_us, True, {**said, **lists, **filter_numbers(rows)})


def _gone_table(market: str, names: Sequence[str], now_us: int) -> pa.Table:
    nothing: list[None] = [None] * len(names)
    return _build(market, names, now_us, False, dict.fromkeys(EXCHANGE_INFO_HISTORY.schema.names[4:], nothing))


def _build(market: str, names: Sequence[str], now_us: int, is_listed: bool, said: Mapping[str, Any]) -> pa.Table:
    count = len(names)
    key = {"market": market, "symbol": list(names), "first_seen_at": [now_us] * count}
    return build(EXCHANGE_INFO_HISTORY, count, {**key, "is_listed": [is_listed] * count, **said})

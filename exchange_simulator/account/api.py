"""The signed endpoints of the spot API, and the truth about the account."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa

from exchange_simulator import errors, parameters
from exchange_simulator.account.history import Account, OwnTrade
from exchange_simulator.binance import TruthOf, compact_json
from exchange_simulator.endpoint import Call, Endpoint, fixed
from exchange_simulator.hidden_rows import RowKind, page_without
from exchange_simulator.market.base import Market, Selection
from exchange_simulator.market.truth import DECIMAL, TIMESTAMP
from exchange_simulator.parameters import Parameter, Values
from exchange_simulator.venue import TruthError

_ONE: Final = Decimal("0.00000001")
_DAY_US: Final = 86_400_000_000
_TRADE_ROWS: Final = RowKind(time="time", id="id")
# The combinations of these that are allowed.
_SELECTORS: Final = ("orderId", "startTime", "endTime", "fromId")
_ALLOWED: Final = frozenset(
    map(
        frozenset,
        [(), ("orderId",), ("startTime",), ("endTime",), ("fromId",), ("startTime", "endTime"), ("orderId", "fromId")],
    )
)
_COMMISSIONS: Final = {"makerCommission": 10, "takerCommission": 10, "buyerCommission": 0, "sellerCommission": 0}
_BALANCES_SCHEMA: Final = pa.schema([("asset", pa.string()), ("free", DECIMAL), ("locked", DECIMAL)])
_TRADES_SCHEMA: Final = pa.schema(
    [
        ("symbol", pa.string()),
        ("trade_id", pa.int64()),
        ("order_id", pa.int64()),
        ("price", DECIMAL),
        ("quantity", DECIMAL),
        ("quote_quantity", DECIMAL),
        ("commission", DECIMAL),
        ("commission_asset", pa.string()),
        ("trade_time", TIMESTAMP),
        ("is_buyer", pa.bool_()),
        ("is_maker", pa.bool_()),
    ]
)


def _text(value: Decimal) -> str:
    return f"{value.quantize(_ONE):f}"


def _row(call: Call[Market], trade: OwnTrade) -> dict[str, Any]:
    return {
        "symbol": trade.symbol,
        "id": trade.trade_id,
        "orderId": trade.order_id,
        "orderListId": -1,
        "price": _text(trade.price),
        "qty": _text(trade.quantity),
        "quoteQty": _text(trade.quote_quantity),
        "commission": _text(trade.commission),
        "commissionAsset": trade.commission_asset,
        "time": trade.time if call.microseconds else trade.time // 1000,
        "isBuyer": trade.is_buyer,
        "isMaker": trade.is_maker,
        "isBestMatch": True,
    }


def _chosen(trades: Sequence[OwnTrade], wanted: Selection, order_id: int | None) -> Sequence[OwnTrade]:
    """Return the requested trades: the oldest from a start or an id on, or the latest ones."""
    found = [
        trade
        for trade in trades
        if (order_id is None or trade.order_id == order_id)
        and (wanted.from_id is None or trade.trade_id >= wanted.from_id)
        and (wanted.start is None or trade.time >= wanted.start)
        and (wanted.end is None or trade.time <= wanted.end)
    ]
    takes_latest = wanted.takes_latest and order_id is None
    return found[-wanted.limit :] if takes_latest else found[: wanted.limit]


def account_endpoints(account: Account) -> tuple[Endpoint[Market], ...]:
    """Return the signed endpoints of an account."""

    def information(call: Call[Market], values: Values) -> bytes:
        balances = account.balances(call.now)
        if values["omitZeroBalances"]:
            balances = [balance for balance in balances if balance.free or balance.locked]
        rates = {"maker": "0.00100000", "taker": "0.00100000", "buyer": "0.00000000", "seller": "0.00000000"}
        return compact_json(
            {
                **_COMMISSIONS,
                "commissionRates": rates,
                "canTrade": True,
                "canWithdraw": False,
                "canDeposit": True,
                "brokered": False,
                "requireSelfTradePrevention": False,
                "preventSor": False,
                "updateTime": call.time(call.now // 1000),
                "accountType": "SPOT",
                "balances": [
                    {"asset": balance.asset, "free": _text(balance.free), "locked": _text(balance.locked)}
                    for balance in balances
                ],
                "permissions": ["SPOT"],
                "uid": 1,
            }
        )

    def my_trades(call: Call[Market], values: Values) -> bytes:
        symbol = values["symbol"]
        if frozenset(name for name in _SELECTORS if values[name] is not None) not in _ALLOWED:
            raise errors.bad_combination()
        start, end = values["startTime"], values["endTime"]
        if start is not None and end is not None and end.first - start.first > _DAY_US:
            raise errors.window_too_wide("24 hours")
        if symbol not in call.market.symbols(call.now):
            raise errors.bad_symbol()
        wanted = Selection(values["limit"], start and start.first, end and end.last, values["fromId"])
        trades = account.trades(symbol, call.now)

        def fetch(part: Selection) -> bytes:
            return compact_json([_row(call, trade) for trade in _chosen(trades, part, values["orderId"])])

        return page_without(call.lost, _TRADE_ROWS, wanted, call.microseconds, fetch)

    return (
        Endpoint(
            "account",
            (Parameter("omitZeroBalances", parameters.flag, default=False),),
            fixed(20),
            information,
            is_signed=True,
        ),
        Endpoint(
            "myTrades",
            (
                Parameter("symbol", parameters.symbol, required=True),
                Parameter("orderId", parameters.integer),
                Parameter("startTime", parameters.moment),
                Parameter("endTime", parameters.moment),
                Parameter("fromId", parameters.integer),
                Parameter("limit", parameters.limit_of(1000), default=500),
            ),
            lambda values: 5 if values.get("orderId") is not None else 20,
            my_trades,
            has_rows=True,
            is_signed=True,
        ),
    )


def account_truths(account: Account) -> dict[str, TruthOf]:
    """Return the truth about the account."""

    def balances(_query: Mapping[str, str], _start: int, _end: int, now: int) -> pa.Table:
        found = account.balances(now)
        columns = [
            [balance.asset for balance in found],
            [balance.free for balance in found],
            [balance.locked for balance in found],
        ]
        return pa.table(columns, schema=_BALANCES_SCHEMA)

    def trades(query: Mapping[str, str], start: int, end: int, now: int) -> pa.Table:
        symbol = query.get("symbol", "")
        if not symbol:
            raise TruthError("symbol is missing")
        found = [trade for trade in account.trades(symbol, now) if start <= trade.time <= end]
        times = [trade.time for trade in found]
        names = [name for name in _TRADES_SCHEMA.names if name != "trade_time"]
        columns = {name: [getattr(trade, name) for trade in found] for name in names} | {"trade_time": times}
        return pa.table([pa.array(columns[field.name], field.type) for field in _TRADES_SCHEMA], schema=_TRADES_SCHEMA)

    return {"account_balances": balances, "account_trades": trades}

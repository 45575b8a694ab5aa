"""One account: some of the market's trades are its own, and determine its balances. Times in microseconds."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np

from exchange_simulator.market.account_config import AccountSpec, Habit
from exchange_simulator.market.generated import GeneratedSymbol
from exchange_simulator.market.hashing import hashes, stream_key
from exchange_simulator.market.intervals import DAY_US

_SHARE_OF_A_TRADE: Final = 10
_MOST_HELD: Final = 8
_TRADES_OF_AN_ORDER: Final = 3
_FEE_DIVISOR: Final = 1000
_FEE_STEP: Final = Decimal("0.00000001")
_FEE_ASSET: Final = "BNB"
_FEE_IN_ITS_ASSET: Final = Decimal("0.00001234")


@dataclass(frozen=True)
class OwnTrade:
    """A trade of the account."""

    symbol: str
    trade_id: int
    order_id: int
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    commission: Decimal
    commission_asset: str
    time: int
    is_buyer: bool
    is_maker: bool


class _SymbolHistory:
    """The account's trades of one symbol, generated day by day and kept."""

    def __init__(self, symbol: GeneratedSymbol, habit: Habit, seed: int) -> None:
        self._symbol = symbol
        self._habit = habit
        self._key = stream_key(seed, "account", symbol.spec.name)
        self._next_day = symbol.series.first_day
        self._held = 0
        self._trades: list[OwnTrade] = []

    def until(self, now: int) -> list[OwnTrade]:
        """Return the trades before `now`, oldest first."""
        for day in range(self._next_day, (now - 1) // DAY_US + 1):
            self._trades += self._of_day(day)
            self._next_day = day + 1
        return [trade for trade in self._trades if trade.time < now]

    def _of_day(self, day: int) -> Iterator[OwnTrade]:
        chance = int(hashes(self._key, np.array([day], dtype=np.int64))[0])
        if chance % self._habit.every_days:
            return
        trades = self._symbol.series.day(day)
        count = min(self._habit.a_day, len(trades.time))
        step = len(trades.time) // max(count, 1)
        order_id = 0
        for number in range(count):
            # One in each stretch of the day, so that ids ascend with gaps.
            index = number * step + (chance >> number % 32) % max(step, 1)
            trade_id = trades.first_id + index
            if number % _TRADES_OF_AN_ORDER == 0:
                order_id = 2 * trade_id + 11
            quantity = max(int(trades.quantity[index]) // _SHARE_OF_A_TRADE, 1)
            is_buyer = self._held < quantity or (self._held < _MOST_HELD * quantity and bool(chance >> number % 29 & 1))
            self._held += quantity if is_buyer else -quantity
            yield self._trade(
                trade_id,
                order_id,
                int(trades.price[index]),
                quantity,
                int(trades.time[index]),
                is_buyer=is_buyer,
                is_maker=is_buyer != bool(trades.is_buy[index]),
            )

    def _trade(
        self, trade_id: int, order_id: int, ticks: int, steps: int, time: int, *, is_buyer: bool, is_maker: bool
    ) -> OwnTrade:
        spec = self._symbol.spec
        price = Decimal(ticks).scaleb(-spec.tick_decimals)
        quantity = Decimal(steps).scaleb(-spec.step_decimals)
        received = quantity if is_buyer else price * quantity
        fee, asset = (received / _FEE_DIVISOR).quantize(_FEE_STEP), spec.base_asset if is_buyer else spec.quote_asset
        if trade_id % 5 == 0:
            fee, asset = _FEE_IN_ITS_ASSET, _FEE_ASSET
        return OwnTrade(
            spec.name, trade_id, order_id, price, quantity, price * quantity, fee, asset, time, is_buyer, is_maker
        )


@dataclass(frozen=True)
class Balance:
    """What the account has of an asset."""

    asset: str
    free: Decimal
    locked: Decimal


class Account:
    """The account: its trades by symbol, and its balances."""

    def __init__(self, spec: AccountSpec, symbols: Mapping[str, GeneratedSymbol], seed: int) -> None:
        self._spec = spec
        self._symbols = symbols
        self._histories = {habit.symbol: _SymbolHistory(symbols[habit.symbol], habit, seed) for habit in spec.habits}

    def trades(self, symbol: str, now: int) -> Sequence[OwnTrade]:
        """Return the trades of a symbol before `now`, oldest first."""
        history = self._histories.get(symbol)
        return [] if history is None else history.until(now)

    def balances(self, now: int) -> list[Balance]:
        """Return the balances of all assets by name; they are zero for assets that the account never had."""
        free: defaultdict[str, Decimal] = defaultdict(Decimal)
        for symbol in self._symbols.values():
            free[symbol.spec.base_asset] += 0
            free[symbol.spec.quote_asset] += 0
        for deposit in self._spec.deposits:
            free[deposit.asset] += deposit.free
        locked = {deposit.asset: deposit.locked for deposit in self._spec.deposits}
        for name in self._histories:
            spec = self._symbols[name].spec
            for trade in self.trades(name, now):
                sign = 1 if trade.is_buyer else -1
                free[spec.base_asset] += sign * trade.quantity
                free[spec.quote_asset] -= sign * trade.quote_quantity
                free[trade.commission_asset] -= trade.commission
        return [Balance(asset, free[asset], locked.get(asset, Decimal(0))) for asset in sorted(free)]

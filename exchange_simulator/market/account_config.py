"""The account in the market file: [account]. Documented in the README."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from exchange_simulator.market.config_tables import ConfigTable, MarketFileError


@dataclass(frozen=True)
class Deposit:
    """What the account had of an asset before its first trade."""

    asset: str
    free: Decimal
    locked: Decimal


@dataclass(frozen=True)
class Habit:
    """How the account trades a symbol: on one day out of so many, so many times."""

    symbol: str
    every_days: int
    a_day: int


@dataclass(frozen=True)
class AccountSpec:
    """The account of a market file."""

    deposits: tuple[Deposit, ...] = ()
    habits: tuple[Habit, ...] = ()


def parse_account(table: ConfigTable, symbols: Sequence[str]) -> AccountSpec:
    """Read [account] of a market file."""
    own = ConfigTable("account", table.take("account", Mapping, {}))
    spec = AccountSpec(
        tuple(_deposit(index, entry) for index, entry in own.tables("deposit")),
        tuple(_habit(index, entry, symbols) for index, entry in own.tables("trades")),
    )
    own.check_nothing_left()
    return spec


def _deposit(index: int, entry: Mapping[str, Any]) -> Deposit:
    table = ConfigTable(f"account, deposit {index}", entry)
    locked = table.decimal("locked") if "locked" in table.rest else Decimal(0)
    deposit = Deposit(table.take("asset", str), table.decimal("free"), locked)
    table.check_nothing_left()
    return deposit


def _habit(index: int, entry: Mapping[str, Any], symbols: Sequence[str]) -> Habit:
    table = ConfigTable(f"account, trades {index}", entry)
    habit = Habit(table.take("symbol", str), table.take("every_days", int, 1), table.take("a_day", int, 1))
    table.check_nothing_left()
    if habit.symbol not in symbols:
        raise MarketFileError(f"{table.label}: {habit.symbol} is no [[symbol]]")
    if habit.every_days < 1 or habit.a_day < 1:
        raise MarketFileError(f"{table.label}: every_days and a_day must be 1 or more")
    return habit

"""The market file: which symbols exist, how they trade, and what happens to them. Documented in the README."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import ParseError

from exchange_simulator.market.account_config import AccountSpec, parse_account
from exchange_simulator.market.calendar import FOREVER_US, Calendar, Outage
from exchange_simulator.market.config_tables import ConfigTable, MarketFileError
from exchange_simulator.market.contracts import ContractTerms, FuturesSettings, parse_settings, parse_terms
from exchange_simulator.market.intervals import MINUTE_US

BUILT_IN_MARKETS = ("default", "tests")
_LARGEST_SUM = 9 * 10**18
_MONTH_MINUTES = 31 * 24 * 60
_MAX_TRADES_PER_MINUTE = 600


@dataclass(frozen=True)
class SymbolSpec:
    """One symbol of the market file."""

    name: str
    base_asset: str
    quote_asset: str
    tick_decimals: int
    step_decimals: int
    base_price: int
    """In ticks."""
    usual_quantity: int
    """In steps."""
    trades_per_day: int
    volatility: int
    """In percent."""
    min_notional: str
    calendar: Calendar
    tombstones: tuple[tuple[int, int], ...] = ()
    status: str | None = None


@dataclass(frozen=True)
class ContractSpec:
    """One futures contract of the market file."""

    symbol: SymbolSpec
    terms: ContractTerms


@dataclass(frozen=True)
class MarketSpec:
    """A whole market file."""

    seed: int
    symbols: tuple[SymbolSpec, ...] = field(default_factory=tuple)
    contracts: tuple[ContractSpec, ...] = ()
    futures: FuturesSettings = field(default_factory=FuturesSettings)
    account: AccountSpec = field(default_factory=AccountSpec)


def load_market(name_or_path: str) -> MarketSpec:
    """Read a built-in market by name or a market file by path. Raises MarketFileError or OSError."""
    path = Path(name_or_path)
    if name_or_path in BUILT_IN_MARKETS:
        path = Path(__file__).with_name(f"{name_or_path}.toml")
    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8")).unwrap()
    except ParseError as error:
        raise MarketFileError(f"{path}: not valid TOML: {error}") from error
    try:
        return parse_market(document)
    except MarketFileError as error:
        raise MarketFileError(f"{path}: {error}") from error


def parse_market(document: Mapping[str, Any]) -> MarketSpec:
    """Check a market file's content and return what it describes."""
    table = ConfigTable("the market", document)
    seed = table.take("seed", int, 1)
    outages = _outages(table)
    symbols = [_symbol(ConfigTable(f"symbol {index}", entry), outages) for index, entry in table.tables("symbol")]
    for index, entry in table.tables("family"):
        family = ConfigTable(f"family {index}", entry)
        pattern, count = family.take("name", str), family.take("count", int)
        if "{" not in pattern:
            raise MarketFileError(f"family {index}: name needs a place for the number, such as SYM{{:03d}}USDT")
        for number in range(count):
            name = pattern.format(number)
            quote = str(entry.get("quote_asset", "USDT"))
            member = {**family.rest, "name": name, "base_asset": name.removesuffix(quote), "quote_asset": quote}
            symbols.append(_symbol(ConfigTable(name, member), outages))
    futures, contracts = parse_settings(table), _contracts(table, symbols)
    account = parse_account(table, [symbol.name for symbol in symbols])
    table.check_nothing_left()
    names = [symbol.name for symbol in symbols]
    if not names:
        raise MarketFileError("no [[symbol]] and no [[family]]: nothing to trade")
    _check_names("symbol", names)
    return MarketSpec(seed, tuple(symbols), contracts, futures, account)


def _contracts(table: ConfigTable, symbols: Sequence[SymbolSpec]) -> tuple[ContractSpec, ...]:
    """Read the futures contracts; their prices and volatilities are those of the symbols that they follow."""
    spot = {symbol.name: symbol for symbol in symbols}
    contracts = []
    for index, entry in table.tables("um"):
        name = str(entry.get("name", f"number {index}"))
        terms, rest = parse_terms(name, entry, list(spot))
        followed = spot[terms.follows]
        given = sorted({"price", "volatility"} & set(rest))
        if given:
            raise MarketFileError(f"um {name}: {', '.join(given)} is that of {terms.follows}")
        rest = {"base_asset": followed.base_asset, "quote_asset": followed.quote_asset, **rest}
        price = Decimal(followed.base_price).scaleb(-followed.tick_decimals) * terms.multiplier
        symbol = _symbol(ConfigTable(name, {**rest, "price": f"{price:f}", "volatility": followed.volatility}), ())
        contracts.append(ContractSpec(symbol, terms))
    _check_names("um", [contract.symbol.name for contract in contracts])
    return tuple(contracts)


def _check_names(kind: str, names: Sequence[str]) -> None:
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise MarketFileError(f"{kind} names used twice: {', '.join(repeated)}")


def _decimals(table: ConfigTable, key: str, default: str) -> int:
    """Read a power of ten such as 0.01, and return its number of decimals."""
    value = table.decimal(key, default)
    exponent = value.normalize().as_tuple().exponent
    if value != Decimal(1).scaleb(int(exponent)) or not -8 <= int(exponent) <= 0:
        raise MarketFileError(f"{table.label}: {key} = {value} is not one of 1, 0.1, ... 0.00000001")
    return -int(exponent)


def _outages(table: ConfigTable) -> tuple[Outage, ...]:
    outages = []
    for index, entry in table.tables("outage"):
        outage = ConfigTable(f"{table.label}, outage {index}", entry)
        start, end = _stretch(outage)
        outages.append(Outage(start, end, outage.take("early_close", bool, True)))
        outage.check_nothing_left()
    return tuple(outages)


def _stretch(table: ConfigTable) -> tuple[int, int]:
    start, end = table.time("start"), table.time("end")
    if start >= end or start % 1000 or end % 1000:
        raise MarketFileError(f"{table.label}: start must be before end, both in whole milliseconds")
    return start, end


def _calendar(table: ConfigTable, exchange_outages: tuple[Outage, ...]) -> Calendar:
    listed = table.time("listed")
    ends, halted = table.time("ends", FOREVER_US), table.time("halted", FOREVER_US)
    if listed % MINUTE_US or (ends % MINUTE_US and ends != FOREVER_US):
        raise MarketFileError(f"{table.label}: listed and ends must be whole minutes")
    dead = []
    for index, entry in table.tables("dead"):
        stretch = ConfigTable(f"{table.label}, dead {index}", entry)
        dead.append(_stretch(stretch))
        stretch.check_nothing_left()
    calendar = Calendar(listed, ends, halted, tuple(dead), exchange_outages + _outages(table))
    if any(start <= listed < end for start, end in calendar.quiet()[1:]):
        raise MarketFileError(f"{table.label}: it must trade in the minute of its listing")
    return calendar


def _symbol(table: ConfigTable, exchange_outages: tuple[Outage, ...]) -> SymbolSpec:
    name = table.take("name", str)
    table.label = f"symbol {name}"
    tick_decimals, step_decimals = _decimals(table, "tick_size", "0.01"), _decimals(table, "step_size", "0.00001")
    per_minute = table.take("trades_per_minute", int | float, 10)
    tombstones = []
    for index, entry in table.tables("tombstones"):
        buried = ConfigTable(f"symbol {name}, tombstones {index}", entry)
        tombstones.append((buried.time("time"), buried.take("count", int, 1)))
        buried.check_nothing_left()
    spec = SymbolSpec(
        name=name,
        base_asset=table.take("base_asset", str),
        quote_asset=table.take("quote_asset", str),
        tick_decimals=tick_decimals,
        step_decimals=step_decimals,
        base_price=int(table.decimal("price").scaleb(tick_decimals)),
        usual_quantity=int(table.decimal("usual_quantity").scaleb(step_decimals)),
        trades_per_day=int(per_minute * 1440),
        volatility=table.take("volatility", int, 100),
        min_notional=f"{table.decimal('min_notional', '5'):.8f}",
        calendar=_calendar(table, exchange_outages),
        tombstones=tuple(sorted(tombstones)),
        status=table.take("status", str, None),
    )
    table.check_nothing_left()
    _check_range(spec)
    return spec


def _check_range(spec: SymbolSpec) -> None:
    """Refuse what would exceed the integers in which prices, quantities and sums are kept."""
    problems = {
        "tick_size and step_size have more than 8 decimals together": spec.tick_decimals + spec.step_decimals > 8,
        "price is below 20 ticks": spec.base_price < 20,
        "usual_quantity is below one step": spec.usual_quantity < 1,
        f"trades_per_minute is not between 0 and {_MAX_TRADES_PER_MINUTE}": not (
            0 < spec.trades_per_day <= _MAX_TRADES_PER_MINUTE * 1440
        ),
        "volatility is not between 0 and 200 (percent)": not 0 <= spec.volatility <= 200,
    }
    for problem, is_present in problems.items():
        if is_present:
            raise MarketFileError(f"symbol {spec.name}: {problem}")
    month = spec.base_price * spec.usual_quantity * spec.trades_per_day * _MONTH_MINUTES // 1440 * 2
    if month > _LARGEST_SUM:
        raise MarketFileError(
            f"symbol {spec.name}: a month's quote volume in ticks times steps, about {month}, is above {_LARGEST_SUM}:"
            " make price, usual_quantity or trades_per_minute smaller, or tick_size or step_size larger"
        )

"""The futures contracts in the market file: [[um]] and [futures], documented in the README. Times in microseconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from exchange_simulator.market.calendar import FOREVER_US
from exchange_simulator.market.config_tables import ConfigTable, MarketFileError

_FUNDING_HOURS: Final = (1, 2, 4, 8)
_LARGEST_MULTIPLIER: Final = 1_000_000
_OWN_KEYS: Final = frozenset({"follows", "multiplier", "pair", "contract_type", "announced", "delivery", "funding"})


@dataclass(frozen=True)
class FundingChange:
    """From `start` on funding is paid at whole multiples of `hours` (UTC)."""

    start: int
    hours: int


@dataclass(frozen=True)
class ContractTerms:
    """What a contract has beyond a spot symbol."""

    follows: str
    """The spot symbol whose price it follows."""
    multiplier: int
    """How many units of the spot market one of its own is."""
    pair: str
    contract_type: str
    """As in exchangeInfo; QUARTER stands for the one that depends on the time."""
    announced: int
    """From here on it is in exchangeInfo, before it trades."""
    delivery: int
    funding: tuple[FundingChange, ...]
    """Empty for contracts without funding."""


@dataclass(frozen=True)
class FuturesSettings:
    """Since when the API and the archive look as they do today."""

    funding_mark_price_since: int = 0
    """Before, rows of fundingRate have no price, or an empty one."""
    funding_rate_type_since: int = 0
    """Before, rows of fundingRate have no rateType."""
    archive_header_since: int = 0
    """Before, files have no header."""


def parse_settings(table: ConfigTable) -> FuturesSettings:
    """Read [futures] of a market file."""
    own = ConfigTable("futures", table.take("futures", Mapping, {}))
    settings = FuturesSettings(
        own.time("funding_mark_price_since", 0),
        own.time("funding_rate_type_since", 0),
        own.time("archive_header_since", 0),
    )
    own.check_nothing_left()
    return settings


def parse_terms(name: str, entry: Mapping[str, Any], spot: Sequence[str]) -> tuple[ContractTerms, dict[str, Any]]:
    """Return the terms of one [[um]], and its remaining keys, which are those of a symbol."""
    table = ConfigTable(f"um {name}", {key: value for key, value in entry.items() if key in _OWN_KEYS | {"listed"}})
    listed = table.time("listed")
    follows = table.take("follows", str, name.partition("_")[0])
    if follows not in spot:
        raise MarketFileError(f"um {name}: it follows {follows}, which is no [[symbol]]")
    multiplier = table.take("multiplier", int, 1)
    if not 1 <= multiplier <= _LARGEST_MULTIPLIER:
        raise MarketFileError(f"um {name}: multiplier = {multiplier} is not between 1 and {_LARGEST_MULTIPLIER}")
    delivery = table.time("delivery", FOREVER_US)
    terms = ContractTerms(
        follows=follows,
        multiplier=multiplier,
        pair=table.take("pair", str, name.partition("_")[0]),
        contract_type=table.take("contract_type", str, "PERPETUAL"),
        announced=table.time("announced", listed),
        delivery=delivery,
        funding=_funding(table, listed),
    )
    table.check_nothing_left()
    return terms, {key: value for key, value in entry.items() if key not in _OWN_KEYS}


def _funding(table: ConfigTable, listed: int) -> tuple[FundingChange, ...]:
    changes = []
    for index, entry in enumerate(table.take("funding", list, [{"hours": 8}]), start=1):
        change = ConfigTable(f"{table.label}, funding {index}", entry)
        hours = change.take("hours", int)
        if hours not in _FUNDING_HOURS:
            raise MarketFileError(
                f"{change.label}: hours = {hours} is not one of {', '.join(map(str, _FUNDING_HOURS))}"
            )
        changes.append(FundingChange(change.time("start", listed), hours))
        change.check_nothing_left()
    if [change.start for change in changes] != sorted({change.start for change in changes}):
        raise MarketFileError(f"{table.label}: the changes of funding must be in the order of their start")
    return tuple(changes)

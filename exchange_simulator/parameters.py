"""Query parameters: what each endpoint takes, and how texts are checked and converted."""

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exchange_simulator import errors
from exchange_simulator.market.intervals import FIXED_INTERVALS, INTERVALS, MINUTE

Values = dict[str, Any]
_INTEGER_PATTERN = "^[0-9]{1,20}$"
_INTEGER = re.compile(r"[0-9]{1,20}", re.ASCII)
_SYMBOL_PATTERN = r"^[\w\-._]{1,50}$"
_SYMBOL = re.compile(r"[\w\-._]{1,50}")
_ZONE = re.compile(r"([+-]?)(\d{1,2})(?::([0-5]\d))?", re.ASCII)
_ZONE_RANGE_MINUTES = (-12 * 60, 14 * 60)
_LARGEST_INTEGER = (1 << 63) - 1
# A time above this is in microseconds: in milliseconds it would be the year 5138.
_LARGEST_MILLISECONDS = 100_000_000_000_000
_SYMBOL_STATUSES = ("TRADING", "HALT", "BREAK")


@dataclass(frozen=True)
class Moment:
    """A time in a request: the microseconds that it covers, 1,000 of them if it was in milliseconds."""

    first: int
    last: int


@dataclass(frozen=True)
class Parameter:
    """One query parameter; `parse` gets the parameter's name and text."""

    name: str
    parse: Callable[[str, str], Any]
    required: bool = False
    default: Any = None


def parse_query(parameters: Sequence[Parameter], query: Sequence[tuple[str, str]]) -> Values:
    """Return the value of every parameter of the endpoint. Raises ApiError as Binance does."""
    known = {parameter.name for parameter in parameters}
    sent: dict[str, str] = {}
    if query and not known:
        raise errors.too_many_parameters(0, len(query))
    for name, text in query:
        if name not in known:
            raise errors.unknown_parameter()
        if name in sent:
            raise errors.duplicate_parameter()
        sent[name] = text
    values: Values = {}
    for parameter in parameters:
        text = sent.get(parameter.name, "")
        if text:
            values[parameter.name] = parameter.parse(parameter.name, text)
        elif parameter.required:
            raise errors.missing_parameter(parameter.name)
        elif parameter.name in sent:
            raise errors.empty_parameter(parameter.name)
        else:
            values[parameter.name] = parameter.default
    return values


def integer(name: str, text: str) -> int:
    """Parse a whole number; 1.5E12, 10.0 and -1 are illegal characters."""
    if not _INTEGER.fullmatch(text):
        raise errors.illegal_characters(name, _INTEGER_PATTERN)
    value = int(text)
    if value > _LARGEST_INTEGER:
        raise errors.overflow(name)
    return value


def moment(name: str, text: str) -> Moment:
    """Parse a time in milliseconds or microseconds."""
    value = integer(name, text)
    if value > _LARGEST_MILLISECONDS:
        return Moment(value, value)
    return Moment(value * 1000, value * 1000 + 999)


def milliseconds(name: str, text: str) -> Moment:
    """Parse a time in milliseconds, the only unit of futures."""
    value = min(integer(name, text), _LARGEST_MILLISECONDS)
    return Moment(value * 1000, value * 1000 + 999)


def symbol(name: str, text: str) -> str:
    """Parse the name of a symbol; the endpoint checks whether it exists."""
    if not _SYMBOL.fullmatch(text):
        raise errors.illegal_characters(name, _SYMBOL_PATTERN)
    return text


def symbols(name: str, text: str) -> list[str]:
    """Parse a JSON array of distinct symbols."""
    names = _json_texts(name, text)
    if len(set(names)) < len(names):
        raise errors.repeated_symbol()
    return [symbol(name, entry) for entry in names]


def permissions(name: str, text: str) -> list[str]:
    """Parse one permission, or a JSON array of them."""
    return _json_texts(name, text) if text.startswith("[") else [text]


def _json_texts(name: str, text: str) -> list[str]:
    try:
        entries = json.loads(text)
    except json.JSONDecodeError as error:
        raise errors.bad_json() from error
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, str) for entry in entries):
        raise errors.bad_value(name)
    return entries


def interval(_name: str, text: str) -> str:
    """Parse a kline interval; it is case-sensitive."""
    if text not in INTERVALS:
        raise errors.bad_interval()
    return text


def interval_of_minutes(name: str, text: str) -> str:
    """Parse a kline interval of the futures: none is shorter than a minute."""
    if FIXED_INTERVALS.get(text, MINUTE) < MINUTE:
        raise errors.bad_interval()
    return interval(name, text)


def one_of(known: Collection[str]) -> Callable[[str, str], str]:
    """Return a parser of a name from a list."""

    def parse(name: str, text: str) -> str:
        if text not in known:
            raise errors.bad_value(name)
        return text

    return parse


def zone(name: str, text: str) -> int:
    """Parse a timeZone such as 0, 8, -1:00 or 05:45 and return it in microseconds."""
    match = _ZONE.fullmatch(text)
    if not match:
        raise errors.bad_value(name)
    sign, hours, minutes = match.groups()
    offset = (int(hours) * 60 + int(minutes or 0)) * (-1 if sign == "-" else 1)
    if not _ZONE_RANGE_MINUTES[0] <= offset <= _ZONE_RANGE_MINUTES[1]:
        raise errors.bad_value(name)
    return offset * 60_000_000


def flag(name: str, text: str) -> bool:
    """Parse true or false."""
    if text.lower() not in ("true", "false"):
        raise errors.illegal_characters(name, "^(true|false)$")
    return text.lower() == "true"


def symbol_status(_name: str, text: str) -> str:
    """Parse a symbol status."""
    if text not in _SYMBOL_STATUSES:
        raise errors.bad_symbol_status()
    return text


def ticker_type(_name: str, text: str) -> str:
    """Parse FULL or MINI."""
    if text not in ("FULL", "MINI"):
        raise errors.bad_ticker_type()
    return text


def limit_of(largest: int) -> Callable[[str, str], int]:
    """Return a parser of limits: 0 is refused, more than the largest is reduced to it."""

    def parse(name: str, text: str) -> int:
        value = integer(name, text)
        if value == 0:
            raise errors.bad_value(name)
        return min(value, largest)

    return parse


def limit_up_to(largest: int) -> Callable[[str, str], int]:
    """Return a parser of limits: 0 and more than the largest are refused."""

    def parse(name: str, text: str) -> int:
        value = integer(name, text)
        if not 1 <= value <= largest:
            raise errors.bad_value(name)
        return value

    return parse


def microseconds_wanted(headers: Mapping[str, str]) -> bool:
    """Return whether the X-MBX-TIME-UNIT header requests microseconds."""
    unit = headers.get("X-MBX-TIME-UNIT")
    if unit is None or unit in ("MILLISECOND", "millisecond"):
        return False
    if unit not in ("MICROSECOND", "microsecond"):
        raise errors.bad_time_unit()
    return True

"""Tables of a market file, in which every key must be known. Times in microseconds UTC."""

from collections.abc import Mapping
from datetime import date, datetime, timezone
from decimal import Decimal, InvalidOperation
from types import UnionType
from typing import Any


class MarketFileError(ValueError):
    """The market file is invalid; the text says what and where."""


class ConfigTable:
    """A TOML table from which every key must be taken, so that unknown keys are noticed."""

    def __init__(self, label: str, content: Mapping[str, Any]) -> None:
        if not isinstance(content, Mapping):
            raise MarketFileError(f"{label}: expected a table")
        self.label = label
        self.rest = dict(content)

    def take(self, key: str, kind: type | UnionType, *default: Any) -> Any:
        """Take a value of a type, or the default. Raises MarketFileError."""
        if key not in self.rest:
            if default:
                return default[0]
            raise MarketFileError(f"{self.label}: {key} is missing")
        value = self.rest.pop(key)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise MarketFileError(f"{self.label}: {key} = {value!r} is not {getattr(kind, '__name__', kind)}")
        return value

    def time(self, key: str, *default: int) -> int:
        """Take a UTC time, in microseconds."""
        if key not in self.rest and default:
            return default[0]
        value = self.take(key, date)
        if not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - the zone is added below
        if value.tzinfo is None:
            value = value.replace(tzinfo=timezone.utc)
        elapsed = value - datetime(1970, 1, 1, tzinfo=timezone.utc)
        return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds

    def tables(self, key: str) -> list[tuple[int, Mapping[str, Any]]]:
        """Take an array of tables, numbered from 1."""
        return list(enumerate(self.take(key, list, []), start=1))

    def decimal(self, key: str, *default: str) -> Decimal:
        """Take a positive number that is written as text."""
        text = self.take(key, str, *default)
        try:
            value = Decimal(text)
        except InvalidOperation as error:
            raise MarketFileError(f"{self.label}: {key} = {text!r} is not a number") from error
        if value <= 0:
            raise MarketFileError(f"{self.label}: {key} = {text!r} must be above 0")
        return value

    def check_nothing_left(self) -> None:
        """Raise MarketFileError if a key has not been taken."""
        if self.rest:
            raise MarketFileError(f"{self.label}: unknown key {', '.join(sorted(self.rest))}")

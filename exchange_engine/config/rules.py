"""What a configured value may be; the error of each rule says what would be right."""

import json
import math
import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

_NOT_IN_URLS = re.compile(r"[\s\x00-\x1f\x7f\\]")


@dataclass(frozen=True)
class Number:
    """A number within bounds.

    Attributes:
        kind: int, or float for any number.
        low: The smallest value.
        high: The largest value.
        is_above: Whether the number must be above `low`, not equal to it.
    """

    kind: type[int] | type[float]
    low: float
    high: float
    is_above: bool = False

    def read(self, value: Any) -> int | float:
        """Return a number, read from TOML or from an environment variable.

        Raises:
            ValueError: It is not a number, or out of bounds; the message says what it must be.
        """
        try:
            is_exact = isinstance(value, str) or type(value) is int or (type(value) is float and self.kind is float)
            number = self.kind(value) if is_exact else math.nan
        except (ValueError, OverflowError):
            number = math.nan
        is_low_enough = self.low < number if self.is_above else self.low <= number
        if not (is_low_enough and number <= self.high):
            what = "a whole number" if self.kind is int else "a number"
            ends = f"above {self.low:,g} and at most" if self.is_above else f"from {self.low:,g} to"
            raise ValueError(f"{what} {ends} {self.high:,.15g}")
        return number


@dataclass(frozen=True)
class Names:
    """A list of names.

    Attributes:
        known: All names that are allowed.
    """

    known: tuple[str, ...]

    def read(self, value: Any) -> list[str]:
        """Return a list of names, read from TOML, or as JSON or comma-separated from an environment variable.

        Raises:
            ValueError: It is not a list, or has unknown names; the message says what it must be.
        """
        names = names_of(value)
        if not names or not set(names) <= set(self.known):
            raise ValueError(f"a list of names, of {', '.join(self.known)}")
        return list(dict.fromkeys(names))


def names_of(value: Any) -> list[str]:
    """Return a list of names, from TOML, or from a variable as JSON or comma-separated; empty if it is not one."""
    if isinstance(value, str) and value.startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            return []
    names = [name.strip() for name in value.split(",")] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) and name.strip() for name in names):
        return []
    return names


@dataclass(frozen=True)
class Url:
    """The URL of a host, possibly with a path."""

    def read(self, value: Any) -> str:
        """Return a URL without a slash at its end.

        Raises:
            ValueError: It is not a URL, or not one that can be trusted; the message says what it must be.
        """
        if not isinstance(value, str) or _NOT_IN_URLS.search(value):
            raise ValueError("a URL such as https://data-api.binance.vision")
        try:
            parts = urlsplit(value)
            is_address = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            is_address = False
        if not is_address:
            raise ValueError("a URL such as https://data-api.binance.vision")
        if "@" in parts.netloc:
            raise ValueError("a URL without user name and password")
        if "?" in value or "#" in value:
            raise ValueError("a URL without a query")
        if parts.scheme == "http" and not is_this_machine(parts.hostname or ""):
            raise ValueError("a URL with https://; http:// is for this machine alone, such as http://127.0.0.1:8080")
        return value.rstrip("/")


def is_this_machine(host: str) -> bool:
    """Return whether a host name or address is loopback, so that requests never leave this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

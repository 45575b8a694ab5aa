"""What a configured value may be; each rule says in words what would be right."""

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
        is_above: The number has to be above `low`.
    """

    kind: type[int] | type[float]
    low: float
    high: float
    is_above: bool = False

    def read(self, value: Any) -> int | float:
        """Read a number as TOML or a variable of the environment has it.

        Raises:
            ValueError: It is none, or out of bounds; the message says what it must be.
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
        known: The names that there are.
    """

    known: tuple[str, ...]

    def read(self, value: Any) -> list[str]:
        """Read a list as TOML has it, or as JSON or with commas in a variable of the environment.

        Raises:
            ValueError: It is none, or has other names; the message says what it must be.
        """
        names = names_of(value)
        if not names or not set(names) <= set(self.known):
            raise ValueError(f"a list of names, of {', '.join(self.known)}")
        return list(dict.fromkeys(names))


def names_of(value: Any) -> list[str]:
    """Read a list of names, as TOML has it, or as JSON or with commas in a variable; empty where it is none."""
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
    """The address of a host, perhaps with a path."""

    def read(self, value: Any) -> str:
        """Read an address, without a slash at its end.

        Raises:
            ValueError: It is none, or none that can be trusted; the message says what it must be.
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
    """Tell whether a host name or address never leads off this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

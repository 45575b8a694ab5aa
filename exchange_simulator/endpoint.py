"""An endpoint: its name, parameters, weight and handler. Each of Binance's APIs is a table of endpoints."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from exchange_simulator.hidden_rows import Span
from exchange_simulator.parameters import Parameter, Values

MarketT = TypeVar("MarketT")


@dataclass(frozen=True)
class Call(Generic[MarketT]):
    """The circumstances of one request."""

    market: MarketT
    now: int
    """The simulated time in microseconds since 1970."""
    microseconds: bool
    """Whether times in the response are to be in microseconds."""
    rate_limits: list[dict[str, Any]]
    lost: Sequence[Span] = ()
    """The times of rows that the venue has lost."""
    oddities: frozenset[str] = frozenset()
    """Names of the active oddities."""

    def time(self, milliseconds: int) -> int:
        """Return a time in the unit of the response."""
        return milliseconds * 1000 if self.microseconds else milliseconds


@dataclass(frozen=True)
class Endpoint(Generic[MarketT]):
    """One path. `weight` gets the parsed parameters, or only the symbol if they could not be parsed."""

    name: str
    parameters: tuple[Parameter, ...]
    weight: Callable[[Values], int]
    handler: Callable[[Call[MarketT], Values], bytes]
    has_rows: bool = False
    """Whether its responses are klines or trades, which may get lost."""
    limit: str | None = None
    """The limit that the weight counts against, if it is not the venue's request weight."""
    is_signed: bool = False
    """Whether it takes an API key and a signature."""


def fixed(weight: int) -> Callable[[Values], int]:
    """Return a weight function for an endpoint that always costs the same."""
    return lambda _values: weight


def by_presence(one_symbol: int, otherwise: int) -> Callable[[Values], int]:
    """Return a weight function for an endpoint that costs less for one symbol."""
    return lambda values: one_symbol if values.get("symbol") else otherwise


def by_size(size: int, steps: Sequence[tuple[int, int]]) -> int:
    """Return the weight of the first step, (up to this size, weight), that covers the size."""
    return next(weight for largest, weight in steps if size <= largest)

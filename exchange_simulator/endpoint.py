"""What an endpoint is: its name, parameters, weight and handler. A venue is a table of these."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from exchange_simulator.hidden_rows import Span
from exchange_simulator.market.base import Market
from exchange_simulator.parameters import Parameter, Values


@dataclass(frozen=True)
class Call:
    """The circumstances of one request."""

    market: Market
    now: int
    """The exchange's time in microseconds."""
    microseconds: bool
    """Whether times in the answer are wanted in microseconds."""
    rate_limits: list[dict[str, Any]]
    lost: Sequence[Span] = ()
    """The times of rows that the exchange has lost."""

    def time(self, milliseconds: int) -> int:
        """Return a time as the answer must hold it."""
        return milliseconds * 1000 if self.microseconds else milliseconds


@dataclass(frozen=True)
class Endpoint:
    """One path. `weight` gets the parsed parameters, or an empty dict if they could not be parsed."""

    name: str
    parameters: tuple[Parameter, ...]
    weight: Callable[[Values], int]
    handler: Callable[[Call, Values], bytes]
    has_rows: bool = False
    """Whether its answers are klines or trades, which may get lost."""

"""A venue: one API, such as spot, USD-M futures, Coinbase or OKX, under its own paths.

To add one, write a class with the attributes and methods of `Venue`, and add it to the list in `cli.py`. For each
request, `Exchange` finds the venue by the prefix of the path, and calls in this order: `missing`, `admit`, and, unless
a fault replaces the response, `answer`. A venue has nothing to do with latency, the control API and the counts of
requests. Limits with fixed windows are in `limits.py`; other limits need only the methods used here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from exchange_simulator.faults import Answer, Fault
from exchange_simulator.hidden_rows import Span


@dataclass(frozen=True)
class Request:
    """A request as the venues see it."""

    method: str
    path: str
    query: list[tuple[str, str]]
    """Names and values, percent-decoded."""
    headers: Mapping[str, str]
    raw_query: str = ""
    """The query as received."""
    late: int = 0
    """How much later than it arrived its timestamp is judged, in microseconds: a fault."""
    oddities: frozenset[str] = frozenset()
    """Names of the active oddities."""

    def value(self, name: str) -> str | None:
        """Return the first value of a parameter, or None."""
        return next((value for given, value in self.query if given == name), None)


class TruthError(ValueError):
    """An invalid request for the truth; the text is the response."""


class Venue(Protocol):
    """One API. Times in microseconds since 1970-01-01 UTC."""

    @property
    def name(self) -> str:
        """The name that the `market` parameter of /simulator/truth takes."""

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The prefixes of its paths; no two venues share one."""

    @property
    def truth_kinds(self) -> tuple[str, ...]:
        """The tables whose truth it knows: /simulator/truth/<kind>."""

    def symbol(self, request: Request) -> str | None:
        """Return the symbol of a request, for the counts and for faults of one symbol."""

    def missing(self, request: Request) -> Answer | None:
        """Return the response for something that does not exist, such as a 404, which is not counted; else None."""

    def admit(self, request: Request) -> Answer | None:
        """Count a request against the limits, and return the refusal if one is exceeded, else None.

        A refusal's `Answer.wait` is the number of seconds that it tells the client to wait.
        """

    def has_rows(self, request: Request) -> bool:
        """Return whether the response consists of klines, trades or the like, which the fault hidden_rows can hide."""

    def answer(self, request: Request, lost: Sequence[Span]) -> Answer:
        """Return the venue's own response, which may be an error. Rows whose time is in `lost` do not exist."""

    def fault(self, fault: Fault) -> Answer | None:
        """Return what a fault that replaces the response looks like at this venue, or None for Binance's form."""

    def headers(self, request: Request, shown: float) -> Mapping[str, str]:
        """Return the headers about limits for a response sent now; `shown` is the share of the usage that they show."""

    def is_told_to_wait(self, request: Request) -> bool:
        """Return whether a request arrives although the client has read a response that told it to wait."""

    def announce_wait(self, request: Request, seconds: float) -> None:
        """Note that the response to this request, which told the client to wait, was sent."""

    def ban(self, seconds: float) -> Answer:
        """Ban the address from now on, and return the response that it gets."""

    def use(self, limit: str, amount: int) -> int:
        """Use up some of a limit as another client would, and return the usage. Raises KeyError for unknown limits."""

    def limits(self) -> Mapping[str, Mapping[str, Any]]:
        """Return each limit by name, unique among all venues, with at least `limit` and `max_in_window`."""

    def reset_limits(self) -> None:
        """Forget usage, waits and bans."""

    def reset_counts(self) -> None:
        """Forget the counts of `limits`, but not the usage."""

    def truth(self, kind: str, query: Mapping[str, str], start: int, end: int, now: int) -> pa.Table:
        """Return every row of a table in [start, end] that exists by now.

        `query` are the parameters as received: symbol, interval, tombstones, ... Raises TruthError.
        """

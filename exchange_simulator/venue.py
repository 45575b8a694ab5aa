"""What a venue is: one API, such as spot, USD-M futures, Coinbase or OKX, under paths of its own.

To add one, write a class with the attributes and methods of `Venue` and put it into the list in `cli.py`. For every
request `Exchange` finds the venue by the beginning of the path, and then asks it, in this order: `missing`, `admit`,
and, unless a fault answers instead, `answer`. Latency, the control API and the counts of requests are none of its
business. Limits that count in fixed windows are in `limits.py`; others need the methods used here and nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from exchange_simulator.faults import Answer, Fault
from exchange_simulator.hidden_rows import Span


@dataclass(frozen=True)
class Request:
    """What the exchange sees of a request."""

    method: str
    path: str
    query: list[tuple[str, str]]
    """Names and values, percent-decoded."""
    headers: Mapping[str, str]
    raw_query: str = ""
    """The query as it was received."""
    late: int = 0
    """How much later than it came its timestamp is to be judged, in microseconds: a fault."""
    oddities: frozenset[str] = frozenset()
    """The names of the oddities in force."""

    def value(self, name: str) -> str | None:
        """Return the first value of a parameter, or None."""
        return next((value for given, value in self.query if given == name), None)


class TruthError(ValueError):
    """A question about the truth that makes no sense; the text is the answer."""


class Venue(Protocol):
    """One API. Times in microseconds since 1970-01-01 UTC."""

    @property
    def name(self) -> str:
        """Return what the `market` parameter of /simulator/truth calls it."""

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Return the beginnings of its paths; no two venues share one."""

    @property
    def truth_kinds(self) -> tuple[str, ...]:
        """Return the tables of which it knows the truth, /simulator/truth/<kind>."""

    def symbol(self, request: Request) -> str | None:
        """Return the symbol that a request names, for the counts and for faults that strike one symbol."""

    def missing(self, request: Request) -> Answer | None:
        """Return the answer to a request for what does not exist, such as a 404; it is not counted. Else None."""

    def admit(self, request: Request) -> Answer | None:
        """Count a request against the limits, and return the refusal if it is too much, else None.

        A refusal's `Answer.wait` is the number of seconds that it tells the client to wait.
        """

    def has_rows(self, request: Request) -> bool:
        """Tell whether the answer is made of klines, trades or the like, which the fault hidden_rows can hide."""

    def answer(self, request: Request, lost: Sequence[Span]) -> Answer:
        """Return the venue's own answer, a right one or an error. Rows whose time is in `lost` do not exist."""

    def fault(self, fault: Fault) -> Answer | None:
        """Return what a fault that answers instead looks like at this venue, or None if it looks as at Binance."""

    def headers(self, request: Request, shown: float) -> Mapping[str, str]:
        """Return the headers about limits for an answer that goes out now; `shown` is the share of what is used."""

    def is_told_to_wait(self, request: Request) -> bool:
        """Tell whether a request comes although an earlier answer, which was read, told the client to wait."""

    def announce_wait(self, request: Request, seconds: float) -> None:
        """Note that the answer to this request, which told the client to wait, has gone out."""

    def ban(self, seconds: float) -> Answer:
        """Ban the address from now on, and return the answer that it gets."""

    def use(self, limit: str, amount: int) -> int:
        """Use up some of a limit as another program would, and return what is used. Raises KeyError for none of its."""

    def limits(self) -> Mapping[str, Mapping[str, Any]]:
        """Return each limit by its name, unique among all venues: at least `limit` and `max_in_window`."""

    def reset_limits(self) -> None:
        """Forget usage, waits and bans."""

    def reset_counts(self) -> None:
        """Forget what `limits` has counted, but not what is used."""

    def truth(self, kind: str, query: Mapping[str, str], start: int, end: int, now: int) -> pa.Table:
        """Return every row of a table in [start, end] that exists by now.

        `query` are the parameters as they came: symbol, interval, tombstones, ... Raises TruthError.
        """

"""The interface between the engine and a venue; each venue, or each market of one, implements it."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

import pyarrow as pa

from .config.sections import Section
from .coverage import Coverage, Range, RangeKind
from .http.budget import Budget
from .http.transport import Tally
from .listed import Snapshot
from .request import Request
from .symbols import ConnectedSymbol
from .tables import Table
from .walk import Walk

Running = Any
"""A Run. Runs are made of venues, so importing the type would be circular."""


LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
SIMULATED: Final = "a simulated exchange on this machine"
"""The exchange behind these hosts, on any port."""


class Origin(NamedTuple):
    """Where data comes from. Data of two origins is never mixed.

    Attributes:
        exchange: Name of the venue.
        url: Its address, for messages.
        account: Number of the account, or None for public data.
    """

    exchange: str
    url: str
    account: int | None = None


@dataclass(frozen=True)
class Remembered:
    """A table that gets only what differs from what dlt's state remembers.

    Attributes:
        table: The staging table.
        state: Key of what is remembered, in dlt's state of the resource.
        rows: Returns the new rows and updates the state in place; None if there are none.
    """

    table: Table
    state: str
    rows: Callable[[Running, dict[str, Any]], pa.Table | None]


@dataclass(frozen=True)
class PlannedSeries:
    """What a series would take.

    Attributes:
        dataset: Its dataset.
        series: Key of the series, or "all" for a dataset that is loaded as a whole.
        requests: Number of REST requests.
        weight: Their total weight, counted against the venue's limit.
        files: Number of files to download.
        size_bytes: Their total size.
        is_least: Whether more requests may follow, depending on the responses.
        lacking: What cannot be loaded, or empty.
    """

    dataset: str
    series: str
    requests: int = 1
    weight: int = 1
    files: int = 0
    size_bytes: int = 0
    is_least: bool = False
    lacking: str = ""


class Venue(Protocol):
    """A venue, or one market of it, for one request.

    Attributes:
        name: Name of the dlt source and of the section of the configuration, such as "binance".
        title: Name for messages, such as "spot".
        request: What to fetch.
        stop: Set from outside to end the run early; all progress is kept.
    """

    name: str
    title: str
    request: Request
    stop: threading.Event

    @property
    def tables(self) -> Sequence[Table]:
        """The tables of its datasets, in the order in which they are loaded."""

    @property
    def configuration(self) -> Section:
        """Its section of the configuration."""

    @property
    def budget(self) -> Budget:
        """The limit that most requests count against."""

    @property
    def series(self) -> Mapping[str, RangeKind]:
        """The datasets that consist of series, and how their coverage is kept."""

    @property
    def snapshots(self) -> Mapping[str, Callable[[Running, Tally], Snapshot]]:
        """The datasets that are loaded as a whole, and the function that fetches each."""

    @property
    def recorded(self) -> Sequence[Table]:
        """Tables of records that are loaded together with the pages that they describe, beyond those of every venue."""

    @property
    def remembered(self) -> Sequence[Remembered]:
        """Tables of what has changed since the last run, beyond those of every venue."""

    def clock_us(self) -> int:
        """Return the venue's time in microseconds since 1970, and read its symbols.

        Raises:
            RequestError: The hosts belong to different venues.
            RunError: The venue cannot be reached, or refuses.
        """

    def resolve(self, others: Sequence[Any]) -> tuple[tuple[str, ...], list[str]]:
        """Return the requested symbols, and notes for the user.

        Args:
            others: Venues of the same request; what one of them knows need not be known here.

        Raises:
            RequestError: A symbol is unknown.
        """

    def connected(self) -> Mapping[str, ConnectedSymbol]:
        """Return the symbols that the venue listed when the run connected."""

    def origin(self) -> Origin:
        """Return where the data comes from."""

    def walks(self, run: Running, dataset: str, requested: Coverage) -> Iterator[tuple[Walk, Mapping[str, Range]]]:
        """Yield the walks of a dataset; the next one begins when the one before is done.

        Args:
            run: The run, open.
            dataset: One of `series`.
            requested: dlt state of the dataset: the periods that runs have requested.

        Yields:
            A walk, and the periods in microseconds that this run requests of its series.
        """

    def plan(self, run: Running, dataset: str, coverage: Coverage, requested: Coverage) -> Iterator[PlannedSeries]:
        """Yield what each series of a dataset would take, without fetching it.

        Args:
            run: The run, open.
            dataset: A dataset of the request.
            coverage: Coverage of the dataset.
            requested: The periods requested before.
        """

    def close(self) -> None:
        """Close the connections."""

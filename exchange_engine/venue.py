"""What the engine needs of a venue: each exchange, and each market of one, is an adapter of this shape."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import pyarrow as pa

from .coverage import Coverage, Range, RangeKind
from .http.budget import Budget
from .http.transport import Tally
from .listed import Snapshot
from .request import Request
from .symbols import ConnectedSymbol
from .tables import Table
from .walk import Walk

if TYPE_CHECKING:
    from .run import Run


class Packaging(Protocol):
    """What of a configuration bounds load packages and connections."""

    connections: int
    package_rows: int
    package_seconds: float


class Origin(NamedTuple):
    """Where data are from: those of two origins are never mixed.

    Attributes:
        exchange: Its name.
        url: Its address, for messages.
        account: Number of the account that they are of, or None for public data.
    """

    exchange: str
    url: str
    account: int | None = None


@dataclass(frozen=True)
class Remembered:
    """A table of what has changed since dlt's state remembers it.

    Attributes:
        table: The staging table.
        state: Where in dlt's state of the resource it is remembered.
        rows: Returns the new rows, and brings the state up to date; None where there are none.
    """

    table: Table
    state: str
    rows: Callable[["Run", dict[str, Any]], pa.Table | None]


@dataclass(frozen=True)
class PlannedSeries:
    """What a series would take.

    Attributes:
        dataset: Its dataset.
        series: Key of the series, or "all" for what is taken at once.
        requests: Requests to REST.
        weight: What they cost together of the venue's limit.
        files: Files to download.
        size_bytes: Their size.
        is_least: More requests may follow, by what these are answered with.
        lacking: What of it cannot be had, or empty.
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
    """An exchange, or one market of it, for one request.

    Attributes:
        name: Name of the dlt source, and section of the configuration, such as "binance".
        title: For messages, such as "spot".
        request: What to fetch.
        stop: Set from outside to end the run early, with all progress kept.
    """

    name: str
    title: str
    request: Request
    stop: threading.Event

    @property
    def tables(self) -> Sequence[Table]:
        """The tables of its datasets, in the order in which they are loaded."""

    @property
    def configuration(self) -> Packaging:
        """How the venue is spoken to."""

    @property
    def budget(self) -> Budget:
        """The limit that most requests count against."""

    @property
    def series(self) -> Mapping[str, RangeKind]:
        """The datasets that are made of series, and how their coverage is kept."""

    @property
    def snapshots(self) -> Mapping[str, Callable[["Run", Tally], Snapshot]]:
        """The datasets that are taken at once, and what takes each."""

    @property
    def recorded(self) -> Sequence[Table]:
        """Tables of records that are loaded together with the pages that they are about, beside those of any venue."""

    @property
    def remembered(self) -> Sequence[Remembered]:
        """Tables of what has changed since the last run, likewise."""

    def clock_us(self) -> int:
        """Read the venue's clock, in microseconds since 1970, and its symbols.

        Raises:
            RequestError: The hosts are of different exchanges.
            RunError: The venue cannot be reached or refuses.
        """

    def resolve(self, others: Sequence[Any]) -> tuple[tuple[str, ...], list[str]]:
        """Return the symbols that are meant, and what the user should know about them.

        Args:
            others: Venues of the same request: what one of them knows need not be known here.

        Raises:
            RequestError: One is unknown.
        """

    def connected(self) -> Mapping[str, ConnectedSymbol]:
        """Return the symbols that the venue named when the run connected."""

    def origin(self) -> Origin:
        """Return which exchange the data are of."""

    def walks(self, run: "Run", dataset: str, requested: Coverage) -> Iterator[tuple[Walk, Mapping[str, Range]]]:
        """Yield the walks of a dataset, each when the one before is done.

        Args:
            run: The run, open.
            dataset: Of `series`.
            requested: dlt state of the dataset: the periods that runs have requested.

        Yields:
            A walk, and the periods in microseconds that this run requests of its series.
        """

    def plan(self, run: "Run", dataset: str, coverage: Coverage, requested: Coverage) -> Iterator[PlannedSeries]:
        """Yield what a dataset would take, without fetching it.

        Args:
            run: The run, open.
            dataset: Of the request.
            coverage: What is loaded.
            requested: What was requested before.
        """

    def close(self) -> None:
        """End the connections."""

"""Venues that have only REST: one host, and one walk per dataset."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

from .candles import Interval
from .config.venue import VenueConfiguration
from .coverage import TIMES, Coverage, Range, RangeKind
from .http.budget import Budget
from .http.errors import SeriesError
from .http.transport import Tally
from .listed import Snapshot
from .request import Request, TimeLike, check_request
from .run import Run
from .scope import Scope, SeriesRequest
from .symbols import Assets, ConnectedSymbol, resolve
from .tables import Table
from .times import DAY_MS
from .venue import LOOPBACK, SIMULATED, Origin, PlannedSeries, Remembered
from .walk import Series, Walk


@dataclass(frozen=True)
class RestDataset:
    """How a dataset of series is fetched.

    Attributes:
        make: Returns the series that fetch what one request is missing.
        has_intervals: Whether there is a series for each interval.
        has_symbol: Returns whether the dataset has this symbol.
    """

    make: Callable[[SeriesRequest], Sequence[Series]]
    has_intervals: bool = True
    has_symbol: Callable[[str], bool] = lambda _symbol: True


class RestVenue(ABC):
    """A venue that has only REST (see venue.py).

    Args:
        request: What to fetch.
        configuration: The venue's section of the configuration.
        stop: Set from outside to end the run early; all progress is kept.

    Attributes:
        name: Name of the dlt source. Subclasses set this and the following attributes.
        exchange: Name of the venue, as the origin of the data.
        hosts: The venue's hosts. Data of any other host, such as a sandbox, has another origin.
        tables: The tables of the datasets; the first one lists the symbols.
        intervals: The venue's intervals, by Binance's names.
        asks: Class of the client, called with configuration and stop. It has url, budget, server_time_ms() and close().
        client: An instance of it.
    """

    name: str
    exchange: ClassVar[str]
    hosts: ClassVar[frozenset[str]]
    tables: ClassVar[tuple[Table, ...]]
    intervals: ClassVar[Mapping[str, Interval]]
    asks: ClassVar[type[Any]]
    recorded: Sequence[Table] = ()
    remembered: Sequence[Remembered] = ()

    def __init__(
        self, request: Request, configuration: VenueConfiguration, stop: threading.Event | None = None
    ) -> None:
        self.request = request
        self.title = self.name
        self.stop = stop or threading.Event()
        self.configuration = configuration
        self.client = self.asks(configuration, self.stop)
        self._listed: Mapping[str, ConnectedSymbol] = {}

    @classmethod
    def check(
        cls,
        symbols: Iterable[str],
        intervals: Iterable[str],
        datasets: Iterable[str],
        start: TimeLike = None,
        end: TimeLike = None,
    ) -> Request:
        """Return a request, checked against the venue's datasets and intervals (see `check_request`)."""
        known = [table.name for table in cls.tables]
        return check_request(
            symbols, intervals, datasets, start, end, known_datasets=known, known_intervals=tuple(cls.intervals)
        )

    @abstractmethod
    def fetch_listed(self) -> Mapping[str, ConnectedSymbol]:
        """Fetch all symbols of the venue."""

    @abstractmethod
    def datasets(self, now_ms: int) -> Mapping[str, RestDataset]:
        """Return the datasets that consist of series, for a run at `now_ms`."""

    @property
    @abstractmethod
    def snapshots(self) -> Mapping[str, Callable[[Run, Tally], Snapshot]]:
        """The datasets that are loaded as a whole, and the function that fetches each."""

    def unlisted(self) -> Set[str]:
        """Return the symbols that are not traded yet; patterns leave them out."""
        return frozenset()

    @property
    def budget(self) -> Budget:
        """The limit that most requests count against."""
        budget: Budget = self.client.budget
        return budget

    @property
    def series(self) -> Mapping[str, RangeKind]:
        """The datasets that consist of series, and how their coverage is kept."""
        return dict.fromkeys(self.datasets(0), TIMES)

    def clock_us(self) -> int:
        """Return the venue's time in microseconds since 1970, and read its symbols."""
        now_us: int = self.client.server_time_ms() * 1000
        self._listed = self.fetch_listed()
        return now_us

    def resolve(self, others: Sequence[Any] = ()) -> tuple[tuple[str, ...], list[str]]:  # noqa: ARG002 - there is one market
        """Return the requested symbols, and no notes."""
        assets = {name: Assets(one.base, one.quote) for name, one in self._listed.items()}
        return resolve(self.request.symbols, (), assets, (), self.tables[0].name, self.unlisted()), []

    def connected(self) -> Mapping[str, ConnectedSymbol]:
        """Return all symbols that the venue listed when the run connected."""
        return self._listed

    def origin(self) -> Origin:
        """Return where the data comes from: the venue, a simulator on this machine, or an unknown host."""
        url = self.client.url
        host = urlsplit(url).hostname or ""
        named = self.exchange if host in self.hosts else host
        return Origin(SIMULATED if host in LOOPBACK else named, url)

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def walks(self, run: Run, dataset: str, requested: Coverage) -> Iterator[tuple[Walk, Mapping[str, Range]]]:
        """Yield the only walk of a dataset."""
        series, scope = self._series(run, dataset, run.covered(dataset), requested)
        yield run.series_walk(dataset, series), scope.periods

    def plan(self, run: Run, dataset: str, coverage: Coverage, requested: Coverage) -> Iterator[PlannedSeries]:
        """Yield the number of requests of each series, and what the venue no longer gives."""
        if dataset not in self.series:
            yield PlannedSeries(dataset, "all")
            return
        series, _ = self._series(run, dataset, coverage, requested)
        requests = dict.fromkeys((one.key for one in series), 0)
        lacking: dict[str, str] = {}
        for one in series:
            try:
                requests[one.key] += len(one.open())
            except SeriesError as error:
                lacking[one.key] = str(error)
        for key, count in requests.items():
            yield PlannedSeries(dataset, key, count, count, lacking=lacking.get(key, ""))

    def _series(self, run: Run, dataset: str, coverage: Coverage, requested: Coverage) -> tuple[list[Series], Scope]:
        """Return the series of a dataset for all requested symbols and intervals, and their scope."""
        known = self.datasets(run.now_us // 1000)[dataset]
        lookback_ms = int(self.configuration.candles_lookback_days * DAY_MS)
        names = list(filter(known.has_symbol, run.names))
        request = run.request_of(dataset)
        scope = Scope(request, self.name, names, run.now_us, TIMES, lookback_ms, requested)
        intervals = request.intervals if known.has_intervals else ("",)
        return [made for one in scope.series(coverage, intervals) for made in known.make(one)], scope

"""One run against a venue that has REST alone: its clock, its symbols, and one walk for each dataset."""

import threading
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from .config.rules import is_this_machine
from .config.venue import VenueConfiguration
from .coverage import Coverage, Range, add, remove, series_key
from .http.budget import Budget
from .request import Request
from .run import Run, Stage
from .symbols import Assets, ConnectedSymbol, resolve
from .times import DAY_MS
from .walk import LOOKAHEAD_PAGES, Series, Walk


class VenueClient(Protocol):
    """What asks a venue."""

    url: str

    @property
    def budget(self) -> Budget:
        """The limit that most requests count against."""

    def server_time_ms(self) -> int:
        """Read the venue's clock."""

    def close(self) -> None:
        """Close the connections."""


def _is_any(_symbol: str) -> bool:
    return True


@dataclass(frozen=True)
class VenueDataset:
    """How a dataset that is made of series is fetched.

    Attributes:
        make: Makes the series of a key, from the times that are wanted and those that are covered, in milliseconds.
        has_intervals: There is a series for each interval.
        has_symbol: Tells of which symbols there are some.
    """

    make: Callable[[str, Range, list[Range]], Sequence[Series]]
    has_intervals: bool = True
    has_symbol: Callable[[str], bool] = _is_any

    @property
    def add(self) -> Callable[[list[Any], Any], list[Any]]:
        """Gives the covered ranges after others were loaded."""
        return add

    @property
    def remove(self) -> Callable[[list[Any], Any], list[Any]]:
        """Gives the covered ranges without others."""
        return remove


class VenueRun(Run):
    """One run against a venue.

    Args:
        request: What to fetch.
        configuration: How to speak to the venue.
        client: What asks it.
        stop: Set from outside to end the run early, with all progress kept.

    Attributes:
        exchange: Name of the exchange; set by subclasses, as are those that follow.
        hosts: Its hosts; what another one gives, such as a sandbox, is data of another exchange.
        listed_in: The staging table of its symbols.
    """

    exchange = ""
    hosts: frozenset[str] = frozenset()
    listed_in = ""

    def __init__(
        self,
        request: Request,
        configuration: VenueConfiguration,
        client: VenueClient,
        stop: threading.Event | None = None,
    ) -> None:
        super().__init__(request, configuration, stop)
        self.title = self.venue
        self.configuration = configuration
        self._venue_client = client
        self._listed: Mapping[str, ConnectedSymbol] = {}

    @property
    def budget(self) -> Budget:
        """The limit that most requests count against."""
        return self._venue_client.budget

    @abstractmethod
    def fetch_listed(self) -> Mapping[str, ConnectedSymbol]:
        """Ask for all symbols."""

    def unlisted(self) -> Set[str]:
        """Return the symbols that are not traded yet: a pattern does not mean them."""
        return frozenset()

    def connected(self) -> Mapping[str, ConnectedSymbol]:
        """Return all symbols of the venue, as they were named when the run connected."""
        return self._listed

    @property
    @abstractmethod
    def series(self) -> Mapping[str, VenueDataset]:
        """The datasets of the venue that are made of series."""

    def read_clock(self) -> int:
        """Read the venue's clock and symbols."""
        now_us = self._venue_client.server_time_ms() * 1000
        self._listed = self.fetch_listed()
        return now_us

    def resolve(self, others: Sequence[Any] = ()) -> tuple[str, ...]:  # noqa: ARG002 - there is one market
        """Find the requested symbols."""
        assets = {name: Assets(one.base, one.quote) for name, one in self._listed.items()}
        return resolve(self.request.symbols, (), assets, (), self.listed_in, self.unlisted())

    def origin(self) -> tuple[str, str]:
        """Give which exchange the data are of, and its address."""
        url = self._venue_client.url
        host = urlsplit(url).hostname or ""
        if is_this_machine(host):
            return "a simulated exchange on this machine", url
        return (self.exchange if host in self.hosts else host), url

    def disconnect(self) -> None:
        """End the connections."""
        self._venue_client.close()

    def stages(self, dataset: str, wanted: Coverage) -> Iterator[tuple[Stage, Mapping[str, Range]]]:
        """Make the one stage of a dataset."""
        series, periods = self.wanted_series(dataset, wanted, self.covered(dataset))
        for one in series:
            one.tally = self.report(dataset, one.key).tally
        yield Walk(series, self.pool, self.configuration.connections * LOOKAHEAD_PAGES, self.stop), periods

    def wanted_series(
        self, dataset: str, wanted: Coverage, coverage: Coverage
    ) -> tuple[list[Series], Mapping[str, Range]]:
        """Make the series of a dataset, of all symbols and intervals that are meant.

        Args:
            dataset: Of `series`.
            wanted: What was asked for before.
            coverage: What is loaded.

        Returns:
            The series, and for each key the period in microseconds that it is to have.
        """
        kind = self.series[dataset]
        lookback_ms = int(self.configuration.candles_lookback_days * DAY_MS)
        series: list[Series] = []
        periods: dict[str, Range] = {}
        for symbol in filter(kind.has_symbol, self.names):
            for interval in self.request.intervals if kind.has_intervals else ("",):
                key = series_key(self.venue, symbol, interval)
                covered = coverage.get(key, [])
                newest_us = covered[-1][0] * 1000 if covered else None
                start, end = self.request.period_us(self.now_us, lookback_ms, wanted.get(key, []), newest_us)
                periods[key] = (start, end)
                # Times are whole milliseconds: the first one at or after the start, and those before the end.
                series += kind.make(key, (-(-start // 1000), -(-end // 1000)), covered)
        return series, periods

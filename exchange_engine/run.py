"""One run against a venue: what is being walked, in as many load packages as it takes, and what it has cost."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any, Protocol

import pyarrow as pa

from .columns import build, joined, newest_by_key
from .coverage import Coverage, add
from .http.errors import RunError, SeriesError
from .http.transport import Tally
from .listed import Rejected, Snapshot, rejected_table
from .periods import SeriesPeriods
from .reports import SeriesReport
from .request import Request, RequestError
from .symbols import ConnectedSymbol
from .tables import CONNECTED_SYMBOLS, REJECTED_ROWS, Table
from .walk import Failure, Page, Walk

YIELD_ROWS = 122_880
"""Rows of an Arrow table that is handed on at once, as many as a row group of DuckDB has.

Row groups of any other size are all written again when the database is closed, and after each later load, and leave the
file twice as large (DuckDB 1.5.6, benchmarks/README.md). Smaller tables cost dlt a schema computation each."""


class Packaging(Protocol):
    """What of a configuration bounds load packages and connections."""

    connections: int
    package_rows: int
    package_seconds: float


class Stage(Protocol):
    """One way through series, such as a Walk."""

    notes: list[str]
    pages: Iterator[Page]

    @property
    def failures(self) -> list[Failure]:
        """What could not be had."""

    @property
    def error(self) -> RunError | None:
        """What ended it early, or None."""

    @property
    def total(self) -> int:
        """How much there is, as far as it is known."""

    @property
    def done(self) -> int:
        """How much of it is done."""

    def interim_records(self) -> list[tuple[Table, pa.Table]]:
        """Give what is to be recorded where a load package ends within the stage."""


class Covering(Protocol):
    """How what is loaded of a dataset's series is remembered."""

    @property
    def add(self) -> Callable[[list[Any], Any], list[Any]]:
        """Gives the coverage entries after others were loaded."""

    @property
    def remove(self) -> Callable[[list[Any], Any], list[Any]]:
        """Gives the coverage entries without some ranges of keys."""


class Run(ABC):
    """One run: opens the venue once, and walks each dataset, in as many load packages as it takes.

    The venue's time at opening is the run's "now": what is not closed or has not happened by then belongs to the next
    run.

    Args:
        request: What to fetch.
        settings: How load packages are bounded.
        stop: Set from outside to end the run early, with all progress kept.

    Attributes:
        venue: Name of the dlt source that it is part of, such as "binance".
        title: For messages.
        reports: By dataset, by series.
        notes: What the user should know, and is no failure.
        on_page: Called with dataset and page when rows are handed to dlt; replaced to show progress.
        names: The symbols that are meant; known once the run is open.
        pool: Threads for requests.
        rejected: The rows that were left out, each with its dataset.
        repairs: Set before opening to ask again for what is missing of what was asked for before.
    """

    venue = ""
    title = ""

    def __init__(self, request: Request, settings: Packaging, stop: threading.Event | None = None) -> None:
        self.request = request
        self.stop = stop or threading.Event()
        self.reports: dict[str, dict[str, SeriesReport]] = {}
        self.notes: list[str] = []
        self.rejected: list[tuple[str, Rejected]] = []
        self.on_page: Callable[[str, Page], None] = lambda _dataset, _page: None
        self.names: tuple[str, ...] = ()
        self.pool = ThreadPoolExecutor(settings.connections, thread_name_prefix=self.venue)
        self.repairs: Any = None
        self._settings = settings
        self._periods = SeriesPeriods()
        self._walks: dict[str, list[Stage]] = {}
        self._pages: dict[str, Iterator[Page]] = {}
        self._finished: set[str] = set()
        self._coverage: dict[str, Coverage] = {}
        self._snapshot_failures: dict[str, list[Failure]] = {}
        self._records: dict[str, list[pa.Table]] = {}
        self._are_connected_noted = False
        self._walking = 0
        self._now_us = 0
        self._is_open = False
        self._package_rows = 0
        self._package_began = 0.0

    @property
    @abstractmethod
    def series(self) -> Mapping[str, Covering]:
        """The datasets of the venue that are made of series."""

    @property
    @abstractmethod
    def snapshots(self) -> Mapping[str, Callable[[Tally], Snapshot]]:
        """The datasets of the venue that are taken at once: what fetches each."""

    @abstractmethod
    def read_clock(self) -> int:
        """Get in touch with the venue, and give its time in microseconds since 1970."""

    @abstractmethod
    def resolve(self, others: Sequence[Any]) -> tuple[str, ...]:
        """Give the symbols that are meant.

        Args:
            others: Runs of the same request against other markets: what one of them knows need not be known here.

        Raises:
            RequestError: One is unknown.
        """

    @abstractmethod
    def origin(self) -> tuple[str, str]:
        """Give which exchange the data are of, and its address."""

    @abstractmethod
    def stages(self, dataset: str, wanted: Coverage) -> Iterator[tuple[Stage, Mapping[str, tuple[int, int]]]]:
        """Make the stages of a dataset, each when the one before is done.

        Args:
            dataset: Of `series`.
            wanted: dlt state of the dataset: the periods that were asked for.

        Yields:
            A stage, and the periods in microseconds that its series are to have.
        """

    @abstractmethod
    def disconnect(self) -> None:
        """End the connections."""

    def connected(self) -> Mapping[str, ConnectedSymbol]:
        """Return the symbols that the venue named when the run connected."""
        return {}

    def is_asked(self, key: str | None) -> bool:
        """Tell whether a row that was left out is of something that was asked for."""
        return key in self.names

    def connect(self) -> None:
        """Read the venue's clock and symbols; once.

        Raises:
            RequestError: The hosts are of different exchanges.
            RunError: The venue cannot be reached or refuses.
        """
        if not self._now_us:
            self._now_us = self.read_clock()

    def open(self, others: Sequence["Run"] = ()) -> "Run":
        """Connect, and find the requested symbols; once.

        Args:
            others: Runs of the same request against other markets, which are connected.

        Raises:
            RequestError: An unknown symbol, or a start in the future.
            RunError: The venue cannot be reached or refuses.
        """
        if not self._is_open:
            self.connect()
            if self.request.start is not None and self.request.start >= self._now_us:
                raise RequestError("start is not before the exchange's present time")
            self.names = self.resolve(others)
            self._is_open = True
        return self

    def close(self) -> None:
        """End the threads and connections; what is still being fetched is dropped, and not waited for."""
        self.stop.set()
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.disconnect()

    @property
    def now_us(self) -> int:
        """The run's "now" on the venue's clock, in microseconds since 1970."""
        return self._now_us

    @property
    def error(self) -> RunError | None:
        """What ended the run early, or None."""
        return next((walk.error for walk in chain(*self._walks.values()) if walk.error is not None), None)

    @property
    def failures(self) -> dict[str, list[Failure]]:
        """By dataset: what was asked for and could not be had."""
        walked = {name: [one for walk in walks for one in walk.failures] for name, walks in self._walks.items()}
        return {**self._snapshot_failures, **walked}

    def unfinished(self) -> bool:
        """Tell whether another package is needed: something is left, and nothing forbids going on."""
        if self.error is not None:
            return False
        return any(name in self.series and name not in self._finished for name in self.request.datasets)

    def progress(self, dataset: str) -> tuple[int, int, str]:
        """Give how much of a walked dataset is done, how much there is by now, and of what."""
        walk = self._walks[dataset][-1]
        return walk.done, walk.total, "series" if isinstance(walk, Walk) else "files"

    def remember_origin(self, source_state: dict[str, Any]) -> None:
        """Note in dlt's source state which exchange the data are of, and refuse to mix two of them.

        Raises:
            RequestError: The destination holds data of another exchange.
        """
        origin, url = self.origin()
        known = source_state.setdefault("exchange", origin)
        if known != origin:
            raise RequestError(
                f"the database holds data of {known}, and {url} is {origin}; "
                "load it into a database of its own, such as DESTINATION__MARKET__CREDENTIALS=other.duckdb"
            )

    def check_origin(self, pipeline_state: Mapping[str, Any]) -> None:
        """Do as `remember_origin`, before anything is fetched and without noting anything.

        Raises:
            RequestError: The destination holds data of another exchange.
        """
        self.remember_origin(dict(pipeline_state.get("sources", {}).get(self.venue, {})))

    def raise_failures(self, dataset: str) -> None:
        """Raise what kept a dataset from being completed, if anything did.

        Raises:
            RunError: The whole run was ended.
            SeriesError: Series could not be finished; the message names each.
        """
        if self.error is not None:
            raise self.error
        failures = self.failures.get(dataset)
        if failures:
            raise SeriesError("; ".join(f"{failure.series}: {failure.reason}" for failure in failures))

    def begin_package(self) -> None:
        """Start counting the rows and seconds that bound a load package."""
        self._walking = 0
        self._package_rows = 0
        self._package_began = time.monotonic()

    def snapshot(self, dataset: str) -> pa.Table | None:
        """Take a snapshot, once in a run, whatever the number of load packages.

        Args:
            dataset: Of `snapshots`.

        Returns:
            The staging table, or None where it was taken before or the exchange would not say.
        """
        if dataset in self.reports or dataset in self._snapshot_failures:
            return None
        self.open()
        tally = Tally()
        try:
            taken = self.snapshots[dataset](tally)
        except SeriesError as error:
            self._snapshot_failures[dataset] = [Failure(self.title, str(error))]
            return None
        report = SeriesReport(tally, taken.rows.num_rows, dropped=taken.unnamed, newest_us=self._now_us)
        self.reports[dataset] = {self.title: report}
        self.reject(dataset, taken.rejected)
        return taken.rows

    def reject(self, dataset: str, rejected: Sequence[Rejected]) -> None:
        """Note rows that were left out, for the summary and for staging.rejected_rows."""
        if rejected:
            self.rejected += [(dataset, one) for one in rejected]
            self._keep([(REJECTED_ROWS, rejected_table(self.venue, dataset, rejected, self._now_us))])

    def newly_connected(self, stored: dict[str, list[str]]) -> pa.Table | None:
        """Return the symbols whose assets are not stored yet, once in a run, or None where there are none.

        Args:
            stored: dlt state: for each symbol what is stored; it is brought up to date.
        """
        self.open()
        if self._are_connected_noted:
            return None
        self._are_connected_noted = True
        known = self.connected()
        found = {f"{known[name].market}|{name}": (name, known[name]) for name in self.names if name in known}
        new = {key: line for key, line in found.items() if stored.get(key) != [line[1].base, line[1].quote]}
        if not new:
            return None
        stored.update({key: [one.base, one.quote] for key, (_, one) in new.items()})
        return build(
            CONNECTED_SYMBOLS,
            len(new),
            {
                "venue": self.venue,
                "market": [one.market for _, one in new.values()],
                "symbol": [name for name, _ in new.values()],
                "base_asset": [one.base or None for _, one in new.values()],
                "quote_asset": [one.quote or None for _, one in new.values()],
                "connected_at": [self._now_us] * len(new),
            },
        )

    def records(self, table: Table) -> Iterator[pa.Table | None]:
        """Give what is to be recorded of the archive's files together with the rows of this load package.

        Yields:
            None while rows are still coming, which makes dlt go on with the other resources; then the records.
        """
        yield None
        while self._walking:
            yield None
        if found := self._records.pop(table.name, None):
            yield newest_by_key(joined(found), table.key)

    def periods(self) -> Iterator[pa.Table | None]:
        """Give the lines of series_periods that go with the rows of this load package, as `records` does."""
        yield None
        while self._walking:
            yield None
        if (lines := self._periods.table(self._now_us)).num_rows:
            yield lines

    def tables(self, dataset: str, coverage: Coverage, wanted: Coverage) -> Iterator[pa.Table]:
        """Give the missing rows of a dataset, until all are given or the load package is full.

        Args:
            dataset: Of `series`.
            coverage: What is loaded; entries are added as rows are yielded, so that rows and cursor are saved together.
            wanted: What was asked for; the periods of this run are added, whether they can be had or not.

        Yields:
            Arrow tables of the dataset's schema, of about YIELD_ROWS rows.
        """
        self.open()
        self._coverage[dataset] = coverage
        self._periods.follow(dataset, coverage, wanted)
        if dataset not in self._pages:
            self._pages[dataset] = self._walked(dataset, wanted)
        kind = self.series[dataset]
        buffer: list[pa.Table] = []
        buffered = 0
        self._walking += 1
        may_end = True
        while not (may_end and self._is_package_full()) and (page := next(self._pages[dataset], None)) is not None:
            may_end = page.is_boundary
            if page.covered:
                coverage[page.series] = kind.add(coverage.get(page.series, []), page.covered)
            if page.uncovered:
                coverage[page.series] = kind.remove(coverage.get(page.series, []), page.uncovered)
            self._note(dataset, page)
            self._periods.note(dataset, page)
            self._keep(page.records)
            self.reject(dataset, page.rejected)
            if page.rows.num_rows:
                buffer.append(page.rows)
                buffered += page.rows.num_rows
                self._package_rows += page.rows.num_rows
            if buffered >= YIELD_ROWS:
                whole_rows = joined(buffer)
                whole = buffered - buffered % YIELD_ROWS
                for start in range(0, whole, YIELD_ROWS):
                    yield whole_rows.slice(start, YIELD_ROWS)
                buffer, buffered = [whole_rows.slice(whole)], buffered - whole
        if buffered:
            yield joined(buffer)
        self._keep(record for stage in self._walks.get(dataset, ())[-1:] for record in stage.interim_records())
        self._walking -= 1

    def _keep(self, records: Iterable[tuple[Table, pa.Table]]) -> None:
        for table, rows in records:
            self._records.setdefault(table.name, []).append(rows)

    def _is_package_full(self) -> bool:
        config = self._settings
        seconds = time.monotonic() - self._package_began
        return self._package_rows >= config.package_rows or seconds >= config.package_seconds

    def _walked(self, dataset: str, wanted: Coverage) -> Iterator[Page]:
        """Give all pages of a dataset, stage after stage."""
        self.reports[dataset] = {}
        walks = self._walks[dataset] = []
        for walk, periods in self.stages(dataset, wanted):
            walks.append(walk)
            if self.repairs is None:
                for key, period in periods.items():
                    wanted[key] = add(wanted.get(key, []), [period])
                    self._periods.asked(dataset, key)
            yield from walk.pages
            self.notes += walk.notes
            if walk.error is not None:
                break
        self._finished.add(dataset)

    def covered(self, dataset: str) -> Coverage:
        """Give what is loaded of a dataset by now."""
        return self._coverage[dataset]

    def report(self, dataset: str, series: str) -> SeriesReport:
        """Give the report of a series."""
        return self.reports[dataset].setdefault(series, SeriesReport())

    def _note(self, dataset: str, page: Page) -> None:
        report = self.report(dataset, page.series)
        report.rows += page.rows.num_rows
        report.files += page.files
        report.downloaded_bytes += page.downloaded_bytes
        report.dropped += page.dropped
        report.rounded += page.rounded
        report.newest_us = max((one for one in (report.newest_us, page.newest_us) if one is not None), default=None)
        report.seconds = time.monotonic() - report.began
        self.on_page(dataset, page)

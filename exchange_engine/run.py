"""One run against a venue: its walks, split into load packages, and its reports."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

import pyarrow as pa

from .columns import joined, newest_by_key
from .coverage import Coverage, RangeKind, add
from .http.errors import RunError, SeriesError
from .http.transport import Tally
from .listed import Rejected, rejected_table
from .periods import SeriesPeriods
from .reports import SeriesReport
from .request import Request, RequestError
from .tables import REJECTED_ROWS, Table
from .venue import Remembered, Venue
from .walk import LOOKAHEAD_PAGES, Failure, Page, Series, SeriesWalk, Walk

ELSEWHERE = "load it into a database of its own, such as DESTINATION__MARKET__CREDENTIALS=other.duckdb"
"""What to do with data of another origin, for messages."""

YIELD_ROWS = 122_880
"""Rows of each yielded Arrow table: as many as a DuckDB row group has.

Row groups of any other size are rewritten when the database is closed and after each later load, and make the file
twice as large (DuckDB 1.5.6, benchmarks/README.md). Smaller tables cost dlt a schema computation each."""


class Run:
    """One run: opens a venue once and walks each dataset, in as many load packages as it takes.

    The venue's time when the run connects is the run's "now". What closes or happens later belongs to the next run.

    Args:
        venue: The venue, with the request.

    Attributes:
        venue: As given.
        request: What to fetch.
        stop: Set from outside to end the run early; all progress is kept.
        reports: Reports by dataset and series.
        notes: Messages for the user that are not failures.
        on_page: Called with dataset and page when rows are handed to dlt; replaced to show progress.
        names: The requested symbols; known once the run is open.
        pool: Thread pool for requests.
        rejected: The rows that were left out, each with its dataset.
    """

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.request = venue.request
        self.stop = venue.stop
        self.reports: dict[str, dict[str, SeriesReport]] = {}
        self.notes: list[str] = []
        self.rejected: list[tuple[str, Rejected]] = []
        self.on_page: Callable[[str, Page], None] = lambda _dataset, _page: None
        self.names: tuple[str, ...] = ()
        self.pool = ThreadPoolExecutor(venue.configuration.connections, thread_name_prefix=venue.name)
        self._requests: dict[str, Request] = {}
        self._periods = SeriesPeriods()
        self._walks: dict[str, list[Walk]] = {}
        self._pages: dict[str, Iterator[Page]] = {}
        self._finished: set[str] = set()
        self._coverage: dict[str, Coverage] = {}
        self._snapshot_failures: dict[str, list[Failure]] = {}
        self._records: dict[str, list[pa.Table]] = {}
        self._remembered: set[str] = set()
        self._walking = 0
        self._now_us = 0
        self._is_open = False
        self._package_rows = 0
        self._package_began: float | None = None

    def is_asked(self, key: str | None) -> bool:
        """Return whether a rejected row belongs to something that was requested.

        Args:
            key: The row's symbol or asset, or None.
        """
        # A venue without symbols, such as an account's balances, is requested as a whole.
        return key in self.names or not self.venue.connected()

    def connect(self) -> None:
        """Read the venue's clock and symbols; only the first call does.

        Raises:
            RequestError: The hosts belong to different venues.
            RunError: The venue cannot be reached, or refuses.
        """
        if not self._now_us:
            self._now_us = self.venue.clock_us()

    def open(self, others: Sequence["Run"] = ()) -> "Run":
        """Connect and resolve the requested symbols, on the first call only; return the run.

        Args:
            others: Runs of the same request against other markets, already connected.

        Raises:
            RequestError: A symbol is unknown, or the start is in the future.
            RunError: The venue cannot be reached, or refuses.
        """
        if not self._is_open:
            self.connect()
            self._check_start(self.request)
            self.names, notes = self.venue.resolve([other.venue for other in others])
            self.notes += notes
            self._is_open = True
        return self

    def request_of(self, dataset: str) -> Request:
        """Return the request that applies to a dataset."""
        return self._requests.get(dataset, self.request)

    def narrow(self, dataset: str, request: Request) -> None:
        """Set another period for one dataset.

        Args:
            dataset: One of the venue's series, not walked yet.
            request: The request for this dataset.

        Raises:
            RequestError: Its start is in the future.
            RunError: The venue cannot be reached, or refuses.
        """
        self.open()
        self._check_start(request)
        self._requests[dataset] = request

    def _check_start(self, request: Request) -> None:
        if request.start is not None and request.start >= self._now_us:
            raise RequestError("start is not before the exchange's present time")

    def close(self) -> None:
        """Stop the threads and close the connections; requests in flight are dropped, not waited for."""
        self.stop.set()
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.venue.close()

    @property
    def now_us(self) -> int:
        """The run's "now" on the venue's clock, in microseconds since 1970."""
        return self._now_us

    @property
    def error(self) -> RunError | None:
        """The error that ended the run early, or None."""
        return next((walk.error for walk in chain(*self._walks.values()) if walk.error is not None), None)

    @property
    def failures(self) -> dict[str, list[Failure]]:
        """What was requested and could not be loaded, by dataset."""
        walked = {name: [one for walk in walks for one in walk.failures] for name, walks in self._walks.items()}
        return {**self._snapshot_failures, **walked}

    def unfinished(self) -> bool:
        """Return whether another load package is needed and the run may go on."""
        if self.error is not None:
            return False
        return any(name in self.venue.series and name not in self._finished for name in self.request.datasets)

    def progress(self, dataset: str) -> tuple[int, int, str]:
        """Return the units done, the units known by now and the unit of the current walk of a dataset."""
        walk = self._walks[dataset][-1]
        return walk.done, walk.total, walk.unit

    def remember_origin(self, source_state: dict[str, Any]) -> None:
        """Record the origin of the data in dlt's source state, and refuse to mix two origins.

        Raises:
            RequestError: The destination holds data of another venue or account.
        """
        exchange, url, account = self.venue.origin()
        known = source_state.setdefault("exchange", exchange)
        if known != exchange:
            raise RequestError(f"the database holds data of {known}, and {url} is {exchange}; {ELSEWHERE}")
        if account is not None and source_state.setdefault("account", account) != account:
            raise RequestError(
                "the database holds data of another account than that of "
                f"sources.{self.venue.name}.api_key; {ELSEWHERE}"
            )

    def check_origin(self, pipeline_state: Mapping[str, Any]) -> None:
        """Check the origin as `remember_origin` does, before anything is fetched and without recording it.

        Raises:
            RequestError: The destination holds data of another venue or account.
        """
        self.remember_origin(dict(pipeline_state.get("sources", {}).get(self.venue.name, {})))

    def raise_failures(self, dataset: str) -> None:
        """Raise what kept a dataset from being completed, if anything did.

        Raises:
            RunError: The whole run ended early.
            SeriesError: Series could not be completed; the message names each.
        """
        if self.error is not None:
            raise self.error
        failures = self.failures.get(dataset)
        if failures:
            raise SeriesError("; ".join(f"{failure.series}: {failure.reason}" for failure in failures))

    def begin_package(self) -> None:
        """Start counting the rows and seconds that bound a load package; otherwise one package holds everything."""
        self._walking = 0
        self._package_rows = 0
        self._package_began = time.monotonic()

    def snapshot(self, dataset: str) -> pa.Table | None:
        """Fetch a dataset that is loaded as a whole, once per run however many load packages there are.

        Args:
            dataset: One of the venue's snapshots.

        Returns:
            The staging table, or None if it was fetched before or the venue refuses.
        """
        if dataset in self.reports or dataset in self._snapshot_failures:
            return None
        self.open()
        tally = Tally()
        try:
            taken = self.venue.snapshots[dataset](self, tally)
        except SeriesError as error:
            self._snapshot_failures[dataset] = [Failure(self.venue.title, str(error))]
            return None
        report = SeriesReport(tally, taken.rows.num_rows, dropped=taken.unnamed, newest_us=self._now_us)
        self.reports[dataset] = {self.venue.title: report}
        self.reject(dataset, taken.rejected)
        return taken.rows

    def reject(self, dataset: str, rejected: Sequence[Rejected]) -> None:
        """Record rows that were left out, for the summary and for staging.rejected_rows."""
        if rejected:
            self.rejected += [(dataset, one) for one in rejected]
            self._keep([(REJECTED_ROWS, rejected_table(self.venue.name, dataset, rejected, self._now_us))])

    def remembered(self, one: Remembered, state: dict[str, Any]) -> pa.Table | None:
        """Return the new rows of a table of changes, once per run, or None if there are none.

        Args:
            one: The table.
            state: Its part of dlt's state; updated in place.
        """
        self.open()
        if one.table.name in self._remembered:
            return None
        self._remembered.add(one.table.name)
        return one.rows(self, state)

    def records(self, table: Table) -> Iterator[pa.Table | None]:
        """Yield the records of a table that are loaded together with the rows of this load package.

        Yields:
            None while rows are still coming, which makes dlt go on with the other resources; then the records.
        """
        yield None
        while self._walking:
            yield None
        if found := self._records.pop(table.name, None):
            yield newest_by_key(joined(found), table.key)

    def periods(self) -> Iterator[pa.Table | None]:
        """Yield the rows of series_periods that go with the rows of this load package, in the manner of `records`."""
        yield None
        while self._walking:
            yield None
        if (lines := self._periods.table(self._now_us)).num_rows:
            yield lines

    def rows(self, dataset: str, coverage: Coverage, requested: Coverage) -> Iterator[pa.Table]:
        """Yield the missing rows of a dataset, until all are yielded or the load package is full.

        A consumer may stop at any time: only what it has received is covered.

        Args:
            dataset: One of the venue's series.
            coverage: Coverage in dlt's state. Entries are added as rows are yielded, so that rows and cursor are saved
                together.
            requested: The requested periods in dlt's state; those of this run are added, loaded or not.

        Yields:
            Arrow tables of the dataset's schema, of YIELD_ROWS rows; the last one may be smaller.
        """
        self.open()
        ranges = self.venue.series[dataset]
        self._periods.follow(dataset, ranges, coverage, requested)
        if dataset not in self._pages:
            self._coverage[dataset] = {key: list(entries) for key, entries in coverage.items()}
            self._pages[dataset] = self._walked(dataset, requested)
        fetched = self._coverage[dataset]
        pending: deque[tuple[int, Page]] = deque()
        buffer: list[pa.Table] = []
        row_count = handed_on = 0
        self._walking += 1
        may_end = True
        try:
            while not (may_end and self._is_package_full()) and (page := next(self._pages[dataset], None)) is not None:
                may_end = page.is_boundary
                _cover(ranges, fetched, page)
                row_count += page.rows.num_rows
                self._package_rows += page.rows.num_rows
                pending.append((row_count, page))
                if page.rows.num_rows:
                    buffer.append(page.rows)
                if row_count - handed_on >= YIELD_ROWS:
                    whole_rows = joined(buffer)
                    whole = whole_rows.num_rows - whole_rows.num_rows % YIELD_ROWS
                    for start in range(0, whole, YIELD_ROWS):
                        handed_on += YIELD_ROWS
                        self._settle(dataset, ranges, coverage, pending, handed_on)
                        yield whole_rows.slice(start, YIELD_ROWS)
                    buffer = [whole_rows.slice(whole)]
            self._settle(dataset, ranges, coverage, pending, row_count)
            if row_count > handed_on:
                yield joined(buffer)
        finally:
            self._keep(record for walk in self._walks.get(dataset, ())[-1:] for record in walk.interim_records())
            self._walking -= 1

    def _settle(
        self, dataset: str, ranges: RangeKind, coverage: Coverage, pending: deque[tuple[int, Page]], row_count: int
    ) -> None:
        """Record all pages whose rows are among the first `row_count` rows."""
        while pending and pending[0][0] <= row_count:
            _, page = pending.popleft()
            _cover(ranges, coverage, page)
            self._note(dataset, page)
            self._periods.note(dataset, page)
            self._keep(page.records)
            self.reject(dataset, page.rejected)

    def _keep(self, records: Iterable[tuple[Table, pa.Table]]) -> None:
        for table, rows in records:
            self._records.setdefault(table.name, []).append(rows)

    def _is_package_full(self) -> bool:
        if self._package_began is None:
            return False
        config = self.venue.configuration
        seconds = time.monotonic() - self._package_began
        return self._package_rows >= config.package_rows or seconds >= config.package_seconds

    def _walked(self, dataset: str, requested: Coverage) -> Iterator[Page]:
        """Yield all pages of a dataset, walk after walk."""
        self.reports[dataset] = {}
        walks = self._walks[dataset] = []
        for walk, periods in self.venue.walks(self, dataset, requested):
            walks.append(walk)
            for key, period in periods.items():
                requested[key] = add(requested.get(key, []), [period])
                self._periods.asked(dataset, key)
            yield from walk.pages
            self.notes += walk.notes
            if walk.error is not None:
                break
        self._finished.add(dataset)

    def series_walk(self, dataset: str, series: Sequence[Series], lookahead: int = LOOKAHEAD_PAGES) -> SeriesWalk:
        """Return a walk through series of a dataset; their requests count towards their reports.

        Args:
            dataset: The dataset.
            series: What to fetch.
            lookahead: Pages fetched ahead per connection.
        """
        for one in series:
            one.tally = self.report(dataset, one.key).tally
        return SeriesWalk(series, self.pool, self.venue.configuration.connections * lookahead, self.stop)

    def covered(self, dataset: str) -> Coverage:
        """Return the coverage of a dataset as it will be once everything fetched so far is handed to dlt."""
        return self._coverage[dataset]

    def report(self, dataset: str, series: str) -> SeriesReport:
        """Return the report of a series, a new one if needed."""
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


def _cover(ranges: RangeKind, coverage: Coverage, page: Page) -> None:
    if page.covered:
        coverage[page.series] = ranges.add(coverage.get(page.series, []), page.covered)
    if page.uncovered:
        coverage[page.series] = ranges.remove(coverage.get(page.series, []), page.uncovered)

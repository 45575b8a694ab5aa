"""One run against the spot market: its clock and symbols, what is being walked, and what it has cost."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from .archive.host import ArchiveHost
from .coverage import add
from .periods import SeriesPeriods
from .reports import SeriesReport
from .request import ARCHIVE, REST, Request, RequestError
from .resources.archived_series import KnownFiles
from .resources.repairs import Repairs
from .resources.revisions import Revisions
from .resources.symbols import ExchangeInfo, fetch_exchange_info, symbols_table
from .resources.tickers import fetch_tickers, tickers_table
from .resources.walk import Failure, Page, Walk
from .rest.client import RestClient, Tally
from .rest.errors import RunError, SeriesError
from .schemas import Table
from .selection import Assets, archived_symbols, choose_source, has_patterns, resolve
from .series import DATASETS_OF_SERIES, Coverage, Scope
from .settings import SPOT, WEIGHTS, BinanceConfiguration, exchange_of
from .stages import Stage, stages

YIELD_ROWS = 122_880
"""Rows of an Arrow table that is handed on at once, as many as a row group of DuckDB has.

Row groups of any other size are all written again when the database is closed, and after each later load, and leave the
file twice as large (DuckDB 1.5.6, benchmarks/README.md). Smaller tables cost dlt a schema computation each."""


class SpotRun:
    """One run: opens the exchange once, and walks each dataset, in as many load packages as it takes.

    The exchange's time at opening is the run's "now": what is not closed or has not happened by then belongs to the
    next run. Where nothing is wanted but files of the archive, REST is not spoken to, and this machine's clock counts.

    Args:
        request: What to fetch.
        configuration: How to speak to the exchange.
        stop: Set from outside to end the run early, with all progress kept.
        known_files: Says what the destination has of the archive's files; asked once, if at all.
        keep_archives: Folder in which to keep the archive's zips, or None.

    Attributes:
        reports: By dataset, by series.
        notes: What the user should know, and is no failure.
        on_page: Called with dataset and page when rows are handed to dlt; replaced to show progress.
        names: The symbols that are meant; known once the run is open.
        source: Where klines and trades come from: as asked for, or "rest" where there is no archive of this exchange.
        pool: Threads for requests.
        host: The archive.
        revisions: Set before opening to look at known files of the archive only, and to fetch nothing else.
        repairs: Set before opening to ask again for what is missing of what was asked for before, and for nothing else.
    """

    def __init__(
        self,
        request: Request,
        configuration: BinanceConfiguration,
        stop: threading.Event | None = None,
        known_files: Callable[[], KnownFiles] = KnownFiles,
        keep_archives: Path | None = None,
    ) -> None:
        self.request = request
        self.configuration = configuration
        self.stop = stop or threading.Event()
        self.client = RestClient(configuration, self.stop)
        self.reports: dict[str, dict[str, SeriesReport]] = {}
        self.notes: list[str] = []
        self.on_page: Callable[[str, Page], None] = lambda _dataset, _page: None
        self.names: tuple[str, ...] = ()
        self._known_files = known_files
        self.keep_archives = keep_archives
        self.revisions: Revisions | None = None
        self.repairs: Repairs | None = None
        self._periods = SeriesPeriods()
        self.pool = ThreadPoolExecutor(configuration.connections, thread_name_prefix="binance")
        self.host = ArchiveHost(configuration, self.stop)
        self._walks: dict[str, list[Stage]] = {}
        self._pages: dict[str, Iterator[Page]] = {}
        self._finished: set[str] = set()
        self._coverage: dict[str, Coverage] = {}
        self._snapshot_failures: dict[str, list[Failure]] = {}
        self.source = request.source
        self._known: KnownFiles | None = None
        self._records: dict[str, list[pa.Table]] = {}
        self._walking = 0
        self._info: ExchangeInfo | None = None
        self._exchange_symbols: frozenset[str] = frozenset()
        self._now_us = 0
        self._package_rows = 0
        self._package_began = 0.0

    def open(self) -> "SpotRun":
        """Read the exchange's clock, limits and symbols, and find the requested symbols; once.

        Raises:
            RequestError: An unknown symbol, or a start in the future.
            RunError: The exchange cannot be reached or refuses.
        """
        if not self._now_us:
            self.source = choose_source(self.configuration, self.source, self.needs_rest)
            if self.needs_rest:
                self._now_us = self.client.server_time_ms() * 1000
                self._info = fetch_exchange_info(self.client)
                if self._info.weight_limit is not None:
                    self.client.budget.set_limit(self._info.weight_limit)
            else:
                self._now_us = time.time_ns() // 1000
            if self.request.start is not None and self.request.start >= self._now_us:
                raise RequestError("start is not before the exchange's present time")
            self._exchange_symbols = frozenset(one.symbol for one in self._info.symbols) if self._info else frozenset()
            if self.revisions is None and self.repairs is None:
                self.names = self._resolve()
        return self

    def close(self) -> None:
        """End the threads and connections; what is still being fetched is dropped, and not waited for."""
        self.stop.set()
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.client.close()
        self.host.close()

    @property
    def needs_rest(self) -> bool:
        """Tell whether REST is spoken to at all."""
        is_snapshot = any(name not in DATASETS_OF_SERIES for name in self.request.datasets)
        return self.revisions is None and (self.source != ARCHIVE or is_snapshot)

    @property
    def now_us(self) -> int:
        """The run's "now" on the exchange's clock, in microseconds since 1970."""
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
        return any(name in DATASETS_OF_SERIES and name not in self._finished for name in self.request.datasets)

    def wants(self, dataset: str) -> bool:
        """Tell whether a snapshot is still to be taken: once in a run, whatever the number of load packages."""
        return dataset not in self.reports

    def progress(self, dataset: str) -> tuple[int, int, str]:
        """Give how much of a walked dataset is done, how much there is by now, and of what."""
        walk = self._walks[dataset][-1]
        return walk.done, walk.total, "series" if isinstance(walk, Walk) else "files"

    def remember_origin(self, source_state: dict[str, Any]) -> None:
        """Note in dlt's source state which exchange the data are of, and refuse to mix two of them.

        Raises:
            RequestError: The destination holds data of another exchange.
        """
        url = self.configuration.market_data_url if self.needs_rest else self.configuration.archive_url
        origin = exchange_of(url)
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
        self.remember_origin(dict(pipeline_state.get("sources", {}).get("binance", {})))

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

    def symbols(self) -> pa.Table:
        """Give all symbols of the exchange, as the staging table."""
        info = self.open()._info
        assert info is not None  # noqa: S101 - open() sets it
        self._count("symbols", SPOT, Tally(requests=1, weight=WEIGHTS["exchangeInfo"]), len(info.symbols), self._now_us)
        return symbols_table(SPOT, info.symbols, self._now_us)

    def tickers(self) -> pa.Table | None:
        """Give the 24-hour tickers of the requested symbols, or None where the exchange would not say."""
        self.open()
        tally = Tally()
        try:
            tickers = fetch_tickers(self.client, self.listed_names, tally)
        except SeriesError as error:
            self._snapshot_failures["tickers_24h"] = [Failure(SPOT, str(error))]
            return None
        self._count("tickers_24h", SPOT, tally, len(tickers), self._now_us)
        return tickers_table(SPOT, tickers, self._now_us)

    def records(self, table: Table) -> Iterator[pa.Table | None]:
        """Give what is to be recorded of the archive's files together with the rows of this load package.

        Yields:
            None while rows are still coming, which makes dlt go on with the other resources; then the records.
        """
        yield None
        while self._walking:
            yield None
        if found := self._records.pop(table.name, None):
            yield _newest(_joined(found), table.key)

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
            dataset: Of DATASETS_OF_SERIES.
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
        kind = DATASETS_OF_SERIES[dataset]
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
            if page.rows.num_rows:
                buffer.append(page.rows)
                buffered += page.rows.num_rows
                self._package_rows += page.rows.num_rows
            if buffered >= YIELD_ROWS:
                joined = _joined(buffer)
                whole = buffered - buffered % YIELD_ROWS
                for start in range(0, whole, YIELD_ROWS):
                    yield joined.slice(start, YIELD_ROWS)
                buffer, buffered = [joined.slice(whole)], buffered - whole
        if buffered:
            yield _joined(buffer)
        self._keep(record for stage in self._walks.get(dataset, ())[-1:] for record in stage.interim_records())
        self._walking -= 1

    def _keep(self, records: Iterable[tuple[Table, pa.Table]]) -> None:
        for table, rows in records:
            self._records.setdefault(table.name, []).append(rows)

    def _is_package_full(self) -> bool:
        config = self.configuration
        seconds = time.monotonic() - self._package_began
        return self._package_rows >= config.package_rows or seconds >= config.package_seconds

    def _walked(self, dataset: str, wanted: Coverage) -> Iterator[Page]:
        """Give all pages of a dataset, stage after stage."""
        self.reports[dataset] = {}
        walks = self._walks[dataset] = []
        scope = self.scope(wanted)
        for walk in stages(self, dataset, scope, lambda: self._coverage[dataset]):
            walks.append(walk)
            if self.repairs is None:
                for key, period in scope.periods.items():
                    wanted[key] = add(wanted.get(key, []), [period])
                    self._periods.asked(dataset, key)
            yield from walk.pages
            self.notes += walk.notes
            if walk.error is not None:
                break
        self._finished.add(dataset)

    def scope(self, wanted: Mapping[str, list[Any]]) -> Scope:
        """Give what the series of a dataset are made for.

        Args:
            wanted: dlt state of the dataset: the periods that were asked for.
        """
        return Scope(self.request, self.names, self._now_us, self.configuration, wanted)

    @property
    def listed_names(self) -> list[str]:
        """The symbols that REST knows."""
        return [name for name in self.names if name in self._exchange_symbols]

    @property
    def followed_by_rest(self) -> frozenset[str]:
        """The symbols of which REST is asked for what the archive does not give."""
        return frozenset() if self.source == ARCHIVE else self._exchange_symbols

    def _resolve(self) -> tuple[str, ...]:
        infos = self._info.symbols if self._info else []
        exchange = {one.symbol: Assets(one.base_asset, one.quote_asset) for one in infos}
        asked = self.request.symbols
        archived: Set[str] = frozenset()
        if self.source != REST and (has_patterns(asked) or any(name not in exchange for name in asked)):
            archived = archived_symbols(self.host, self.pool, self.request.datasets, self.source == ARCHIVE)
        return resolve(asked, self.request.quotes, exchange, archived)

    def known_files(self) -> KnownFiles:
        """Say what the destination has of the archive's files."""
        if self._known is None:
            self._known = self._known_files()
        return self._known

    def report(self, dataset: str, series: str) -> SeriesReport:
        """Give the report of a series."""
        return self.reports[dataset].setdefault(series, SeriesReport())

    def _note(self, dataset: str, page: Page) -> None:
        report = self.report(dataset, page.series)
        report.rows += page.rows.num_rows
        report.files += page.files
        report.downloaded_bytes += page.downloaded_bytes
        report.dropped += page.dropped
        report.newest_us = page.newest_us or report.newest_us
        report.seconds = time.monotonic() - report.began
        self.on_page(dataset, page)

    def _count(self, dataset: str, series: str, tally: Tally, rows: int, newest_us: int) -> None:
        self.reports[dataset] = {series: SeriesReport(tally, rows, newest_us=newest_us)}


def _newest(records: pa.Table, key: Sequence[str]) -> pa.Table:
    """Leave out records of which a later one has the same key."""
    newest = dict(zip(zip(*(records[name].to_pylist() for name in key), strict=True), range(len(records)), strict=True))
    return records.take(sorted(newest.values()))


def _joined(pages: list[pa.Table]) -> pa.Table:
    # In one piece: Parquet is written at almost twice the speed that it is from a hundred pieces.
    return pa.concat_tables(pages).combine_chunks()

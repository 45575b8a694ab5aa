"""One run against the spot exchange: its clock and symbols, what is being walked, and what it has cost."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from .request import Request, RequestError, check_symbols
from .resources import id_series, klines
from .resources.agg_trades import AggTradeSeries
from .resources.coverage import Range
from .resources.coverage import add as add_range
from .resources.klines import KlineSeries
from .resources.symbols import ExchangeInfo, fetch_exchange_info, symbols_table
from .resources.tickers import fetch_tickers, tickers_table
from .resources.trades import TradeSeries
from .resources.walk import Failure, Page, Series, Walk
from .rest.client import RestClient, Tally
from .rest.errors import RunError, SeriesError
from .settings import DAY_MS, HOUR_MS, SPOT, WEIGHTS, BinanceConfiguration, exchange_of

YIELD_ROWS = 100_000
"""Rows of an Arrow table that is handed to dlt at once: it works out the schema again for each of them."""

LOOKAHEAD_PAGES = 16
"""Pages fetched ahead for each connection."""

Coverage = dict[str, list[Any]]
"""dlt state of a dataset: for each series what has been loaded."""


@dataclass(frozen=True)
class Dataset:
    """How a dataset that is made of series is fetched and remembered.

    Attributes:
        series: Makes the series of a run from what is covered.
        add: Gives the coverage entries after one more was loaded.
    """

    series: Callable[["SpotRun", Coverage], list[Series]]
    add: Callable[[list[Any], Any], list[Any]]


@dataclass
class SeriesReport:
    """What a run did for one series.

    Attributes:
        rows: Rows handed to dlt.
        dropped: Tombstones left out.
        newest_us: Time of the newest row, in microseconds since 1970.
        tally: Requests, weight and waiting.
        seconds: From the first page to the last one.
    """

    tally: Tally
    rows: int = 0
    dropped: int = 0
    newest_us: int | None = None
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0


class SpotRun:
    """One run: opens the exchange once, and walks each dataset, in as many load packages as it takes.

    The exchange's time at opening is the run's "now": what is not closed or has not happened by then belongs to the
    next run.

    Args:
        request: What to fetch.
        configuration: How to speak to the exchange.
        stop: Set from outside to end the run early, with all progress kept.

    Attributes:
        reports: By dataset, by series.
        failures: By dataset: series that could not be finished.
        on_page: Called with dataset and page when rows are handed to dlt; replaced to show progress.
    """

    def __init__(
        self, request: Request, configuration: BinanceConfiguration, stop: threading.Event | None = None
    ) -> None:
        self.request = request
        self.configuration = configuration
        self.stop = stop or threading.Event()
        self.client = RestClient(configuration, self.stop)
        self.reports: dict[str, dict[str, SeriesReport]] = {}
        self.failures: dict[str, list[Failure]] = {}
        self.on_page: Callable[[str, Page], None] = lambda _dataset, _page: None
        self._pool = ThreadPoolExecutor(configuration.connections, thread_name_prefix="binance")
        self._walks: dict[str, Walk] = {}
        self._info: ExchangeInfo | None = None
        self._now_us = 0
        self._package_rows = 0
        self._package_began = 0.0

    def open(self) -> "SpotRun":
        """Read the exchange's clock, limits and symbols, and check the requested symbols; once.

        Raises:
            RequestError: An unknown symbol, or a start in the future.
            RunError: The exchange cannot be reached or refuses.
        """
        if self._info is None:
            self._now_us = self.client.server_time_ms() * 1000
            info = fetch_exchange_info(self.client)
            check_symbols(self.request.symbols, [symbol.symbol for symbol in info.symbols])
            if self.request.start is not None and self.request.start >= self._now_us:
                raise RequestError("start is not before the exchange's present time")
            if info.weight_limit is not None:
                self.client.budget.set_limit(info.weight_limit)
            self._info = info
        return self

    def close(self) -> None:
        """End the threads and connections; what is still being fetched is dropped, and not waited for."""
        self.stop.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self.client.close()

    @property
    def now_us(self) -> int:
        """The run's "now" on the exchange's clock, in microseconds since 1970."""
        return self._now_us

    @property
    def error(self) -> RunError | None:
        """What ended the run early, or None."""
        return next((walk.error for walk in self._walks.values() if walk.error is not None), None)

    def unfinished(self) -> bool:
        """Tell whether another package is needed: something is left, and nothing forbids going on."""
        if self.error is not None:
            return False
        begun = [name for name in self.request.datasets if name in DATASETS_OF_SERIES]
        return any(name not in self._walks or not self._walks[name].finished for name in begun)

    def wants(self, dataset: str) -> bool:
        """Tell whether a snapshot is still to be taken: once in a run, whatever the number of load packages."""
        return dataset not in self.reports

    def series_done(self, dataset: str) -> tuple[int, int]:
        """Give how many series of a walked dataset are done, and how many there are."""
        walk = self._walks[dataset]
        return walk.done, walk.total

    def remember_origin(self, source_state: dict[str, Any]) -> None:
        """Note in dlt's source state which exchange the data are of, and refuse to mix two of them.

        Raises:
            RequestError: The destination holds data of another exchange.
        """
        origin = exchange_of(self.configuration.market_data_url)
        known = source_state.setdefault("exchange", origin)
        if known != origin:
            raise RequestError(
                f"the database holds data of {known}, and {self.configuration.market_data_url} is {origin}; "
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
            tickers = fetch_tickers(self.client, self.request.symbols, tally)
        except SeriesError as error:
            self.failures["tickers_24h"] = [Failure(SPOT, str(error))]
            return None
        self._count("tickers_24h", SPOT, tally, len(tickers), self._now_us)
        return tickers_table(SPOT, tickers, self._now_us)

    def tables(self, dataset: str, coverage: Coverage) -> Iterator[pa.Table]:
        """Give the missing rows of a dataset, until all are given or the load package is full.

        Args:
            dataset: Of DATASETS_OF_SERIES.
            coverage: What is loaded; entries are added as rows are yielded, so that rows and cursor are saved together.

        Yields:
            Arrow tables of the dataset's schema, of about YIELD_ROWS rows.
        """
        walk = self._walk(dataset, coverage)
        add = DATASETS_OF_SERIES[dataset].add
        buffer: list[pa.Table] = []
        buffered = 0
        config = self.configuration
        while (
            self._package_rows < config.package_rows
            and time.monotonic() - self._package_began < config.package_seconds
            and (page := next(walk.pages, None)) is not None
        ):
            if page.covered is not None:
                coverage[page.series] = add(coverage.get(page.series, []), page.covered)
            self._note(dataset, page)
            if page.rows.num_rows:
                buffer.append(page.rows)
                buffered += page.rows.num_rows
                self._package_rows += page.rows.num_rows
            if buffered >= YIELD_ROWS:
                yield _joined(buffer)
                buffer, buffered = [], 0
        if buffer:
            yield _joined(buffer)

    def plan(self, dataset: str, coverage: Coverage) -> dict[str, int]:
        """Work out what a dataset would take, asking only for where each series begins and ends.

        Returns:
            By series: pages to fetch.
        """
        self.open()
        series = DATASETS_OF_SERIES[dataset].series(self, coverage)
        steps = self._pool.map(lambda one: one.open(), series)
        return {one.key: len(found) for one, found in zip(series, steps, strict=True)}

    def wanted_us(self, default_lookback_ms: int, covered_from_us: int | None) -> tuple[int, int]:
        """Give the period [from, to) in microseconds that a series is to have.

        Args:
            default_lookback_ms: How far back a series goes that is new, where no start was asked for.
            covered_from_us: Where the newest loaded range of the series begins, or None: without a start, a series
                goes on where it ended, so that no hole opens however long ago that was.
        """
        end = self._now_us if self.request.end is None else min(self.request.end, self._now_us)
        if self.request.start is not None:
            return self.request.start, end
        return (end - default_lookback_ms * 1000 if covered_from_us is None else covered_from_us), end

    def _walk(self, dataset: str, coverage: Coverage) -> Walk:
        if dataset not in self._walks:
            self.open()
            series = DATASETS_OF_SERIES[dataset].series(self, coverage)
            lookahead = self.configuration.connections * LOOKAHEAD_PAGES
            self._walks[dataset] = walk = Walk(series, self._pool, lookahead, self.stop)
            self.failures[dataset] = walk.failures
            self.reports[dataset] = {one.key: SeriesReport(one.tally) for one in series}
        return self._walks[dataset]

    def _note(self, dataset: str, page: Page) -> None:
        report = self.reports[dataset][page.series]
        report.rows += page.rows.num_rows
        report.dropped += page.dropped
        report.newest_us = page.newest_us or report.newest_us
        report.seconds = time.monotonic() - report.began
        self.on_page(dataset, page)

    def _count(self, dataset: str, series: str, tally: Tally, rows: int, newest_us: int) -> None:
        self.reports[dataset] = {series: SeriesReport(tally, rows, newest_us=newest_us)}


def _joined(pages: list[pa.Table]) -> pa.Table:
    # In one piece: Parquet is written at almost twice the speed that it is from a hundred pieces.
    return pa.concat_tables(pages).combine_chunks()


def _kline_series(run: SpotRun, coverage: Coverage) -> list[Series]:
    lookback = int(run.configuration.klines_lookback_days * DAY_MS)
    found: list[Series] = []
    for symbol in run.request.symbols:
        for interval in run.request.intervals:
            covered: list[Range] = coverage.get(klines.series_key(SPOT, symbol, interval), [])
            start, end = run.wanted_us(lookback, covered[-1][0] * 1000 if covered else None)
            # Open times are whole milliseconds: the first one at or after the start, and those before the end.
            wanted = (-(-start // 1000), -(-end // 1000))
            found.append(KlineSeries(run.client, SPOT, symbol, interval, wanted, covered, run.now_us // 1000))
    return found


def _id_series(kind: type[AggTradeSeries] | type[TradeSeries]) -> Callable[[SpotRun, Coverage], list[Series]]:
    def series(run: SpotRun, coverage: Coverage) -> list[Series]:
        lookback = int(run.configuration.trades_lookback_hours * HOUR_MS)
        found: list[Series] = []
        for symbol in run.request.symbols:
            covered: list[id_series.IdEntry] = coverage.get(id_series.series_key(SPOT, symbol), [])
            starts = [entry[2] for entry in covered if entry[2] is not None]
            wanted = run.wanted_us(lookback, max(starts, default=None))
            found.append(kind(run.client, SPOT, symbol, wanted, covered, to_now=wanted[1] == run.now_us))
        return found

    return series


DATASETS_OF_SERIES: dict[str, Dataset] = {
    "klines": Dataset(_kline_series, add_range),
    "agg_trades": Dataset(_id_series(AggTradeSeries), id_series.add_ids),
    "trades": Dataset(_id_series(TradeSeries), id_series.add_ids),
}
"""The datasets that are walked, and how."""

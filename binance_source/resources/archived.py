"""Many series out of the archive: files fetched, verified and parsed in parallel, handed on in order."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import reduce
from queue import Empty, Full, Queue
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..archive.datasets import DAILY, ArchiveDataset, period_name
from ..archive.errors import ArchiveFileError, ArchiveUnreachableError
from ..archive.host import ArchiveFile, ArchiveHost
from ..archive.plan import Listing, choose, list_series, stem, unpublished_between
from ..archive.rows import OutOfOrderError, Rows, read_rows
from ..archive.spans import IdSpans, Span, Spans, TimeSpans
from ..archive.verified import Downloads, Verified
from ..archive.zips import open_member
from ..columns import build, times_from_us
from ..coverage import Range
from ..rest.errors import RunError, StoppedError
from ..schemas import ARCHIVE_DISAGREEMENTS, ARCHIVE_FILES
from ..settings import DAY_MS, INTERVAL_MS, LONGEST_MS
from .samples import reconcile, sampled
from .walk import STOP_SECONDS, Failure, Page

PLANS_AHEAD = 32
"""Series whose files are looked up before their turn."""

BLOCKS_AHEAD = 2
"""Parsed blocks that wait in each thread until their turn comes."""

LOADED, QUARANTINED = "loaded", "quarantined"

Sampler = Callable[["ArchiveSeries", ArchiveFile], pa.Table | None]
"""Gives REST's rows to compare a file with, or None."""


@dataclass
class ArchiveSeries:
    """One series (market, symbol and interval) as the archive has it.

    Attributes:
        key: Key of the series in coverage and messages.
        dataset: The kind of its files.
        symbol: Such as "BTCUSDT".
        interval: Such as "1m"; empty for trades.
        wanted: [from, to) in milliseconds.
        missing: From what is covered, what of the wanted times is missing, in milliseconds.
        followed_by_rest: REST will be asked for what the archive does not give.
        listing: Its published files, as far as they may be wanted.
        taken: Paths of the files put in line so far.
        done: How many of them are done.
        bad: Files that could not be used.
    """

    key: str
    dataset: ArchiveDataset
    symbol: str
    interval: str
    wanted: Range
    missing: Callable[[list[Any]], list[Range]]
    followed_by_rest: bool
    listing: Listing = field(default_factory=Listing)
    taken: set[str] = field(default_factory=set)
    done: int = 0
    bad: dict[ArchiveFile, ArchiveFileError] = field(default_factory=dict)

    def spans(self, file: ArchiveFile) -> Spans:
        """Give what follows the coverage of a file's rows."""
        if not self.dataset.is_by_time:
            return IdSpans(self.time_column)
        step = INTERVAL_MS[self.interval]
        period = (max(file.period[0], self.wanted[0]), min(file.period[1], self.wanted[1]))
        return TimeSpans(period, step, LONGEST_MS.get(self.interval, step))

    @property
    def time_column(self) -> str:
        """The column of its rows' times."""
        return self.dataset.time_column

    @property
    def labels(self) -> dict[str, str | None]:
        """Its columns in the tables of the archive's files."""
        return {"symbol": self.symbol, "interval": self.interval or None}


@dataclass(frozen=True)
class Archive:
    """What an ArchiveWalk works with.

    Attributes:
        host: The archive.
        downloads: Its files.
        loaded: Paths of the files that are in the destination.
        sampler: REST's rows to compare with.
        samples: Files of a series to compare.
        threads: Files under way at once.
        now_us: The run's "now", in microseconds since 1970.
        stop: Set from outside to end early.
    """

    host: ArchiveHost
    downloads: Downloads
    loaded: Set[str]
    sampler: Sampler
    samples: int
    threads: int
    now_us: int
    stop: threading.Event


@dataclass(frozen=True)
class _Block:
    """Rows of a file, ready to be handed on."""

    rows: Rows
    spans: list[Span]
    disagreements: pa.Table | None


@dataclass(frozen=True)
class _End:
    """The end of a file: what came of it, or why it was given up."""

    spans: Sequence[Span] = ()
    size: int = 0
    sha256: str | None = None
    downloaded: bool = False
    error: ArchiveFileError | None = None


class _FileTask:
    """One file on its way through a thread."""

    def __init__(self, archive: Archive, series: ArchiveSeries, file: ArchiveFile, is_sampled: bool) -> None:
        self.series = series
        self.file = file
        self.row_count = 0
        self.rows_loaded = 0
        self._archive = archive
        self._is_sampled = is_sampled
        self._given: Queue[_Block | _End | BaseException] = Queue(BLOCKS_AHEAD)

    def run(self) -> None:
        """Fetch, verify and parse the file; called in a thread."""
        try:
            self._give(self._read())
        except ArchiveFileError as error:
            self._give(_End(error=error))
        except BaseException as error:  # noqa: BLE001 - raised again in the consumer
            self._give(error)

    def blocks(self) -> Iterator[_Block | _End]:
        """Give the blocks, and the end; an error of the thread is raised here."""
        while True:
            try:
                item = self._given.get(timeout=STOP_SECONDS)
            except Empty:
                if self._archive.stop.is_set():
                    raise StoppedError from None
                continue
            if isinstance(item, BaseException):
                raise item
            yield item
            if isinstance(item, _End):
                return

    def _give(self, item: _Block | _End | BaseException) -> None:
        while not self._archive.stop.is_set():
            try:
                self._given.put(item, timeout=STOP_SECONDS)
            except Full:
                continue
            return

    def _read(self) -> _End:
        sample = self._archive.sampler(self.series, self.file) if self._is_sampled else None
        with self._archive.downloads.verified(self.file) as verified:
            try:
                return self._parse(verified, sample, whole=False)
            except OutOfOrderError:
                return self._parse(verified, sample, whole=True)

    def _parse(self, verified: Verified, sample: pa.Table | None, whole: bool) -> _End:
        series, dataset = self.series, self.series.dataset
        constants = {"market": dataset.market, "symbol": series.symbol, "source": self.file.key}
        if dataset.has_interval:
            constants["interval"] = series.interval
        spans = series.spans(self.file)
        self.row_count = 0
        verified.content.seek(0)
        with open_member(verified.content, verified.size, f"{stem(self.file)}.csv") as stream:
            for parsed in read_rows(stream, dataset, constants, whole):
                if self._archive.stop.is_set():
                    raise StoppedError
                self.row_count += parsed.read
                rows = self._clipped(parsed)
                if not rows.table.num_rows:
                    continue
                covered = spans.take(rows.table, rows.keys)
                disagreements = None
                if sample is not None:
                    labels = {"path": self.file.key, **series.labels}
                    table, disagreements = reconcile(rows, sample, dataset, labels, self._archive.now_us)
                    rows = replace(rows, table=table)
                self._give(_Block(rows, covered, disagreements))
        return _End(spans.end(), verified.size, verified.sha256, verified.downloaded)

    def _clipped(self, rows: Rows) -> Rows:
        """Leave out what is not of the file's period or not wanted, and candles that were open when it was made."""
        table, (start, end) = rows.table, self.series.wanted
        is_closed: Any = True
        if self.series.dataset.is_by_time:
            start, end = max(start, self.file.period[0]), min(end, self.file.period[1])
            if "close_time" in table.column_names:
                closed_before = min(self.file.last_modified_us, self._archive.now_us)
                is_closed = pc.less(table["close_time"].cast(pa.int64()), closed_before)
        elif start <= self.file.period[0] and self.file.period[1] <= end:
            return rows
        times = table[self.series.time_column].cast(pa.int64())
        keep = pc.and_(pc.greater_equal(times, start * 1000), pc.and_(pc.less(times, end * 1000), is_closed))
        if pc.all(keep).as_py():
            return rows
        keep = keep.combine_chunks()
        return replace(rows, table=table.filter(keep), keys=pc.filter(rows.keys, keep))


class ArchiveWalk:
    """Takes series out of the archive.

    At most `threads` files are under way, each with a few parsed blocks waiting, so that memory does not depend on
    the length of a history. Files come in the order of the series and their periods.

    Args:
        series: What to fetch.
        covered: Gives what is covered of a series by now, as the destination will have it.
        archive: What to work with.

    Attributes:
        failures: What was asked for, is not there, and will not be asked for elsewhere.
        notes: What happened to files that could not be used.
        error: What ended the walk early, or None.
        finished: Nothing is left.
        total: Number of files to fetch, as far as it is known.
        done: Files done.
    """

    def __init__(self, series: Sequence[ArchiveSeries], covered: Callable[[str], list[Any]], archive: Archive) -> None:
        self.failures: list[Failure] = []
        self.notes: list[str] = []
        self.error: RunError | None = None
        self.finished = False
        self.total = 0
        self.done = 0
        self._covered = covered
        self._archive = archive
        self._planner = ThreadPoolExecutor(max(archive.threads // 2, 1), thread_name_prefix="archive-listing")
        self._pool = ThreadPoolExecutor(archive.threads, thread_name_prefix="archive")
        self._waiting = deque(series)
        self._plans: deque[tuple[ArchiveSeries, Future[Listing]]] = deque()
        self._ready: deque[tuple[ArchiveSeries, ArchiveFile, bool]] = deque()
        self.pages = self._run()
        """The pages; one iterator for the whole walk, so that a consumer can pause and go on."""

    def _run(self) -> Iterator[Page]:
        under_way: deque[_FileTask] = deque()
        try:
            while True:
                while len(under_way) < self._archive.threads and (following := self._next()) is not None:
                    task = _FileTask(self._archive, *following)
                    self._pool.submit(task.run)
                    under_way.append(task)
                if not under_way:
                    break
                yield from self._pages_of(under_way.popleft())
        except RunError as error:
            self._end(error)
        finally:
            self._planner.shutdown(wait=False, cancel_futures=True)
            self._pool.shutdown(wait=False, cancel_futures=True)
        self.finished = True

    def _end(self, error: RunError) -> None:
        series = [*self._waiting, *(planned for planned, _ in self._plans)]
        if isinstance(error, ArchiveUnreachableError) and all(one.followed_by_rest for one in series):
            self.notes.append(f"{error}; all was asked for by REST")
        else:
            self.error = error

    def _next(self) -> tuple[ArchiveSeries, ArchiveFile, bool] | None:
        """Give the next file to fetch; wait for a listing where there is none."""
        while not self._ready:
            while self._waiting and len(self._plans) < PLANS_AHEAD:
                one = self._waiting.popleft()
                self._plans.append((one, self._planner.submit(self._list, one)))
            if not self._plans:
                return None
            series, listed = self._plans[0]
            try:
                series.listing = listed.result()
            except ArchiveFileError as error:
                self._miss(series, str(error))
                series.listing = Listing()
            self._plans.popleft()
            self._choose(series)
            if not series.taken:
                self._close(series)
        return self._ready.popleft()

    def _list(self, series: ArchiveSeries) -> Listing:
        if self._archive.stop.is_set():
            raise StoppedError
        missing = series.missing(self._covered(series.key))
        is_short = all(end - start < DAY_MS for start, end in missing)
        if not missing or (is_short and series.followed_by_rest):
            return Listing()
        return list_series(self._archive.host, series.dataset, series.symbol, series.interval, missing[0][0])

    def _choose(self, series: ArchiveSeries, overlapping: ArchiveFile | None = None) -> None:
        """Put a series' files in line, or those that have what another file should have had."""
        bad = {file.key for file in series.bad}
        loaded = (self._archive.loaded | series.taken) - bad
        missing = series.missing(self._covered(series.key))
        files = choose(series.listing, missing, loaded, bad, series.followed_by_rest)
        if overlapping is not None:
            start, end = overlapping.period
            files = [file for file in files if file.period[0] < end and start < file.period[1]]
        compared = sampled(files, self._archive.samples) if series.followed_by_rest else ()
        self._ready.extend((series, file, file.key in compared) for file in files)
        series.taken.update(file.key for file in files)
        self.total += len(files)

    def _pages_of(self, task: _FileTask) -> Iterator[Page]:
        series = task.series
        for item in task.blocks():
            if isinstance(item, _Block):
                yield self._page(task, item)
            elif item.error is not None:
                series.bad[task.file] = item.error
                self.notes.append(f"QUARANTINED: {task.file.key}: {item.error}")
                self._choose(series, overlapping=task.file)
                yield Page(series.key, _no_rows(series), records=[(ARCHIVE_FILES, _record(task, item, self._archive))])
            else:
                yield Page(
                    series.key,
                    _no_rows(series),
                    item.spans,
                    files=1,
                    downloaded_bytes=item.size if item.downloaded else 0,
                    records=[(ARCHIVE_FILES, _record(task, item, self._archive))],
                )
        if task.file not in series.bad and self._lacks_a_day(series, task.file):
            # Days that a month's file lacks may have files of their own.
            self._choose(series, overlapping=task.file)
        series.done += 1
        self.done += 1
        if series.done == len(series.taken):
            self._close(series)

    def _lacks_a_day(self, series: ArchiveSeries, file: ArchiveFile) -> bool:
        start, end = file.period
        missing = series.missing(self._covered(series.key))
        return any(min(one[1], end) - max(one[0], start) >= DAY_MS for one in missing)

    def _page(self, task: _FileTask, block: _Block) -> Page:
        table = self._fresh(task.series.key, block.rows)
        if block.disagreements is None or not block.disagreements.num_rows:
            task.rows_loaded += table.num_rows
        else:
            task.rows_loaded += pc.sum(pc.equal(table["source"].cast(pa.string()), task.file.key)).as_py()
        newest = None
        if table.num_rows:
            newest = pc.max(table[task.series.time_column].cast(pa.int64())).as_py()
        differences = block.disagreements
        records = [(ARCHIVE_DISAGREEMENTS, differences)] if differences is not None and differences.num_rows else []
        return Page(task.series.key, table, block.spans, newest, block.rows.tombstones, records)

    def _fresh(self, key: str, rows: Rows) -> pa.Table:
        """Leave out rows that are covered: files overlap at their edges, and a file may have been begun before."""
        low, high = rows.keys[0].as_py(), rows.keys[-1].as_py()
        table = rows.table
        known = [entry for entry in self._covered(key) if entry[0] <= high and low < entry[1]]
        if known:
            inside = [pc.and_(pc.greater_equal(rows.keys, entry[0]), pc.less(rows.keys, entry[1])) for entry in known]
            table = table.filter(pc.invert(reduce(pc.or_, inside)))
        return table

    def _close(self, series: ArchiveSeries) -> None:
        """Say what of a series is missing for good; REST will say so itself where it is asked."""
        if not series.followed_by_rest:
            missing = series.missing(self._covered(series.key))
            for file, error in series.bad.items():
                if any(start < file.period[1] and file.period[0] < end for start, end in missing):
                    self._miss(series, f"{file.key}: {error}")
            for start, end in unpublished_between(series.listing, missing):
                days = f"{period_name(start, DAILY)} to {period_name(end - 1, DAILY)}"
                self._miss(series, f"the archive has no file for {days}; --source auto asks REST for it")
        series.listing = Listing()

    def _miss(self, series: ArchiveSeries, reason: str) -> None:
        if series.followed_by_rest:
            self.notes.append(f"{series.key.replace('|', ' ')}: {reason}; REST was asked")
        else:
            self.failures.append(Failure(series.key, reason))


def _no_rows(series: ArchiveSeries) -> pa.Table:
    return series.dataset.table.schema.empty_table()


def _record(task: _FileTask, end: _End, archive: Archive) -> pa.Table:
    """Give the file's line in archive_files."""
    file, series = task.file, task.series
    return build(
        ARCHIVE_FILES,
        1,
        {
            "path": file.key,
            "market": series.dataset.market,
            "dataset": series.dataset.table.name,
            **{name: [value] for name, value in series.labels.items()},
            "status": LOADED if end.error is None else QUARANTINED,
            "reason": [None if end.error is None else str(end.error)],
            "sha256": [end.sha256],
            "last_modified": times_from_us([file.last_modified_us]),
            "size_bytes": [file.size if end.error is not None else end.size],
            "row_count": [None if end.error is not None else task.row_count],
            "rows_loaded": [task.rows_loaded],
            "loaded_at": times_from_us([archive.now_us]),
            "revision": [1],
            "rows_changed": [None],
            "replaced_load_id": [None],
        },
    )

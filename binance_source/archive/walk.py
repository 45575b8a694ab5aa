"""Load many series from the archive: files are fetched in parallel, and their pages yielded in order."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from exchange_engine.http.errors import StoppedError
from exchange_engine.tables import Table
from exchange_engine.times import DAY_MS
from exchange_engine.walk import Failure, Page, Walk

from ..schemas import ARCHIVE_DISAGREEMENTS, ARCHIVE_FILES
from .errors import ArchiveFileError, ArchiveUnreachableError
from .file_kinds import DAILY, period_name
from .file_task import Archive, Block, End, FileTask
from .host import ArchiveFile
from .plan import PUBLICATION_MS, FileList, list_days, unpublished_between
from .rows import Rows
from .samples import sampled
from .series import BEGUN, COMPARED, LOADED, QUARANTINED, ArchiveSeries, file_record

PLANS_AHEAD = 32
"""Number of series whose files are listed ahead of their turn."""


class ArchiveWalk(Walk):
    """Loads series from the archive.

    At most `threads` files are in progress, each with a few parsed blocks waiting, so that memory does not depend on
    the length of a history. Files come in the order of the series and of their periods.

    Args:
        series: What to fetch.
        covered: Returns the coverage of a series by now, as the destination will have it.
        archive: What to work with.
    """

    unit = "files"

    def __init__(self, series: Sequence[ArchiveSeries], covered: Callable[[str], list[Any]], archive: Archive) -> None:
        super().__init__()
        self._covered = covered
        self._archive = archive
        self._planner = ThreadPoolExecutor(max(archive.threads // 2, 1), thread_name_prefix="archive-listing")
        self._pool = ThreadPoolExecutor(archive.threads, thread_name_prefix="archive")
        self._waiting = deque(series)
        self._plans: deque[tuple[ArchiveSeries, Future[FileList]]] = deque()
        self._begun: FileTask | None = None
        self._answers: list[Page] = []
        self._ready: deque[tuple[ArchiveSeries, ArchiveFile, bool]] = deque()

    def _run(self) -> Iterator[Page]:
        under_way: deque[FileTask] = deque()
        try:
            while True:
                while len(under_way) < self._archive.threads and (following := self._next()) is not None:
                    task = FileTask(self._archive, *following)
                    self._pool.submit(task.run)
                    under_way.append(task)
                yield from self._take_answers()
                if not under_way:
                    break
                yield from self._pages_of(under_way.popleft())
        except ArchiveUnreachableError as error:
            if not all(one.followed_by_rest for one in [*self._waiting, *(planned for planned, _ in self._plans)]):
                raise
            self.notes.append(f"{error}; all was asked for by REST")
        finally:
            self._planner.shutdown(wait=False, cancel_futures=True)
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _take_answers(self) -> list[Page]:
        answers, self._answers = self._answers, []
        return answers

    def _next(self) -> tuple[ArchiveSeries, ArchiveFile, bool] | None:
        """Return the next file to fetch, after waiting for a listing if none is queued; None at the end."""
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
                self._plans.popleft()
                self._miss(series, str(error))
                continue
            self._plans.popleft()
            self._choose(series)
            if not series.taken:
                self._close(series)
        return self._ready.popleft()

    def _list(self, series: ArchiveSeries) -> FileList:
        if self._archive.stop.is_set():
            raise StoppedError
        missing = series.missing(self._covered(series.key))
        return series.look_up(self._archive.host, missing, self._archive.known)

    def _choose(self, series: ArchiveSeries, overlapping: ArchiveFile | None = None) -> None:
        """Queue the files of a series, or those that replace or complete another file."""
        if overlapping is not None:
            self._list_days(series, overlapping)
        missing = series.missing(self._covered(series.key))
        files = series.choose(series.listing, missing, self._archive.known, series.taken)
        files = [file for file in files if file.key not in series.taken]
        if overlapping is not None:
            start, end = overlapping.period
            files = [file for file in files if file.period[0] < end and start < file.period[1]]
        # Without REST, a month's file is compared with a day's.
        comparable = files if series.followed_by_rest else [file for file in files if file in series.listing.monthly]
        compared = sampled(comparable, self._archive.samples)
        self._ready.extend((series, file, file.key in compared) for file in files)
        series.taken.update(file.key for file in files)
        self.total += len(files)

    def interim_records(self) -> list[tuple[Table, pa.Table]]:
        """Return the record of the file in progress, for a load package that ends within it."""
        task = self._begun
        return [] if task is None else [(ARCHIVE_FILES, _record(task, BEGUN, self._archive))]

    def _pages_of(self, task: FileTask) -> Iterator[Page]:
        series = task.series
        held: Page | None = None
        for item in task.blocks():
            if isinstance(item, Block):
                if held is not None:
                    self._begun = task
                    yield held
                held = self._page(task, item)
            else:
                # In one page with the last rows: a load package must not end between them and the file's record.
                self._begun = None
                yield self._ended(task, item, held or Page(series.key, _no_rows(series)))
        if task.file not in series.bad and self._lacks_a_day(series, task.file):
            # Days that are missing in a month's file may have files of their own.
            self._choose(series, overlapping=task.file)
        series.done += 1
        self.done += 1
        if series.done == len(series.taken):
            self._close(series)

    def _ended(self, task: FileTask, end: End, last: Page) -> Page:
        """Return the page that completes a file: its last rows, and its record."""
        status = BEGUN if task.series.is_needed_again(task.file) else LOADED
        record = (ARCHIVE_FILES, _record(task, QUARANTINED if end.error else status, self._archive, end))
        if end.error is None:
            return replace(
                last,
                covered=[*last.covered, *end.spans],
                records=[*last.records, record],
                files=1,
                downloaded_bytes=end.size if end.downloaded else 0,
            )
        task.series.bad[task.file] = end.error
        self.notes.append(f"QUARANTINED: {task.file.key}: {end.error}")
        self._choose(task.series, overlapping=task.file)
        return replace(last, records=[*last.records, record])

    def _list_days(self, series: ArchiveSeries, month: ArchiveFile) -> None:
        """List the daily files of a month whose own file is not enough."""
        try:
            days = list_days(self._archive.host, series.dataset, series.symbol, series.interval, month.period)
        except ArchiveFileError as error:
            self._miss(series, str(error))
            return
        series.listing = FileList(series.listing.monthly, sorted({*series.listing.daily, *days}, key=_begin))

    def _lacks_a_day(self, series: ArchiveSeries, file: ArchiveFile) -> bool:
        start, end = file.period
        missing = series.missing(self._covered(series.key))
        return any(min(one[1], end) - max(one[0], start) >= DAY_MS for one in missing)

    def _page(self, task: FileTask, block: Block) -> Page:
        table = self._fresh(task.series.key, block.rows)
        task.rows_loaded += _rows_of(table, task.file.key) if block.sample is not None else table.num_rows
        newest = None
        if table.num_rows:
            newest = pc.max(table[task.series.time_column].cast(pa.int64())).as_py()
        return Page(
            task.series.key, table, block.spans, newest, block.rows.tombstones, self._disagreements(task, block, table)
        )

    def _disagreements(self, task: FileTask, block: Block, table: pa.Table) -> list[tuple[Table, pa.Table]]:
        """Return the records of a comparison: the differences, and the file that won over this one."""
        if block.disagreements is None or not block.disagreements.num_rows:
            return []
        records = [(ARCHIVE_DISAGREEMENTS, block.disagreements)]
        if block.sample is not None and block.sample.file is not None:
            file, sha256, size, row_count = block.sample.file
            task.rows_of_sample += _rows_of(table, file.key)
            line = file_record(
                task.series,
                file,
                self._archive.now_us,
                status=COMPARED,
                sha256=sha256,
                size_bytes=size,
                row_count=row_count,
                rows_loaded=task.rows_of_sample,
            )
            records.append((ARCHIVE_FILES, line))
        return records

    def _fresh(self, key: str, rows: Rows) -> pa.Table:
        """Return the rows that are not covered yet: files overlap at their edges, and a file may be partly loaded."""
        low, high = rows.keys[0].as_py(), rows.keys[-1].as_py()
        table = rows.table
        known = [entry for entry in self._covered(key) if entry[0] <= high and low < entry[1]]
        if known:
            inside = [pc.and_(pc.greater_equal(rows.keys, entry[0]), pc.less(rows.keys, entry[1])) for entry in known]
            table = table.filter(pc.invert(reduce(pc.or_, inside)))
        return table

    def _close(self, series: ArchiveSeries) -> None:
        """Report what of a series is missing for good; if REST follows, that is left to REST."""
        if not series.followed_by_rest:
            missing = series.missing(self._covered(series.key))
            for file, error in series.bad.items():
                if any(start < file.period[1] and file.period[0] < end for start, end in missing):
                    self._miss(series, f"{file.key}: {error}")
            for start, end in unpublished_between(series.listing, missing):
                days = f"{period_name(start, DAILY)} to {period_name(end - 1, DAILY)}"
                self._miss(series, f"the archive has no file for {days}; --source auto asks REST for it")
            if not series.bad:
                # No other source follows: what has no file after a week will not get one.
                end = min(series.wanted[1], self._archive.now_us // 1000 - PUBLICATION_MS)
                self._answers.append(Page(series.key, _no_rows(series), answered=(series.wanted[0], end)))
        series.listing = FileList()

    def _miss(self, series: ArchiveSeries, reason: str) -> None:
        if series.followed_by_rest:
            self.notes.append(f"{series.key.replace('|', ' ')}: {reason}; REST was asked")
        else:
            self.failures.append(Failure(series.key, reason))


def _begin(file: ArchiveFile) -> int:
    return file.period[0]


def _rows_of(table: pa.Table, source: str) -> int:
    return int(pc.sum(pc.equal(table["source"].cast(pa.string()), source)).as_py() or 0)


def _no_rows(series: ArchiveSeries) -> pa.Table:
    return series.dataset.table.schema.empty_table()


def _record(task: FileTask, status: str, archive: Archive, end: End | None = None) -> pa.Table:
    """Return a file's row of archive_files."""
    is_loaded = end is not None and end.error is None
    return file_record(
        task.series,
        task.file,
        archive.now_us,
        status=status,
        reason=str(end.error) if end is not None and end.error is not None else None,
        sha256=end.sha256 if end is not None else None,
        size_bytes=end.size if end is not None and is_loaded else task.file.size,
        row_count=task.row_count if is_loaded else None,
        rows_loaded=task.rows_loaded,
        rows_compared=task.rows_compared,
    )

"""Retry gaps in the archive's files."""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from exchange_engine.coverage import Range, add, missing
from exchange_engine.http.errors import StoppedError
from exchange_engine.request import ARCHIVE
from exchange_engine.tables import Table
from exchange_engine.times import DAY_MS, INTERVAL_MS, LONGEST_MS
from exchange_engine.walk import STOP_SECONDS, Failure, Page, Walk

from ..archive.errors import ArchiveFileError, ArchiveUnreachableError
from ..archive.file_rows import file_rows
from ..archive.host import ArchiveFile, ArchiveHost
from ..archive.plan import PUBLICATION_MS, choose, list_series, overlaps
from ..archive.rows import OutOfOrderError, key_numbers
from ..archive.series import SEARCHED, ArchiveSeries, file_record
from ..archive.spans import TimeSpans
from ..archive.verified import Downloads, Verified
from ..schemas import ARCHIVE_FILES
from .gaps import FOUND, NOTHING, UNPUBLISHED, Gap, Question, Repairs, check_record, unstored

NAMED_FILES = 3
"""How many of the searched files the record of a gap names."""


@dataclass
class _Search:
    """What was found of the gaps of one series.

    Attributes:
        pages: Rows, with the record of their file.
        found: Number of rows found per gap.
        looked_into: Files that were read to their end, or are known to have nothing more.
        unanswered: Periods of files that could not be used.
        failures: Files or listings that failed.
        notes: Messages for the user that are not failures.
    """

    pages: list[Page] = field(default_factory=list)
    found: dict[Gap, int] = field(default_factory=dict)
    looked_into: list[ArchiveFile] = field(default_factory=list)
    unanswered: list[Range] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class ArchiveRepair(Walk):
    """Searches the files of their days for gaps, and records the result of each.

    A file that is loaded as a whole is not fetched again. If it has been published again since, its gaps get no record,
    and a note asks for --revisions.

    Args:
        questions: The gaps; what is found is removed from what is left of them.
        repairs: What is known of the destination.
        host: The archive.
        downloads: Downloads from the archive.
        threads: Number of series searched at once.
        now_us: The run's "now", in microseconds since 1970.
        stop: Set from outside to end early.
    """

    def __init__(
        self,
        questions: Sequence[Question],
        repairs: Repairs,
        host: ArchiveHost,
        downloads: Downloads,
        threads: int,
        now_us: int,
        stop: threading.Event,
    ) -> None:
        self._by_series: dict[str, list[Question]] = {}
        for question in questions:
            self._by_series.setdefault(question.gap.series, []).append(question)
        super().__init__(len(self._by_series))
        self._repairs = repairs
        self._host = host
        self._downloads = downloads
        self._threads = threads
        self._now_us = now_us
        self._stop = stop

    def _run(self) -> Iterator[Page]:
        waiting = deque(self._by_series.values())
        under_way: deque[Future[_Search]] = deque()
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="archive-repair")
        try:
            while waiting or under_way:
                while waiting and len(under_way) < 2 * self._threads:
                    under_way.append(pool.submit(self._search, waiting.popleft()))
                search = self._result(under_way.popleft())
                self.failures += search.failures
                self.notes += search.notes
                self.done += 1
                yield from search.pages
        except ArchiveUnreachableError as error:
            # REST can still be requested; that alone does not confirm a gap.
            self.failures.append(Failure("the archive", str(error)))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _result(self, future: Future[_Search]) -> _Search:
        while not wait([future], STOP_SECONDS).done:
            if self._stop.is_set():
                raise StoppedError
        return future.result()

    def _search(self, questions: list[Question]) -> _Search:
        """Search for the gaps of one series; called in a thread."""
        gap, search = questions[0].gap, _Search()
        days = add([], (_whole_days(one.gap.period) for one in questions))
        series = ArchiveSeries(
            gap.series, gap.archive, gap.symbol, gap.interval, (days[0][0], days[-1][1]), list, followed_by_rest=False
        )
        try:
            listing = list_series(self._host, gap.archive, gap.symbol, gap.interval, days, only_whole_days=False)
        except ArchiveFileError as error:
            search.failures.append(Failure(gap.series, f"the archive was not looked into: {error}"))
            return search
        for file in choose(listing, days, (), (), only_whole_days=False):
            if self._stop.is_set():
                raise StoppedError
            try:
                self._look_into(file, series, questions, search)
            except ArchiveFileError as error:
                search.failures.append(Failure(gap.series, f"{file.key}: {error}"))
                search.unanswered.append(file.period)
        answers = [said for one in questions if (said := self._answer(one.gap, search)) is not None]
        search.pages.append(Page(gap.series, gap.archive.table.schema.empty_table(), records=answers))
        return search

    def _look_into(self, file: ArchiveFile, series: ArchiveSeries, questions: list[Question], search: _Search) -> None:
        known = self._repairs.loaded.get(file.key)
        if known is not None:
            if known.is_as_published(file):
                search.looked_into.append(file)
            else:
                search.notes.append(f"{file.key} has been published again since it was loaded: run --revisions")
                search.unanswered.append(file.period)
            return
        near = [one for one in questions if overlaps(file.period, [one.gap.period])]
        with self._downloads.verified(file) as verified:
            try:
                table, contradictions = self._rows(file, series, near, verified, whole=False)
            except OutOfOrderError:
                table, contradictions = self._rows(file, series, near, verified, whole=True)
        search.looked_into.append(file)
        if contradictions:
            search.notes.append(f"{file.key}: {contradictions} rows contradict each other and were not taken")
            search.unanswered.append(file.period)
        for one in near:
            found = _take(one, table)
            search.found[one.gap] = search.found.get(one.gap, 0) + found
        rows = unstored(table, questions[0].gap, self._repairs.stored)
        if rows.num_rows:
            record = file_record(
                series,
                file,
                self._now_us,
                status=SEARCHED,
                sha256=verified.sha256,
                size_bytes=verified.size,
                row_count=None,
                rows_loaded=self._repairs.begun.get(file.key, 0) + rows.num_rows,
            )
            size = verified.size if verified.downloaded else 0
            newest = pc.max(rows[series.time_column].cast(pa.int64())).as_py()
            records = [(ARCHIVE_FILES, record)]
            search.pages.append(
                Page(series.key, rows, newest_us=newest, records=records, files=1, downloaded_bytes=size)
            )

    def _rows(
        self, file: ArchiveFile, series: ArchiveSeries, questions: list[Question], verified: Verified, whole: bool
    ) -> tuple[pa.Table, int]:
        """Return the missing rows of a file, and how many of all its rows contradict each other."""
        tables, contradictions = [series.dataset.table.schema.empty_table()], 0
        for rows in file_rows(series, file, verified, whole, self._now_us, self._stop):
            inside = [_within(rows.keys, part) for one in questions for part in one.left]
            tables.append(rows.table.filter(reduce(pc.or_, inside)) if inside else tables[0])
            contradictions += rows.contradictions
        return pa.concat_tables(tables), contradictions

    def _answer(self, gap: Gap, search: _Search) -> tuple[Table, pa.Table] | None:
        """Return the record of what the archive has of a gap, or None if some file of its period could not be used."""
        if found := search.found.get(gap, 0):
            outcome = FOUND
        elif overlaps(gap.period, search.unanswered):
            return None
        else:
            # A missing file that may still be published proves nothing.
            young = (self._now_us // 1000 - PUBLICATION_MS, gap.period[1])
            unseen = missing(gap.period, add([], (file.period for file in search.looked_into)))
            outcome = UNPUBLISHED if overlaps(young, unseen) else NOTHING
        names = [file.key for file in search.looked_into if overlaps(gap.period, [file.period])]
        more = f" and {len(names) - NAMED_FILES} more" if len(names) > NAMED_FILES else ""
        detail = ", ".join(names[:NAMED_FILES]) + more if names else "there is no file of it"
        return check_record(gap, ARCHIVE, outcome, found, detail, self._now_us)


def _take(question: Question, table: pa.Table) -> int:
    """Remove a table's rows from what is left of a gap, and return their number."""
    gap = question.gap
    keys = key_numbers(table, gap.archive)
    mine = _within(keys, (gap.first, gap.end))
    rows, keys = table.filter(mine), pc.filter(keys, mine)
    if not len(keys):
        return 0
    if gap.archive.is_by_time:
        step = INTERVAL_MS[gap.interval]
        spans = TimeSpans((gap.first, gap.end), step, LONGEST_MS.get(gap.interval, step))
        found = [*spans.take(rows, keys), *spans.end()]
    else:
        found = [(key, key + 1) for key in keys.to_pylist()]
    there = add([], ((span[0], span[1]) for span in found))
    question.left = [part for one in question.left for part in missing(one, there)]
    return len(keys)


def _within(keys: pa.Array, part: Range) -> pa.Array:
    return pc.and_(pc.greater_equal(keys, part[0]), pc.less(keys, part[1]))


def _whole_days(period: Range) -> Range:
    return period[0] // DAY_MS * DAY_MS, -(-period[1] // DAY_MS) * DAY_MS

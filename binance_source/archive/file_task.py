"""One file of the archive, processed in a thread: fetched, verified, parsed and compared, block by block."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from queue import Empty, Full, Queue

import pyarrow as pa

from exchange_engine.http.errors import StoppedError
from exchange_engine.walk import STOP_SECONDS

from .errors import ArchiveFileError
from .file_rows import file_rows
from .host import ArchiveFile, ArchiveHost
from .rows import OutOfOrderError, Rows
from .samples import Sample, reconcile
from .series import ArchiveSeries, KnownFiles
from .spans import Span
from .verified import Downloads, Verified

BLOCKS_AHEAD = 2
"""Parsed blocks that may wait in each thread."""

Sampler = Callable[[ArchiveSeries, ArchiveFile], Sample | None]
"""Returns rows from another source to compare a file with, or None."""


@dataclass(frozen=True)
class Archive:
    """What an ArchiveWalk works with.

    Attributes:
        host: The archive.
        downloads: Downloads from the archive.
        known: What the destination has of the files.
        sampler: Returns rows from another source to compare with.
        samples: Number of files per series to compare.
        threads: Number of files in progress at once.
        now_us: The run's "now", in microseconds since 1970.
        stop: Set from outside to end early.
    """

    host: ArchiveHost
    downloads: Downloads
    known: KnownFiles
    sampler: Sampler
    samples: int
    threads: int
    now_us: int
    stop: threading.Event


@dataclass(frozen=True)
class Block:
    """Rows of a file, ready to be yielded, with what they cover."""

    rows: Rows
    spans: list[Span]
    disagreements: pa.Table | None
    sample: Sample | None


@dataclass(frozen=True)
class End:
    """The end of a file: its coverage, size and checksum, or the error that made it unusable."""

    spans: Sequence[Span] = ()
    size: int = 0
    sha256: str | None = None
    downloaded: bool = False
    error: ArchiveFileError | None = None


class FileTask:
    """One file that is processed in a thread."""

    def __init__(self, archive: Archive, series: ArchiveSeries, file: ArchiveFile, is_sampled: bool) -> None:
        self.series = series
        self.file = file
        self.row_count = 0
        self.rows_loaded = archive.known.begun.get(file.key, 0)
        self.rows_of_sample = 0
        self.rows_compared: int | None = None
        self._archive = archive
        self._is_sampled = is_sampled
        self._given: Queue[Block | End | BaseException] = Queue(BLOCKS_AHEAD)

    def run(self) -> None:
        """Fetch, verify and parse the file; called in a thread."""
        try:
            self._give(self._read())
        except ArchiveFileError as error:
            self._give(End(error=error))
        except BaseException as error:  # noqa: BLE001 - raised again in the consumer
            self._give(error)

    def blocks(self) -> Iterator[Block | End]:
        """Yield the blocks, then the end; an error of the thread is raised here."""
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
            if isinstance(item, End):
                return

    def _give(self, item: Block | End | BaseException) -> None:
        while not self._archive.stop.is_set():
            try:
                self._given.put(item, timeout=STOP_SECONDS)
            except Full:
                continue
            return

    def _read(self) -> End:
        sample = self._archive.sampler(self.series, self.file) if self._is_sampled else None
        with self._archive.downloads.verified(self.file) as verified:
            try:
                return self._parse(verified, sample, whole=False)
            except OutOfOrderError:
                return self._parse(verified, sample, whole=True)

    def _parse(self, verified: Verified, sample: Sample | None, whole: bool) -> End:
        series, archive = self.series, self._archive
        spans = series.spans(self.file)
        self.row_count = 0
        self.rows_compared = None if sample is None else 0
        for rows in file_rows(series, self.file, verified, whole, archive.now_us, archive.stop):
            self.row_count += rows.read
            if not rows.table.num_rows:
                continue
            covered = spans.take(rows.table, rows.keys)
            disagreements = None
            if sample is not None:
                labels = {"path": self.file.key, **series.labels}
                table, disagreements, compared = reconcile(rows, sample, series.dataset, labels, archive.now_us)
                self.rows_compared = (self.rows_compared or 0) + compared
                rows = replace(rows, table=table)
            self._give(Block(rows, covered, disagreements, sample))
        return End(spans.end(), verified.size, verified.sha256, verified.downloaded)

"""Files that the archive has published again: their rows are reloaded, and the changes counted."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from exchange_engine.coverage import Range, add, series_key
from exchange_engine.http.errors import StoppedError
from exchange_engine.tables import LABEL
from exchange_engine.walk import Failure, Page, Walk

from ..schemas import ARCHIVE_FILES
from .errors import ArchiveFileError
from .file_kinds import ARCHIVE_DATASETS, ArchiveDataset
from .file_rows import file_rows
from .host import ArchiveFile, ArchiveHost
from .rows import OutOfOrderError, Rows, key_numbers
from .series import LOADED, ArchiveSeries, file_record
from .verified import Downloads, Verified


@dataclass(frozen=True)
class KnownFile:
    """A file whose rows are in the destination, in the version that was loaded.

    Attributes:
        path: Its path in the archive.
        market, dataset, symbol, interval: Its series; interval is empty for trades.
        sha256: SHA-256 of the version, in hex.
        last_modified_us: When it was published, in microseconds since 1970.
        size: Its size in bytes.
        row_count, rows_loaded: How many rows it has, and how many of them were loaded.
        revision: 1 for the first version that was loaded.
        load_id: The dlt load that completed it.
    """

    path: str
    market: str
    dataset: str
    symbol: str
    interval: str
    sha256: str
    last_modified_us: int
    size: int
    row_count: int
    rows_loaded: int
    revision: int
    load_id: str

    def is_as_published(self, file: ArchiveFile) -> bool:
        """Return whether the listing still has the version that was loaded."""
        return (self.last_modified_us, self.size) == (file.last_modified_us, file.size)


class SeriesId(Protocol):
    """Anything that belongs to one series; interval is empty for trades."""

    @property
    def market(self) -> str:
        """Such as "spot"."""

    @property
    def symbol(self) -> str:
        """Such as "BTCUSDT"."""

    @property
    def interval(self) -> str:
        """Such as "1m"."""


StoredRows = Callable[[ArchiveDataset, SeriesId, int, int], pa.Table]
"""Returns the rows that the destination has of a series with keys in [first, last], in the staging columns."""


@dataclass(frozen=True)
class Revisions:
    """What a RevisionWalk works with.

    Attributes:
        known: The files to check.
        stored: Reads rows of the destination.
        stored_outside: Returns, as integers, the keys of a file's rows in the destination that are not in [first,
            last].
    """

    known: Sequence[KnownFile]
    stored: StoredRows
    stored_outside: Callable[[ArchiveDataset, KnownFile, int, int], pa.Array]


class RevisionWalk(Walk):
    """Compares known files with the listing, and reloads those that have changed.

    Rows that the destination has from elsewhere (a day's own file, REST) stay: they have won over this file before. The
    file's old rows are left for the pipeline to remove: those with its path, up to `replaced_load_id`.

    Args:
        dataset: The staging table.
        revisions: The known files, and access to the destination.
        host: The archive.
        downloads: Downloads from the archive.
        now_us: The run's "now", in microseconds since 1970.
        stop: Set from outside to end early.
    """

    unit = "files"

    def __init__(
        self,
        dataset: str,
        revisions: Revisions,
        host: ArchiveHost,
        downloads: Downloads,
        now_us: int,
        stop: threading.Event,
    ) -> None:
        self._revisions = revisions
        self._known = [file for file in revisions.known if file.dataset == dataset]
        super().__init__(len(self._known))
        self._host = host
        self._downloads = downloads
        self._now_us = now_us
        self._stop = stop

    def _run(self) -> Iterator[Page]:
        folders: dict[str, list[KnownFile]] = {}
        for file in self._known:
            folders.setdefault(file.path.rpartition("/")[0] + "/", []).append(file)
        for folder, files in folders.items():
            yield from self._folder(folder, files)

    def _folder(self, folder: str, files: list[KnownFile]) -> Iterator[Page]:
        first = min(file.path for file in files)
        try:
            # The listing begins after the marker: without its ending, a path sorts before itself.
            listed = {file.key: file for file in self._host.files(folder, first.rpartition(".")[0])}
        except ArchiveFileError as error:
            self.failures.append(Failure(folder, str(error)))
            return
        for known in files:
            if self._stop.is_set():
                raise StoppedError
            published = listed.get(known.path)
            if published is None:
                self.notes.append(f"GONE: {known.path} is not in the archive any more; its rows stay")
            elif not known.is_as_published(published):
                try:
                    yield from self._again(known, published)
                except ArchiveFileError as error:
                    self.failures.append(
                        Failure(self._series(known).key, f"the new version of {known.path}: {error}; the old rows stay")
                    )
            self.done += 1

    def _series(self, known: KnownFile) -> ArchiveSeries:
        dataset = ARCHIVE_DATASETS[known.market, known.dataset]
        key = series_key(known.market, known.symbol, known.interval)
        everything = (-(2**62), 2**62)
        return ArchiveSeries(key, dataset, known.symbol, known.interval, everything, list, False)

    def _again(self, known: KnownFile, published: ArchiveFile) -> Iterator[Page]:
        series = self._series(known)
        with self._downloads.verified(published) as verified:
            if verified.sha256 == known.sha256:
                same = {"row_count": known.row_count, "rows_loaded": known.rows_loaded, "revision": known.revision}
                yield self._ended(series, published, verified, **same)
                return
            # Read to its end before the first row is yielded: half a new version would be worse than the old one.
            is_whole = not self._is_ordered(series, published, verified)
            if is_whole:
                self._read_all(series, published, verified, whole=True)
            yield from self._replace(series, known, published, verified, is_whole)

    def _is_ordered(self, series: ArchiveSeries, file: ArchiveFile, verified: Verified) -> bool:
        try:
            self._read_all(series, file, verified, whole=False)
        except OutOfOrderError:
            return False
        return True

    def _read_all(self, series: ArchiveSeries, file: ArchiveFile, verified: Verified, whole: bool) -> None:
        deque(self._rows(series, file, verified, whole), maxlen=0)

    def _rows(self, series: ArchiveSeries, file: ArchiveFile, verified: Verified, whole: bool) -> Iterator[Rows]:
        return file_rows(series, file, verified, whole, self._now_us, self._stop)

    def _replace(
        self, series: ArchiveSeries, known: KnownFile, published: ArchiveFile, verified: Verified, is_whole: bool
    ) -> Iterator[Page]:
        spans = series.spans(published)
        read = loaded = changed = lost = 0
        first: int | None = None
        after = 0
        for rows in self._rows(series, published, verified, is_whole):
            read += rows.read
            if not len(rows.keys):
                continue
            begin, last = rows.keys[0].as_py() if first is None else after, rows.keys[-1].as_py()
            first = begin if first is None else first
            after = last + 1
            stored = self._revisions.stored(series.dataset, known, begin, last)
            is_ours = pc.equal(stored["source"].cast(pa.string()), known.path)
            elsewhere = key_numbers(stored.filter(pc.invert(is_ours)), series.dataset)
            table = rows.table.filter(pc.invert(pc.is_in(rows.keys, elsewhere)))
            ours = stored.filter(is_ours)
            changed += _differences(table, ours, series.dataset)
            old_keys = key_numbers(ours, series.dataset)
            gone = pc.filter(old_keys, pc.invert(pc.is_in(old_keys, key_numbers(table, series.dataset))))
            lost += len(gone)
            loaded += table.num_rows
            covered = spans.take(rows.table, rows.keys)
            yield Page(series.key, table, covered, is_boundary=False, uncovered=_runs(gone))
        gone = self._revisions.stored_outside(series.dataset, known, first or 0, after - 1)
        changed, lost = changed + len(gone), lost + len(gone)
        empty = series.dataset.table.schema.empty_table()
        yield Page(series.key, empty, spans.end(), is_boundary=False, uncovered=_runs(gone))
        without = f", {lost:,} of them gone: the next run asks for those elsewhere" if lost else ""
        self.notes.append(f"REVISED: {known.path}: {changed:,} rows changed{without}")
        yield self._ended(
            series,
            published,
            verified,
            row_count=read,
            rows_loaded=loaded,
            revision=known.revision + 1,
            rows_changed=changed,
            replaced_load_id=known.load_id,
        )

    def _ended(
        self,
        series: ArchiveSeries,
        published: ArchiveFile,
        verified: Verified,
        **columns: Any,
    ) -> Page:
        """Return the page that completes a file."""
        record = file_record(
            series,
            published,
            self._now_us,
            status=LOADED,
            sha256=verified.sha256,
            size_bytes=verified.size,
            **columns,
        )
        return Page(
            series.key,
            series.dataset.table.schema.empty_table(),
            files=1,
            downloaded_bytes=verified.size if verified.downloaded else 0,
            records=[(ARCHIVE_FILES, record)],
        )


def _runs(keys: pa.Array) -> list[Range]:
    return add([], ((key, key + 1) for key in keys.to_pylist()))


def _differences(new: pa.Table, old: pa.Table, dataset: ArchiveDataset) -> int:
    """Return the number of keys that only one of two tables has, or whose values differ."""
    names = [field.name for field in dataset.table.schema if field.type != LABEL]
    both = new.select(names).join(old.select(names), keys=names, join_type="full outer")
    keys_of_both = pc.count_distinct(pa.concat_arrays([key_numbers(new, dataset), key_numbers(old, dataset)])).as_py()
    unchanged = new.num_rows + old.num_rows - both.num_rows
    return int(keys_of_both - unchanged)

"""A series in the archive: its files, which of them are needed, and the record of each."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from exchange_engine.columns import build
from exchange_engine.coverage import Range
from exchange_engine.times import INTERVAL_MS, LONGEST_MS

from ..schemas import ARCHIVE_FILES
from .errors import ArchiveFileError
from .file_kinds import DAILY, MONTHLY, ArchiveDataset, period_of
from .host import ENDING, ArchiveFile, ArchiveHost
from .plan import FileList, choose, has_whole_day, list_series, overlaps
from .rows import Rows
from .spans import IdSpans, Spans, TimeSpans

LOADED, BEGUN, COMPARED, SEARCHED, QUARANTINED = "loaded", "begun", "compared", "searched", "quarantined"
"""Status of a file. Loaded: all of it is in the destination. Begun: a part of it is, because a load package ended
within it, or because more of it may be needed later. Compared: some of its rows are, in place of those of a file that
was compared with it. Searched: some of its rows are, which were missing. Quarantined: it cannot be used."""

PARTLY_LOADED = (BEGUN, COMPARED, SEARCHED)


@dataclass(frozen=True)
class KnownFiles:
    """What the destination has of the archive's files.

    Attributes:
        loaded: Paths of the files that are loaded as a whole.
        begun: Number of loaded rows by path, for files of which only a part is loaded.
    """

    loaded: Set[str] = frozenset()
    begun: Mapping[str, int] = field(default_factory=dict)


@dataclass
class ArchiveSeries:
    """One series (market, symbol and interval) in the archive.

    Attributes:
        key: Key of the series in coverage and messages.
        dataset: The kind of its files.
        symbol: Such as "BTCUSDT".
        interval: Such as "1m"; empty for trades.
        wanted: The requested times [from, to) in milliseconds.
        missing: Returns the missing parts of the requested times, in milliseconds, given the coverage.
        followed_by_rest: Whether REST fills in what the archive does not have.
        reached_ms: REST no longer has anything before this time, in milliseconds since 1970.
        listing: Its published files, as far as they may be needed.
        taken: Paths of the files queued so far.
        done: How many of them are done.
        bad: The files that could not be used.
    """

    key: str
    dataset: ArchiveDataset
    symbol: str
    interval: str
    wanted: Range
    missing: Callable[[list[Any]], list[Range]]
    followed_by_rest: bool
    reached_ms: int = 0
    listing: FileList = field(default_factory=FileList)
    taken: set[str] = field(default_factory=set)
    done: int = 0
    bad: dict[ArchiveFile, ArchiveFileError] = field(default_factory=dict)

    def look_up(self, host: ArchiveHost, missing: list[Range], known: KnownFiles) -> FileList:
        """List the files that may have what is missing; none if all of it is left to REST.

        Args:
            host: The archive.
            missing: Ranges in milliseconds, sorted.
            known: What the destination has of the archive's files.
        """
        is_for_files = any(has_whole_day(part) or part[0] < self.reached_ms for part in missing)
        has_begun = any(self._may_complete(path, missing) for path in known.begun)
        if not missing or (self.followed_by_rest and not is_for_files and not has_begun):
            return FileList()
        return list_series(
            host, self.dataset, self.symbol, self.interval, missing, self.followed_by_rest, self.reached_ms
        )

    def choose(self, listing: FileList, missing: list[Range], known: KnownFiles, taken: Set[str]) -> list[ArchiveFile]:
        """Return the files to fetch for what is missing.

        Args:
            listing: The published files.
            missing: Ranges in milliseconds, sorted.
            known: What the destination has of the archive's files.
            taken: Paths of the files queued before.
        """
        bad = {file.key for file in self.bad}
        looked_at = {file.key for file in listing.files if file.key in known.loaded} | taken - bad
        return choose(listing, missing, looked_at, bad, self.followed_by_rest, known.begun, self.reached_ms)

    def _may_complete(self, path: str, missing: list[Range]) -> bool:
        """Return whether a partly loaded file belongs to this series and overlaps what is missing."""
        folder, _, name = path.rpartition("/")
        period = period_of(name.removesuffix(ENDING))
        folders = [self.dataset.folder(one, self.symbol, self.interval) for one in (MONTHLY, DAILY)]
        return f"{folder}/" in folders and period is not None and bool(overlaps(period, missing))

    def is_needed_again(self, file: ArchiveFile) -> bool:
        """Return whether an earlier start or a later end will need more of a file, when REST no longer has it."""
        is_whole = self.wanted[0] <= file.period[0] and file.period[1] <= self.wanted[1]
        return file.period[0] < self.reached_ms and not is_whole

    def spans(self, file: ArchiveFile) -> Spans:
        """Return a tracker of what the rows of a file cover."""
        if not self.dataset.is_by_time:
            return IdSpans(self.time_column)
        period = (max(file.period[0], self.wanted[0]), min(file.period[1], self.wanted[1]))
        step = INTERVAL_MS[self.interval] if self.dataset.has_interval else self.dataset.step_ms
        # If rows are irregular, having the file is the only evidence that nothing is missing.
        step = step or period[1] - period[0]
        return TimeSpans(period, step, LONGEST_MS.get(self.interval, step), self.dataset.may_end_periods)

    def constants(self, file: ArchiveFile) -> dict[str, str]:
        """Return the columns with the same value in all rows of a file."""
        interval = {"interval": self.interval, "period": self.interval} if self.interval else {}
        return {"market": self.dataset.market, "symbol": self.symbol, "source": file.key, **interval}

    @property
    def time_column(self) -> str:
        """The column with its rows' times."""
        return self.dataset.time_column

    @property
    def labels(self) -> dict[str, str | None]:
        """Its columns in the tables about the archive's files."""
        return {"symbol": self.symbol, "interval": self.interval or None}


def clipped(rows: Rows, series: ArchiveSeries, file: ArchiveFile, now_us: int) -> Rows:
    """Return the rows without those outside the file's or the requested period, and those of candles not yet closed.

    A candle counts as closed if it closed before the file was made and before the run's "now".
    """
    table, (start, end) = rows.table, series.wanted
    is_closed: Any = True
    if series.dataset.is_by_time:
        start, end = max(start, file.period[0]), min(end, file.period[1] + series.dataset.may_end_periods)
        if "close_time" in table.column_names:
            is_closed = pc.less(table["close_time"].cast(pa.int64()), min(file.last_modified_us, now_us))
    elif start <= file.period[0] and file.period[1] <= end:
        return rows
    times = table[series.time_column].cast(pa.int64())
    keep = pc.and_(pc.greater_equal(times, start * 1000), pc.and_(pc.less(times, end * 1000), is_closed))
    if pc.all(keep).as_py():
        return rows
    keep = keep.combine_chunks()
    return replace(rows, table=table.filter(keep), keys=pc.filter(rows.keys, keep))


def file_record(series: ArchiveSeries, file: ArchiveFile, now_us: int, **columns: Any) -> pa.Table:
    """Return a row of archive_files, with the columns that the caller adds or overrides."""
    line = {
        "path": file.key,
        "market": series.dataset.market,
        "dataset": series.dataset.table.name,
        **series.labels,
        "reason": None,
        "last_modified": file.last_modified_us,
        "loaded_at": now_us,
        "revision": 1,
        "rows_changed": None,
        "rows_compared": None,
        "replaced_load_id": None,
        **columns,
    }
    return build(ARCHIVE_FILES, 1, {name: [value] for name, value in line.items()})

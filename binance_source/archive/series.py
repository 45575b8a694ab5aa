"""A series as the archive has it: which files it is made of, what of them is wanted, and the record of each."""

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
"""Status of a file: all of it is in the destination; a part is, since a load package ended in it; some rows are, in the
place of those of a file that was compared with it; some rows are that were missing; or it cannot be used."""

PARTLY_LOADED = (BEGUN, COMPARED, SEARCHED)


@dataclass(frozen=True)
class KnownFiles:
    """What the destination has of the archive's files.

    Attributes:
        loaded: Paths of those that are there as a whole.
        begun: Paths of those of which a part is there, or some rows, with their number.
    """

    loaded: Set[str] = frozenset()
    begun: Mapping[str, int] = field(default_factory=dict)


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
        reached_ms: ... but not for what is before this time, in milliseconds: it has that no more.
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
    reached_ms: int = 0
    listing: FileList = field(default_factory=FileList)
    taken: set[str] = field(default_factory=set)
    done: int = 0
    bad: dict[ArchiveFile, ArchiveFileError] = field(default_factory=dict)

    def look_up(self, host: ArchiveHost, missing: list[Range], known: KnownFiles) -> FileList:
        """List the files that may have what is missing; none where all of it is left to REST.

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
        """Choose files for what is missing.

        Args:
            listing: What is published.
            missing: Ranges in milliseconds, sorted.
            known: What the destination has of the archive's files.
            taken: Paths of the files put in line before.
        """
        bad = {file.key for file in self.bad}
        looked_at = {file.key for file in listing.files if file.key in known.loaded} | taken - bad
        return choose(listing, missing, looked_at, bad, self.followed_by_rest, known.begun, self.reached_ms)

    def _may_complete(self, path: str, missing: list[Range]) -> bool:
        """Tell whether a file of which a part is loaded is of this series, and of a time that is missing."""
        folder, _, name = path.rpartition("/")
        period = period_of(name.removesuffix(ENDING))
        folders = [self.dataset.folder(one, self.symbol, self.interval) for one in (MONTHLY, DAILY)]
        return f"{folder}/" in folders and period is not None and bool(overlaps(period, missing))

    def is_needed_again(self, file: ArchiveFile) -> bool:
        """Tell whether an earlier start or a later end will want more of a file, and REST will not have it."""
        is_whole = self.wanted[0] <= file.period[0] and file.period[1] <= self.wanted[1]
        return file.period[0] < self.reached_ms and not is_whole

    def spans(self, file: ArchiveFile) -> Spans:
        """Return what follows the coverage of a file's rows."""
        if not self.dataset.is_by_time:
            return IdSpans(self.time_column)
        period = (max(file.period[0], self.wanted[0]), min(file.period[1], self.wanted[1]))
        step = INTERVAL_MS[self.interval] if self.dataset.has_interval else self.dataset.step_ms
        # Where rows come irregularly, the file alone says that nothing is missing.
        step = step or period[1] - period[0]
        return TimeSpans(period, step, LONGEST_MS.get(self.interval, step), self.dataset.may_end_periods)

    def constants(self, file: ArchiveFile) -> dict[str, str]:
        """Return the columns that are the same in all rows of a file."""
        interval = {"interval": self.interval, "period": self.interval} if self.interval else {}
        return {"market": self.dataset.market, "symbol": self.symbol, "source": file.key, **interval}

    @property
    def time_column(self) -> str:
        """The column of its rows' times."""
        return self.dataset.time_column

    @property
    def labels(self) -> dict[str, str | None]:
        """Its columns in the tables of the archive's files."""
        return {"symbol": self.symbol, "interval": self.interval or None}


def clipped(rows: Rows, series: ArchiveSeries, file: ArchiveFile, now_us: int) -> Rows:
    """Leave out what is not of the file's period or not wanted, and candles that were open when the file was made."""
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
    """Return a line of archive_files: what is known of any file, and what the caller says of this one."""
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

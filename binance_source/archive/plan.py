"""Which files to fetch: whole months if they are published, days for the rest; always taken from the listing."""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from exchange_engine.coverage import Range, add, missing
from exchange_engine.times import DAY_MS

from .file_kinds import DAILY, MONTHLY, ArchiveDataset, period_name
from .host import ENDING, ArchiveFile, ArchiveHost

PUBLICATION_MS = 7 * DAY_MS
"""How long after its end a day without a file may still get one. Usually that takes some hours."""


@dataclass(frozen=True)
class FileList:
    """The published files of one series, in the order of their periods."""

    monthly: list[ArchiveFile] = field(default_factory=list)
    daily: list[ArchiveFile] = field(default_factory=list)

    @property
    def files(self) -> list[ArchiveFile]:
        """All files."""
        return [*self.monthly, *self.daily]


def list_series(
    host: ArchiveHost,
    dataset: ArchiveDataset,
    symbol: str,
    interval: str,
    wanted: list[Range],
    only_whole_days: bool,
    parts_before_ms: int = 0,
) -> FileList:
    """List the files of one series that may have what is missing.

    A day has two entries in the listing, and a page of it a thousand: days are listed only if no month's file has them.

    Args:
        host: The archive.
        dataset: The kind of file.
        symbol: Such as "BTCUSDT".
        interval: Such as "1m"; empty for datasets without intervals.
        wanted: Missing ranges in milliseconds, sorted, at least one.
        only_whole_days: Whether files are used for whole days only.
        parts_before_ms: Parts of days before this time, in milliseconds, count as well: REST no longer has them.
    """
    monthly = _files(host, dataset, MONTHLY, symbol, interval, (wanted[0][0], wanted[-1][1]))
    rest = list(wanted)
    for file in monthly:
        if _is_whole(file.period, rest):
            rest = _less(rest, file.period)
    rest = [part for part in rest if has_whole_day(part) or not only_whole_days or part[0] < parts_before_ms]
    return FileList(monthly, list_days(host, dataset, symbol, interval, (rest[0][0], rest[-1][1])) if rest else [])


def list_days(
    host: ArchiveHost, dataset: ArchiveDataset, symbol: str, interval: str, period: Range
) -> list[ArchiveFile]:
    """List the daily files of one series in a period of milliseconds."""
    return _files(host, dataset, DAILY, symbol, interval, period)


def _files(
    host: ArchiveHost, dataset: ArchiveDataset, frequency: str, symbol: str, interval: str, period: Range
) -> list[ArchiveFile]:
    folder = dataset.folder(frequency, symbol, interval)
    # A marker need not exist: the listing begins after it, and the day or month itself sorts behind it.
    first, last = (dataset.file_name(symbol, interval, period_name(moment, frequency)) for moment in period)
    return host.files(folder, folder + first, f"{folder}{last}{ENDING}")


def choose(
    listing: FileList,
    wanted: Iterable[Range],
    loaded: Container[str],
    bad: Container[str],
    only_whole_days: bool,
    begun: Container[str] = (),
    parts_before_ms: int = 0,
) -> list[ArchiveFile]:
    """Return the files to fetch for what is missing, in the order of their periods.

    A month's file is chosen if the whole month is missing, a day's file if the day is. A month's file is also chosen
    for days that have no file of their own. Files are used for parts of days as well, unless those are left to REST.

    Args:
        listing: The published files.
        wanted: Missing ranges in milliseconds, sorted.
        loaded: Paths of files that were read: they do not have what is still missing of their period.
        bad: Paths of files that cannot be used.
        only_whole_days: Whether days that are partly loaded are left to REST.
        begun: Paths of partly loaded files: the rest is read from them if anything of their period is missing.
        parts_before_ms: Parts of days before this time, in milliseconds, are not left to REST.
    """
    rest = list(wanted)
    # A gap between the rows of a loaded file is not worth another file, unless it is a whole day.
    unseen = overlaps((0, parts_before_ms), rest) if only_whole_days else rest
    for file in listing.files:
        if file.key in loaded:
            unseen = _less(unseen, file.period)
    chosen, partly = [], []
    for file in listing.files:
        if file.key in begun and file.key not in bad and overlaps(file.period, rest):
            chosen.append(file)
            rest = _less(rest, file.period)
    for file in listing.monthly:
        if file.key in loaded or file.key in bad or file.key in begun:
            continue
        if _is_whole(file.period, rest):
            chosen.append(file)
            rest = _less(rest, file.period)
        else:
            partly.append(file)
    for file in listing.daily:
        if file.key in loaded or file.key in bad or file.key in begun:
            continue
        if _is_whole(file.period, rest) or overlaps(file.period, _both(rest, unseen)):
            chosen.append(file)
            rest = _less(rest, file.period)
    for file in partly:
        left = overlaps(file.period, rest)
        if any(has_whole_day(part) for part in left) or overlaps(file.period, _both(left, unseen)):
            chosen.append(file)
            rest = _less(rest, file.period)
    return sorted(chosen, key=lambda file: (file.period[0], -file.period[1]))


def unpublished_between(listing: FileList, wanted: Iterable[Range]) -> list[Range]:
    """Return the requested ranges between published files that no file has: the files that should be there."""
    files = listing.files
    if not files:
        return []
    bounds = (min(file.period[0] for file in files), max(file.period[1] for file in files))
    periods = add([], (file.period for file in files))
    inside = [
        part for one in wanted for part in [(max(one[0], bounds[0]), min(one[1], bounds[1]))] if part[0] < part[1]
    ]
    return [gap for part in inside for gap in missing(part, periods)]


def _is_whole(period: Range, rest: list[Range]) -> bool:
    return any(start <= period[0] and period[1] <= end for start, end in rest)


def overlaps(period: Range, rest: Iterable[Range]) -> list[Range]:
    """Return the parts of some ranges that lie within a period."""
    return [
        (max(start, period[0]), min(end, period[1])) for start, end in rest if start < period[1] and period[0] < end
    ]


def _both(some: list[Range], others: list[Range]) -> list[Range]:
    return [part for one in others for part in overlaps(one, some)]


def _less(rest: list[Range], period: Range) -> list[Range]:
    return [part for one in rest for part in missing(one, [period])]


def has_whole_day(part: Range) -> bool:
    """Return whether a range in milliseconds contains a whole UTC day."""
    first = -(-part[0] // DAY_MS) * DAY_MS
    return first + DAY_MS <= part[1]

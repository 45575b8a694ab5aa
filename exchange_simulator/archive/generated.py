"""The archive of a generated market: the files published by now, each made on request."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from exchange_simulator.archive.base import ZIP_SUFFIX
from exchange_simulator.archive.keys import (
    ARCHIVE_INTERVALS,
    DAILY,
    FREQUENCIES,
    FUTURES,
    KLINE_KINDS,
    Branch,
    Period,
    Series,
    periods,
    split_key,
)
from exchange_simulator.archive.rows import RowSource
from exchange_simulator.archive.zips import MadeZip, ZipCache, make_zip
from exchange_simulator.market.intervals import DAY, DAY_US, longest_length

HOUR_US: Final = 3_600_000_000
# The first kline of a symbol opens on the grid, up to a week before the listing and so maybe in the month before.
_GRID_BEFORE_LISTING_US: Final = 7 * 24 * HOUR_US
DEFAULT_DAILY_DELAY_HOURS: Final = 5.0
DEFAULT_MONTHLY_DELAY_HOURS: Final = 8.1
DEFAULT_FUTURES_DAILY_DELAY_HOURS: Final = 8.5
_ALL_ROWS: Final = 1 << 40


@dataclass
class Publication:
    """How long after its end a day or month is published, in hours.

    Days of spot were published 4 to 6 hours after midnight, days of futures at half past eight.
    """

    daily_delay_hours: float = DEFAULT_DAILY_DELAY_HOURS
    monthly_delay_hours: float = DEFAULT_MONTHLY_DELAY_HOURS
    futures_daily_delay_hours: float = DEFAULT_FUTURES_DAILY_DELAY_HOURS

    def moment(self, series: Series, period: Period) -> int:
        """Return when the file of a period is published, in microseconds since 1970."""
        daily = self.futures_daily_delay_hours if series.branch is FUTURES else self.daily_delay_hours
        hours = daily if series.frequency == DAILY else self.monthly_delay_hours
        return period.end + round(hours * HOUR_US)


class GeneratedArchive:
    """The published files of generated markets; see ArchiveStore for the methods."""

    def __init__(self, sources: Mapping[Branch, RowSource], publication: Publication, cache: ZipCache) -> None:
        self._sources = sources
        self._publication = publication
        self._cache = cache
        self._have_rows: dict[tuple[Series, Period, int], bool] = {}

    def folders(self, folder: str, now: int) -> list[str]:
        """Return the names of the folders in a folder that hold a published zip."""
        return [name for name in self._candidates(folder, now) if self._holds_zip(f"{folder}{name}/", now)]

    def zips(self, folder: str, first: str, now: int) -> Iterator[str]:
        """Yield the names of the zips of a folder that are published and have rows."""
        series = Series.of_folder(folder)
        if series is None or series.symbol not in self._sources[series.branch].symbols(now):
            return
        begins = self._sources[series.branch].first_row(series.symbol, now)
        if begins is None:
            return
        for period in periods(series.frequency, begins - _GRID_BEFORE_LISTING_US, now):
            published = self._publication.moment(series, period)
            name = series.file_name(period)
            if published <= now and name >= first and self._has_rows(series, period, published):
                yield name

    def find(self, key: str, now: int) -> MadeZip | None:
        """Return the zip of a key, or None if it has no rows or is not published."""
        parts = split_key(key)
        if parts is None or parts[0].symbol not in self._sources[parts[0].branch].symbols(now):
            return None
        series, period = parts
        published = self._publication.moment(series, period)
        if published > now or not self._has_rows(series, period, published):
            return None
        name = series.file_name(period)

        def make() -> bytes:
            member = f"{name.removesuffix(ZIP_SUFFIX)}.csv"
            return make_zip([(member, self._pieces(series, period, published))])

        return self._cache.get((key, published), name, published, make)

    def _candidates(self, folder: str, now: int) -> list[str]:
        """Return the names of the folders that may be in a folder."""
        above = [branch.root.removeprefix(folder) for branch in self._sources if branch.root.startswith(folder)]
        branch = next((branch for branch in self._sources if folder.startswith(branch.root)), None)
        if branch is None:
            return list(dict.fromkeys(rest.partition("/")[0] for rest in above))
        match folder.removeprefix(branch.root).split("/")[:-1]:
            case []:
                return list(FREQUENCIES)
            case [frequency]:
                return [kind for kind, frequencies in branch.kinds.items() if frequency in frequencies]
            case [frequency, kind] if frequency in branch.kinds.get(kind, ()):
                return self._sources[branch].symbols(now)
            case [frequency, kind, _] if kind in KLINE_KINDS and frequency in branch.kinds.get(kind, ()):
                return branch.intervals(frequency)
        return []

    def _holds_zip(self, folder: str, now: int) -> bool:
        if next(iter(self.zips(folder, "", now)), None) is not None:
            return True
        return any(self._holds_zip(f"{folder}{name}/", now) for name in self._candidates(folder, now))

    def _has_rows(self, series: Series, period: Period, published: int) -> bool:
        """Return whether a file has any line; what is published no longer changes."""
        key = (series, period, published)
        if key not in self._have_rows:
            lines = self._sources[series.branch].lines(series, period.start, period.end, 1, published)
            self._have_rows[key] = lines != b""
        return self._have_rows[key]

    def _pieces(self, series: Series, period: Period, published: int) -> Iterator[bytes]:
        """Yield the lines of a file in pieces: the rows of its period that existed when it was made."""
        source = self._sources[series.branch]
        yield source.header(series, period)
        for start, end in _chunks(series, period):
            yield source.lines(series, start, end, _ALL_ROWS, published)


def _chunks(series: Series, period: Period) -> Iterator[tuple[int, int]]:
    """Yield the days of a period, or the whole period for klines of a day and longer."""
    step = DAY_US
    if series.interval and longest_length(ARCHIVE_INTERVALS[series.interval]) >= DAY:
        step = period.end - period.start
    for start in range(period.start, period.end, step):
        yield start, start + step

"""The archive of a generated market: which files have been published by now, each made when it is asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from exchange_simulator.archive.base import ROOT, ZIP_SUFFIX
from exchange_simulator.archive.keys import (
    DAILY,
    FREQUENCIES,
    KINDS,
    KLINES,
    MARKET_ROOT,
    Period,
    Series,
    intervals_of,
    periods,
    split_key,
)
from exchange_simulator.archive.rows import csv_pieces, has_rows
from exchange_simulator.archive.zips import MadeZip, ZipCache, make_zip
from exchange_simulator.market.base import Market, Selection

HOUR_US: Final = 3_600_000_000
# The first kline of a symbol opens on the grid: up to a week before the listing, and thus in the month before.
_GRID_BEFORE_LISTING_US: Final = 7 * 24 * HOUR_US
DEFAULT_DAILY_DELAY_HOURS: Final = 5.0
DEFAULT_MONTHLY_DELAY_HOURS: Final = 8.1


@dataclass
class Publication:
    """How long after its end a day or month is published, in hours. Spot days were seen 4 to 6 hours after midnight."""

    daily_delay_hours: float = DEFAULT_DAILY_DELAY_HOURS
    monthly_delay_hours: float = DEFAULT_MONTHLY_DELAY_HOURS

    def moment(self, frequency: str, period: Period) -> int:
        """Return when the files of a period are published, in microseconds since 1970."""
        hours = self.daily_delay_hours if frequency == DAILY else self.monthly_delay_hours
        return period.end + round(hours * HOUR_US)


class GeneratedArchive:
    """The published files of a market; see ArchiveStore for the methods."""

    def __init__(self, market: Market, publication: Publication, cache: ZipCache) -> None:
        self._market = market
        self._publication = publication
        self._cache = cache
        self._firsts: dict[str, int] = {}
        self._have_rows: dict[tuple[Series, Period, int], bool] = {}

    def folders(self, folder: str, now: int) -> list[str]:
        """Return the names of the folders in a folder that hold a published zip."""
        return [name for name in self._candidates(folder, now) if self._holds_zip(f"{folder}{name}/", now)]

    def zips(self, folder: str, first: str, now: int) -> Iterator[str]:
        """Yield the names of the zips of a folder that are published and have rows."""
        series = Series.of_folder(folder)
        if series is None or series.symbol not in self._market.symbols(now):
            return
        begins = self._first_row(series.symbol, now)
        if begins is None:
            return
        for period in periods(series.frequency, begins - _GRID_BEFORE_LISTING_US, now):
            published = self._publication.moment(series.frequency, period)
            name = series.file_name(period)
            if published <= now and name >= first and self._has_rows(series, period, published):
                yield name

    def find(self, key: str, now: int) -> MadeZip | None:
        """Return the zip of a key, or None if it has no rows or is not published."""
        parts = split_key(key)
        if parts is None or parts[0].symbol not in self._market.symbols(now):
            return None
        series, period = parts
        published = self._publication.moment(series.frequency, period)
        if published > now or not self._has_rows(series, period, published):
            return None
        name = series.file_name(period)

        def make() -> bytes:
            member = f"{name.removesuffix(ZIP_SUFFIX)}.csv"
            return make_zip([(member, csv_pieces(self._market, series, period, published))])

        return self._cache.get((key, published), name, published, make)

    def _candidates(self, folder: str, now: int) -> list[str]:
        """Return the names of the folders that may be in a folder."""
        if folder == "":
            return [ROOT.removesuffix("/")]
        if folder == ROOT:
            return [MARKET_ROOT.removeprefix(ROOT).removesuffix("/")]
        levels = folder.removeprefix(MARKET_ROOT).split("/")[:-1]
        if not folder.startswith(MARKET_ROOT) or not _is_known(levels):
            return []
        by_depth = (FREQUENCIES, KINDS, self._market.symbols(now))
        if len(levels) < len(by_depth):
            return list(by_depth[len(levels)])
        return intervals_of(levels[0]) if len(levels) == len(by_depth) and levels[1] == KLINES else []

    def _holds_zip(self, folder: str, now: int) -> bool:
        if next(iter(self.zips(folder, "", now)), None) is not None:
            return True
        return any(self._holds_zip(f"{folder}{name}/", now) for name in self._candidates(folder, now))

    def _has_rows(self, series: Series, period: Period, published: int) -> bool:
        """Tell whether a file has any line; what is published does not change any more."""
        key = (series, period, published)
        if key not in self._have_rows:
            self._have_rows[key] = has_rows(self._market, series, period, published)
        return self._have_rows[key]

    def _first_row(self, symbol: str, now: int) -> int | None:
        """Return when the symbol's first kline opens, in microseconds, or None if it has none yet."""
        if symbol not in self._firsts:
            rows = self._market.klines(symbol, "1m", Selection(1, 0), now, microseconds=True, zone_offset=0)
            if rows == b"[]":
                return None
            self._firsts[symbol] = int(rows.removeprefix(b"[[").partition(b",")[0])
        return self._firsts[symbol]


def _is_known(levels: list[str]) -> bool:
    """Tell whether the first levels of a folder are a frequency and a kind."""
    return all(level in known for level, known in zip(levels, (FREQUENCIES, KINDS), strict=False))

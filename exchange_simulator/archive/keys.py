"""The names of the archive's files. Times in microseconds since 1970-01-01 UTC."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

from exchange_simulator.archive.base import ROOT, ZIP_SUFFIX
from exchange_simulator.clock import to_microseconds
from exchange_simulator.market.intervals import FIXED_INTERVALS, MONTH

DAILY: Final = "daily"
MONTHLY: Final = "monthly"
FREQUENCIES: Final = (DAILY, MONTHLY)
AGGREGATES: Final = "aggTrades"
FUNDING_RATES: Final = "fundingRate"
KLINES: Final = "klines"
MARK_PRICE_KLINES: Final = "markPriceKlines"
METRICS: Final = "metrics"
TRADES: Final = "trades"
KLINE_KINDS: Final = frozenset({KLINES, MARK_PRICE_KLINES})
# In paths a month is 1mo, since 1M and 1m would be the same name where case does not count. Daily files have no
# interval longer than a day.
ARCHIVE_INTERVALS: Final = {**{name: name for name in FIXED_INTERVALS}, "1mo": MONTH}
_ONLY_MONTHLY: Final = frozenset({"3d", "1w", "1mo"})
_SECONDS: Final = "1s"


@dataclass(frozen=True, eq=False)
class Branch:
    """The files of one market."""

    root: str
    """The prefix of their keys."""
    kinds: Mapping[str, tuple[str, ...]]
    """The kinds of files, and the periods for which each is made."""
    has_seconds: bool
    """Whether there are 1s klines."""

    def intervals(self, frequency: str) -> list[str]:
        """Return the intervals of the daily or monthly kline files, as spelled in paths."""
        names = [name for name in ARCHIVE_INTERVALS if frequency == MONTHLY or name not in _ONLY_MONTHLY]
        return [name for name in names if self.has_seconds or name != _SECONDS]


SPOT: Final = Branch(f"{ROOT}spot/", dict.fromkeys((AGGREGATES, KLINES, TRADES), FREQUENCIES), has_seconds=True)
FUTURES: Final = Branch(
    f"{ROOT}futures/um/",
    {
        **dict.fromkeys((AGGREGATES, KLINES, MARK_PRICE_KLINES), FREQUENCIES),
        FUNDING_RATES: (MONTHLY,),
        METRICS: (DAILY,),
    },
    has_seconds=False,
)
BRANCHES: Final = (SPOT, FUTURES)
_PERIOD_FORMATS: Final = {DAILY: "%Y-%m-%d", MONTHLY: "%Y-%m"}
_PERIODS: Final = {DAILY: re.compile(r"\d{4}-\d\d-\d\d"), MONTHLY: re.compile(r"\d{4}-\d\d")}
_PERIOD_LENGTH: Final = {DAILY: len("2025-01-01"), MONTHLY: len("2025-01")}


@dataclass(frozen=True)
class Period:
    """The day or month of a file: [start, end), and its name."""

    name: str
    start: int
    end: int

    @classmethod
    def holding(cls, frequency: str, moment: int) -> "Period":
        """Return the day or month that contains a moment."""
        begin = datetime.fromtimestamp(moment // 1_000_000, timezone.utc).replace(hour=0, minute=0, second=0)
        if frequency == MONTHLY:
            begin = begin.replace(day=1)
        following = begin + timedelta(days=1 if frequency == DAILY else 31)
        following = following if frequency == DAILY else following.replace(day=1)
        name = begin.strftime(_PERIOD_FORMATS[frequency])
        return cls(name, to_microseconds(begin), to_microseconds(following))

    @classmethod
    def named(cls, frequency: str, name: str) -> "Period | None":
        """Return the day or month with a name such as 2025-01-31 or 2025-01, or None if there is none."""
        if not _PERIODS[frequency].fullmatch(name):
            return None
        try:
            begin = datetime.strptime(name, _PERIOD_FORMATS[frequency]).replace(tzinfo=timezone.utc)
        except ValueError:
            return None
        return cls.holding(frequency, to_microseconds(begin))


def periods(frequency: str, first: int, last: int) -> Iterator[Period]:
    """Yield the days or months from that of `first` to that of `last`."""
    period = Period.holding(frequency, first)
    while period.start <= last:
        yield period
        period = Period.holding(frequency, period.end)


@dataclass(frozen=True)
class Series:
    """The daily or monthly files of one symbol, kind and interval."""

    frequency: str
    kind: str
    symbol: str
    interval: str | None
    """As spelled in paths; None unless they are klines."""
    branch: Branch = SPOT

    @property
    def folder(self) -> str:
        """Return the prefix of the keys, with a slash at its end."""
        levels = [self.frequency, self.kind, self.symbol, *([self.interval] if self.interval else [])]
        return f"{self.branch.root}{'/'.join(levels)}/"

    def file_name(self, period: Period) -> str:
        """Return the name of the zip of a period."""
        return f"{self.symbol}-{self.interval or self.kind}-{period.name}{ZIP_SUFFIX}"

    @classmethod
    def of_folder(cls, folder: str) -> "Series | None":
        """Return the series whose files are in a folder, or None."""
        branch = next((branch for branch in BRANCHES if folder.startswith(branch.root)), None)
        if branch is None:
            return None
        levels = folder.removeprefix(branch.root).split("/")
        if levels.pop() != "" or len(levels) not in (3, 4):
            return None
        frequency, kind, symbol, *intervals = levels
        if frequency not in branch.kinds.get(kind, ()):
            return None
        if (kind in KLINE_KINDS) != bool(intervals) or not set(intervals) <= set(branch.intervals(frequency)):
            return None
        return cls(frequency, kind, symbol, intervals[0] if intervals else None, branch)


def split_key(key: str) -> tuple[Series, Period] | None:
    """Return series and period of a zip's key, or None if no zip can have that key."""
    folder, _, name = key.rpartition("/")
    series = Series.of_folder(f"{folder}/")
    if series is None:
        return None
    stem = name.removesuffix(ZIP_SUFFIX)
    period = Period.named(series.frequency, stem[-_PERIOD_LENGTH[series.frequency] :])
    return None if period is None or series.file_name(period) != name else (series, period)

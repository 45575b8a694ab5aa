"""Gaps to retry: which ones, what is known of them, and the record of each result."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from exchange_engine.columns import build
from exchange_engine.coverage import Range, missing, series_key
from exchange_engine.tables import LABEL, Table

from ..archive.file_kinds import ARCHIVE_DATASETS, ArchiveDataset
from ..archive.revisions import KnownFile, StoredRows
from ..archive.rows import key_numbers
from ..schemas import GAP_CHECKS

NOTHING, FOUND, UNPUBLISHED = "nothing", "found", "unpublished"
"""What a source has of a gap: nothing, some rows, or nothing so far because it is not published yet."""


@dataclass(frozen=True)
class Gap:
    """Rows that are missing between others.

    Attributes:
        dataset: The staging table.
        market, symbol, interval: The series; interval is empty for trades.
        first, end: Keys [first, end): open times in milliseconds, or ids.
        period: The period [from, to), in milliseconds since 1970, that contains the times of the missing rows.
    """

    dataset: str
    market: str
    symbol: str
    interval: str
    first: int
    end: int
    period: Range

    @property
    def series(self) -> str:
        """Key of the series in dlt's state."""
        return series_key(self.market, self.symbol, self.interval)

    @property
    def archive(self) -> ArchiveDataset:
        """The kind of its files."""
        return ARCHIVE_DATASETS[self.market, self.dataset]

    def is_within(self, covered: Iterable[Any]) -> bool:
        """Return whether the whole gap is covered: a source was queried and had no rows there."""
        return not missing((self.first, self.end), [(entry[0], entry[1]) for entry in covered])


@dataclass
class Question:
    """A gap that is being retried at one source after the other.

    Attributes:
        gap: The gap.
        left: Ranges of keys that are still missing.
    """

    gap: Gap
    left: list[Range] = field(init=False)

    def __post_init__(self) -> None:
        self.left = [(self.gap.first, self.gap.end)]


@dataclass(frozen=True)
class Repairs:
    """What a repair run works with.

    Attributes:
        gaps: The gaps without an explanation.
        is_meant: Returns whether a symbol and an interval (empty for trades) are requested.
        loaded: Files of the archive that are loaded as a whole, by path.
        begun: Number of loaded rows by path, for files of which only a part is loaded.
        stored: Reads rows of the destination.
    """

    gaps: Sequence[Gap]
    is_meant: Callable[[str, str], bool]
    loaded: Mapping[str, KnownFile]
    begun: Mapping[str, int]
    stored: StoredRows


def unstored(rows: pa.Table, gap: Gap, stored: StoredRows) -> pa.Table:
    """Return the rows that the destination does not have yet.

    A row that broke a rule counts as a gap, but is in the destination, and is not loaded again.

    Args:
        rows: Rows of the gap, with the staging columns and in ascending order.
        gap: The gap.
        stored: Reads rows of the destination.
    """
    if not rows.num_rows:
        return rows
    keys = key_numbers(rows, gap.archive)
    there = stored(gap.archive, gap, keys[0].as_py(), keys[-1].as_py())
    names = [column.name for column in rows.schema if column.type != LABEL]
    known = set(_lines(there, names))
    return rows.filter(pa.array([line not in known for line in _lines(rows, names)], pa.bool_()))


def _lines(rows: pa.Table, names: Sequence[str]) -> list[tuple[Any, ...]]:
    return list(zip(*(rows[name].to_pylist() for name in names), strict=True))


def check_record(
    gap: Gap, source: str, outcome: str, rows_found: int, detail: str | None, now_us: int
) -> tuple[Table, pa.Table]:
    """Return the record of what a source has of a gap.

    Args:
        gap: The gap.
        source: "rest" or "archive".
        outcome: NOTHING, FOUND or UNPUBLISHED.
        rows_found: How many of the missing rows it has.
        detail: Where the rows were searched, or why there are none.
        now_us: When, in microseconds since 1970 on the run's clock.
    """
    is_by_time = gap.archive.is_by_time
    line = {
        "series": gap.series,
        "market": gap.market,
        "dataset": gap.dataset,
        "symbol": gap.symbol,
        "interval": gap.interval or None,
        "first_key": gap.first,
        "gap_start": gap.first * 1000 if is_by_time else None,
        "gap_end": gap.end * 1000 if is_by_time else None,
        "first_id": None if is_by_time else gap.first,
        "last_id": None if is_by_time else gap.end - 1,
        "source": source,
        "outcome": outcome,
        "rows_found": rows_found,
        "detail": detail,
        "checked_at": now_us,
    }
    return GAP_CHECKS, build(GAP_CHECKS, 1, {name: [value] for name, value in line.items()})

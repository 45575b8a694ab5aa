"""What the archive holds: a table with one row per kind of file. To add a kind of file, add a row."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Final

from exchange_engine.tables import TIME, Table
from exchange_engine.times import EPOCH, MINUTE_MS, milliseconds

from ..schemas import AGG_TRADES, FUNDING_RATES, KLINES, MARK_PRICE_KLINES, OPEN_INTEREST, TRADES
from ..settings import SPOT, UM

PATH_INTERVALS: Final = {"1M": "1mo"}
"""Intervals with another name in the archive's paths, where names must not differ by case alone, as 1M and 1m do."""

MONTHLY, DAILY = "monthly", "daily"

METRICS_PERIOD: Final = "5m"
METRICS_STEP_MS: Final = 5 * MINUTE_MS
"""The period of the open interest in metrics files."""

_PERIOD = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2}))?$")


@dataclass(frozen=True)
class ArchiveDataset:
    """One kind of file.

    Attributes:
        market: The market, such as "spot".
        table: The staging table that it fills.
        root: Folder of the market below `data/`, such as "spot" or "futures/um".
        kind: Folder of the dataset, which is also part of the file names, such as "aggTrades".
        columns: All columns of the CSV; those that are loaded have their staging names.
        key: The column that orders and identifies the rows of a file: a time, or an id.
        optional: How many of the last columns may be absent.
        has_interval: Whether there is a folder per kline interval, which replaces the kind in file names.
        millisecond_columns: Times kept to the millisecond: truncated, never rounded.
        text_times: Times that are text in the CSV, such as 2024-05-07 00:05:00, in UTC.
        step_ms: Milliseconds from row to row, for datasets that are keyed by time and have no interval. None if
            irregular, so that gaps cannot be detected.
        second_columns: Times rounded to the second: they jitter by some milliseconds.
        may_end_periods: Whether a row may lie at the very end of a file's period, in place of one at its beginning.
        may_be_blank: Whether rows may lack values; such rows are left out, and requested elsewhere.
        tombstones: A column that is negative in tombstones (rows that stand for nothing), or None.
    """

    market: str
    table: Table
    root: str
    kind: str
    columns: tuple[str, ...]
    key: str
    optional: int = 0
    has_interval: bool = False
    millisecond_columns: frozenset[str] = field(default_factory=frozenset)
    text_times: frozenset[str] = field(default_factory=frozenset)
    second_columns: frozenset[str] = field(default_factory=frozenset)
    step_ms: int | None = None
    may_end_periods: bool = False
    may_be_blank: bool = False
    tombstones: str | None = None

    @property
    def is_by_time(self) -> bool:
        """Whether the key of a row is a time rather than an id."""
        return bool(self.table.schema.field(self.key).type == TIME)

    @property
    def time_column(self) -> str:
        """The column with the rows' times: their key, or else their first time."""
        return self.key if self.is_by_time else next(one.name for one in self.table.schema if one.type == TIME)

    def folder(self, frequency: str, symbol: str = "", interval: str = "") -> str:
        """Return the folder of a symbol's files, with a slash at its end; without a symbol, that of all symbols."""
        parts = ["data", self.root, frequency, self.kind, symbol]
        if self.has_interval and interval:
            parts.append(PATH_INTERVALS.get(interval, interval))
        return "/".join(part for part in parts if part) + "/"

    def file_name(self, symbol: str, interval: str, period: str) -> str:
        """Return a file's name without its ending, for a period such as "2024-05" or "2024-05-07"."""
        kind = PATH_INTERVALS.get(interval, interval) if self.has_interval else self.kind
        return f"{symbol}-{kind}-{period}"


_KLINE_COLUMNS = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "trade_count",
    "taker_buy_volume", "taker_buy_quote_volume", "ignore",
)  # fmt: skip
_OF_KLINES = partial(
    ArchiveDataset, columns=_KLINE_COLUMNS, key="open_time", has_interval=True,
    millisecond_columns=frozenset({"open_time", "close_time"}),
)  # fmt: skip

ARCHIVE_DATASETS: Final[Mapping[tuple[str, str], ArchiveDataset]] = {
    (one.market, one.table.name): one
    for one in (
        _OF_KLINES(SPOT, KLINES, "spot", "klines"),
        ArchiveDataset(
            SPOT, AGG_TRADES, "spot", "aggTrades",
            (
                "agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "trade_time", "is_buyer_maker",
                "is_best_match",
            ),
            "agg_trade_id", optional=1, tombstones="first_trade_id",
        ),
        ArchiveDataset(
            SPOT, TRADES, "spot", "trades",
            ("trade_id", "price", "quantity", "quote_quantity", "trade_time", "is_buyer_maker", "is_best_match"),
            "trade_id", optional=1,
        ),
        _OF_KLINES(UM, KLINES, "futures/um", "klines"),
        _OF_KLINES(UM, MARK_PRICE_KLINES, "futures/um", "markPriceKlines"),
        ArchiveDataset(
            UM, AGG_TRADES, "futures/um", "aggTrades",
            (
                "agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "trade_time", "is_buyer_maker",
            ),
            "agg_trade_id",
        ),
        ArchiveDataset(
            UM, FUNDING_RATES, "futures/um", "fundingRate",
            ("funding_time", "funding_interval_hours", "funding_rate"), "funding_time",
            second_columns=frozenset({"funding_time"}),
        ),
        ArchiveDataset(
            UM, OPEN_INTEREST, "futures/um", "metrics",
            (
                "open_interest_time", "name", "open_interest", "open_interest_value",
                "count_toptrader_long_short_ratio", "sum_toptrader_long_short_ratio", "count_long_short_ratio",
                "sum_taker_long_short_vol_ratio",
            ),
            "open_interest_time",
            text_times=frozenset({"open_interest_time"}), step_ms=METRICS_STEP_MS,
            may_end_periods=True, may_be_blank=True,
        ),
    )
}  # fmt: skip
"""By market and staging table. Source: github.com/binance/binance-public-data, README.md."""


def period_of(file_name: str) -> tuple[int, int] | None:
    """Return the period [from, to) that a file's name ends with, in milliseconds since 1970, or None.

    Args:
        file_name: A name or path without its ending.
    """
    found = _PERIOD.search(file_name)
    if not found:
        return None
    year, month, day = (int(part or 1) for part in found.groups())
    try:
        start = datetime(year, month, day, tzinfo=timezone.utc)
        if found[3]:
            end = start + timedelta(days=1)
        else:
            end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=timezone.utc)
    except (ValueError, OverflowError):
        return None
    return milliseconds(start), milliseconds(end)


def period_name(start_ms: int, frequency: str) -> str:
    """Return the name of the day or month that contains a time, as in file names."""
    moment = EPOCH + timedelta(milliseconds=start_ms)
    return f"{moment:%Y-%m-%d}" if frequency == DAILY else f"{moment:%Y-%m}"

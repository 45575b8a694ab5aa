"""What the archive holds: one row of a table for each kind of file. A new kind of file is a new row."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final

from exchange_engine.tables import TIME, Table
from exchange_engine.times import EPOCH, MINUTE_MS, milliseconds

from ..schemas import AGG_TRADES, FUNDING_RATES, KLINES, MARK_PRICE_KLINES, OPEN_INTEREST, TRADES
from ..settings import SPOT, UM

PATH_INTERVALS: Final = {"1M": "1mo"}
"""Intervals that are spelled otherwise in the archive's paths, where case does not tell a month from a minute."""

MONTHLY, DAILY = "monthly", "daily"

METRICS_PERIOD: Final = "5m"
METRICS_STEP_MS: Final = 5 * MINUTE_MS
"""What metrics have the open interest of."""

_PERIOD = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2}))?$")


@dataclass(frozen=True)
class ArchiveDataset:
    """One kind of file.

    Attributes:
        market: The market, such as "spot".
        table: The staging table that it fills.
        root: Folder of the market below `data/`, such as "spot" or "futures/um".
        kind: Folder of the dataset, which names its files as well, such as "aggTrades".
        columns: All columns of the CSV, by their staging names where they are loaded.
        key: The column that orders the rows and tells them apart within a file: a time, or an id.
        optional: How many of the last columns may be absent.
        has_interval: Whether there is a folder for each kline interval, which takes the kind's place in file names.
        millisecond_columns: Times that are kept to the millisecond: truncated, never rounded.
        text_times: Times that stand in the CSV as text, such as 2024-05-07 00:05:00, in UTC.
        step_ms: Milliseconds from row to row, of datasets whose key is a time and that have no interval; None where
            that is irregular, so that no hole can be told.
        second_columns: Times that are rounded to the second: they jitter by some milliseconds.
        may_end_periods: A row may stand at the very end of a file's period, in the place of one at its beginning.
        may_be_blank: Rows may come without values: they are left out, and asked for elsewhere.
        tombstones: A column that is negative in rows that stand for nothing, or None.
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
        """Whether a row's key is a time, and not an id."""
        return bool(self.table.schema.field(self.key).type == TIME)

    @property
    def time_column(self) -> str:
        """The column of the rows' times: their key, or the first time that they have."""
        return self.key if self.is_by_time else next(one.name for one in self.table.schema if one.type == TIME)

    def folder(self, frequency: str, symbol: str = "", interval: str = "") -> str:
        """Return the prefix, ending in a slash, of a symbol's files, or without a symbol that of all symbols."""
        parts = ["data", self.root, frequency, self.kind, symbol]
        if self.has_interval and interval:
            parts.append(PATH_INTERVALS.get(interval, interval))
        return "/".join(part for part in parts if part) + "/"

    def file_name(self, symbol: str, interval: str, period: str) -> str:
        """Return a file's name for a period such as "2024-05" or "2024-05-07", without its ending."""
        kind = PATH_INTERVALS.get(interval, interval) if self.has_interval else self.kind
        return f"{symbol}-{kind}-{period}"


_KLINE_COLUMNS = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "trade_count",
    "taker_buy_volume", "taker_buy_quote_volume", "ignore",
)  # fmt: skip

ARCHIVE_DATASETS: Final[Mapping[tuple[str, str], ArchiveDataset]] = {
    (one.market, one.table.name): one
    for one in (
        ArchiveDataset(
            SPOT, KLINES, "spot", "klines", _KLINE_COLUMNS, "open_time",
            has_interval=True, millisecond_columns=frozenset({"open_time", "close_time"}),
        ),
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
        ArchiveDataset(
            UM, KLINES, "futures/um", "klines", _KLINE_COLUMNS, "open_time",
            has_interval=True, millisecond_columns=frozenset({"open_time", "close_time"}),
        ),
        ArchiveDataset(
            UM, MARK_PRICE_KLINES, "futures/um", "markPriceKlines", _KLINE_COLUMNS, "open_time",
            has_interval=True, millisecond_columns=frozenset({"open_time", "close_time"}),
        ),
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
    """Read the period [from, to) in milliseconds since 1970 off a file's name without its ending, or None."""
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
    """Name the day or month that begins or lies at a time, as file names do."""
    moment = EPOCH + timedelta(milliseconds=start_ms)
    return f"{moment:%Y-%m-%d}" if frequency == DAILY else f"{moment:%Y-%m}"

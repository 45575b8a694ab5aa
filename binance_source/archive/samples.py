"""Comparisons of a file with a sample from a second source: REST wins over a file, a day's file over a month's."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from threading import Event
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from exchange_engine.columns import build, times_from_us
from exchange_engine.http.errors import SeriesError
from exchange_engine.http.transport import Tally
from exchange_engine.request import REST
from exchange_engine.tables import LABEL
from exchange_engine.times import DAY_MS, INTERVAL_MS
from exchange_engine.walk import Window

from ..rest.client import RestClient
from ..rest.klines import KLINE_KINDS, KlineSeries
from ..rest.trades import TRADE_KINDS
from ..schemas import ARCHIVE_DISAGREEMENTS
from ..settings import PAGE_ROWS
from .errors import ArchiveFileError
from .file_kinds import ArchiveDataset
from .file_rows import file_rows
from .host import ArchiveFile, ArchiveHost
from .plan import list_days
from .rows import OutOfOrderError, Rows, key_numbers
from .series import ArchiveSeries
from .verified import Downloads


@dataclass(frozen=True)
class Sample:
    """Rows from another source to compare a file with.

    Attributes:
        rows: Rows with the staging table's columns.
        source: Where they come from: "rest", or the path of a file.
        file: That file, its SHA-256 in hex, its size in bytes and its number of rows; None for REST.
    """

    rows: pa.Table
    source: str
    file: tuple[ArchiveFile, str, int, int] | None = None


def sampled(files: Sequence[ArchiveFile], samples: int) -> set[str]:
    """Return the paths of the files of a series to compare; the choice differs by series, and repeats in later runs."""
    return {file.key for file in sorted(files, key=lambda file: zlib.crc32(file.key.encode()))[:samples]}


def rest_sample(
    client: RestClient,
    dataset: ArchiveDataset,
    symbol: str,
    interval: str,
    file: ArchiveFile,
    now_ms: int,
    tally: Tally,
) -> Sample | None:
    """Fetch a page of rows within a file's period from REST.

    Args:
        client: Client of the market.
        dataset: The kind of file.
        symbol: Such as "BTCUSDT".
        interval: Such as "1m"; empty for trades.
        file: The file.
        now_ms: Binance's time, in milliseconds since 1970.
        tally: Where the requests are counted.

    Returns:
        Rows of the staging table, or None if REST has none.
    """
    start, end = file.period
    chance = zlib.crc32(file.key[::-1].encode())
    market, table = client.market, dataset.table.name
    if table not in KLINE_KINDS and (table not in TRADE_KINDS or market.agg_trades_reach_ms is not None):
        return None  # REST has other columns, or nothing that old
    try:
        if table in KLINE_KINDS:
            width = market.kline_rows * INTERVAL_MS[interval]
            pages = (end - start) // width
            start += (chance % pages if pages else 0) * width
            window = (start, min(end, start + width))
            klines = KlineSeries(client, market.name, symbol, interval, window, [], now_ms, KLINE_KINDS[table])
            klines.tally = tally
            rows = klines.fetch(Window(*window, (window[1],))).rows
        else:
            since = start + chance % (end - start)
            kind = TRADE_KINDS[table]
            trades = kind(client, dataset.market, symbol, (since * 1000, end * 1000), [], to_now=False)
            trades.tally = tally
            rows = trades.sample()
    except SeriesError:
        return None
    return Sample(rows, REST) if rows.num_rows else None


def daily_sample(
    host: ArchiveHost, downloads: Downloads, series: ArchiveSeries, month: ArchiveFile, now_us: int, stop: Event
) -> Sample | None:
    """Read a page of rows from the daily file of one day of a month.

    Args:
        host: The archive.
        downloads: Downloads from the archive.
        series: The series of the month's file.
        month: The month's file.
        now_us: The run's "now", in microseconds since 1970.
        stop: Set to end early.

    Returns:
        The rows, or None if that day has no file, or no usable one.
    """
    chance = zlib.crc32(month.key[::-1].encode())
    day = month.period[0] + chance % ((month.period[1] - month.period[0]) // DAY_MS) * DAY_MS
    try:
        listed = list_days(host, series.dataset, series.symbol, series.interval, (day, day))
        if not listed:
            return None
        with downloads.verified(listed[0]) as verified:
            parsed = list(file_rows(series, listed[0], verified, False, now_us, stop))
    except (ArchiveFileError, OutOfOrderError):
        return None
    rows = pa.concat_tables([one.table for one in parsed] or [series.dataset.table.schema.empty_table()])
    pages = max(rows.num_rows // PAGE_ROWS, 1)
    page = rows.slice(chance % pages * PAGE_ROWS, PAGE_ROWS)
    details = (listed[0], verified.sha256, verified.size, sum(one.read for one in parsed))
    return Sample(page, listed[0].key, details) if page.num_rows else None


def reconcile(
    rows: Rows, sample: Sample, dataset: ArchiveDataset, labels: dict[str, str | None], now_us: int
) -> tuple[pa.Table, pa.Table, int]:
    """Compare rows of a file with a sample.

    Args:
        rows: Some rows of the file.
        sample: Rows from another source, some of which may have the same keys.
        dataset: The kind of file.
        labels: Path, symbol and interval, for the records.
        now_us: Time of the comparison, in microseconds since 1970.

    Returns:
        The rows, with those that differ replaced by the sample's; the differences as rows of archive_disagreements; and
        the number of rows of the file that were compared.
    """
    sample_keys = key_numbers(sample.rows, dataset)
    bounds = pc.min_max(sample_keys)
    inside = pc.and_(pc.greater_equal(rows.keys, bounds["min"]), pc.less_equal(rows.keys, bounds["max"]))
    other = dict(zip(sample_keys.to_pylist(), sample.rows.to_pylist(), strict=True))
    compared = [field.name for field in dataset.table.schema if field.type != LABEL and field.name != dataset.key]
    found: list[tuple[int, str, Any, Any]] = []
    replaced = set()
    keys = pc.filter(rows.keys, inside).to_pylist()
    for key, row in zip(keys, rows.table.filter(inside).to_pylist(), strict=True):
        if key not in other:
            found.append((key, dataset.key, row[dataset.key], None))
            continue
        different = [name for name in compared if not _agree(row[name], other[key][name])]
        found += [(key, name, row[name], other[key][name]) for name in different]
        replaced.update([key] if different else [])
    table = rows.table
    if replaced:
        chosen = pa.array(sorted(replaced), pa.int64())
        table = pa.concat_tables(
            [table.filter(pc.invert(pc.is_in(rows.keys, chosen))), sample.rows.filter(pc.is_in(sample_keys, chosen))]
        )
        table = table.take(pc.sort_indices(key_numbers(table, dataset)))
    return table, _records(found, dataset, {**labels, "other_source": sample.source}, now_us), len(keys)


def _agree(archive: Any, rest: Any) -> bool:
    # Before 2025, times in the archive are cut to the millisecond.
    if isinstance(archive, datetime) and archive.microsecond % 1000 == 0:
        rest = rest.replace(microsecond=rest.microsecond // 1000 * 1000)
    return bool(archive == rest)


def _records(
    found: list[tuple[int, str, Any, Any]], dataset: ArchiveDataset, labels: dict[str, str | None], now_us: int
) -> pa.Table:
    count = len(found)
    return build(
        ARCHIVE_DISAGREEMENTS,
        count,
        {
            **{name: [value] * count for name, value in labels.items()},
            "market": dataset.market,
            "dataset": dataset.table.name,
            "row_key": [key for key, _, _, _ in found],
            "column_name": [name for _, name, _, _ in found],
            "archive_value": [_text(value) for _, _, value, _ in found],
            "other_value": [_text(value) for _, _, _, value in found],
            "found_at": times_from_us([now_us] * count),
        },
    )


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return format(value, "f") if isinstance(value, Decimal) else str(value)

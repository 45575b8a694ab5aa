"""Archive against REST: a sample of what both have is compared, and where they differ REST is believed."""

import zlib
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..archive.datasets import ArchiveDataset
from ..archive.host import ArchiveFile
from ..archive.rows import Rows, key_numbers
from ..columns import build, times_from_us
from ..rest.client import RestClient, Tally
from ..rest.errors import SeriesError
from ..schemas import AGG_TRADES, ARCHIVE_DISAGREEMENTS, KLINES, LABEL
from ..settings import INTERVAL_MS, PAGE_ROWS
from .agg_trades import AggTradeSeries
from .klines import KlineSeries
from .trades import TradeSeries
from .walk import Window

_ID_SERIES: dict[str, type[AggTradeSeries] | type[TradeSeries]] = {
    AGG_TRADES.name: AggTradeSeries,
    "trades": TradeSeries,
}


def sampled(files: Sequence[ArchiveFile], samples: int) -> set[str]:
    """Choose which files of a series are compared: others in each series, and the same ones if it is done again."""
    return {file.key for file in sorted(files, key=lambda file: zlib.crc32(file.key.encode()))[:samples]}


def rest_sample(
    client: RestClient,
    dataset: ArchiveDataset,
    symbol: str,
    interval: str,
    file: ArchiveFile,
    now_ms: int,
    tally: Tally,
) -> pa.Table | None:
    """Ask REST for a page of rows of a file's period.

    Args:
        client: How to ask.
        dataset: What kind of file it is.
        symbol: Such as "BTCUSDT".
        interval: Such as "1m"; empty for trades.
        file: The file.
        now_ms: The exchange's clock.
        tally: Where to count the requests.

    Returns:
        Rows of the staging table, or None where REST gives none.
    """
    start, end = file.period
    chance = zlib.crc32(file.key[::-1].encode())
    try:
        if dataset.table is KLINES:
            step = INTERVAL_MS[interval]
            pages = (end - start) // (PAGE_ROWS * step)
            start += (chance % pages if pages else 0) * PAGE_ROWS * step
            window = (start, min(end, start + PAGE_ROWS * step))
            klines = KlineSeries(client, dataset.market, symbol, interval, window, [], now_ms)
            klines.tally = tally
            rows = klines.fetch(Window(*window, (window[1],))).rows
        else:
            since = start + chance % (end - start)
            kind = _ID_SERIES[dataset.table.name]
            trades = kind(client, dataset.market, symbol, (since * 1000, end * 1000), [], to_now=False)
            trades.tally = tally
            rows = trades.sample()
    except SeriesError:
        return None
    return rows if rows.num_rows else None


def reconcile(
    rows: Rows, sample: pa.Table, dataset: ArchiveDataset, labels: dict[str, str | None], now_us: int
) -> tuple[pa.Table, pa.Table]:
    """Compare rows of a file with REST's.

    Args:
        rows: Some rows of the file.
        sample: REST's rows, of which some may be of the same keys.
        dataset: What kind of file it is.
        labels: Path, symbol and interval, for the record.
        now_us: Time of the comparison.

    Returns:
        The rows, with REST's in the place of those that differ, and the differences as rows of archive_disagreements.
    """
    sample_keys = key_numbers(sample, dataset)
    bounds = pc.min_max(sample_keys)
    inside = pc.and_(pc.greater_equal(rows.keys, bounds["min"]), pc.less_equal(rows.keys, bounds["max"]))
    other = dict(zip(sample_keys.to_pylist(), sample.to_pylist(), strict=True))
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
            [table.filter(pc.invert(pc.is_in(rows.keys, chosen))), sample.filter(pc.is_in(sample_keys, chosen))]
        )
        table = table.take(pc.sort_indices(key_numbers(table, dataset)))
    return table, _records(found, dataset, labels, now_us)


def _agree(archive: Any, rest: Any) -> bool:
    # The archive's times before 2025 are cut to the millisecond.
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
            "other_source": "rest",
            "found_at": times_from_us([now_us] * count),
        },
    )


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return format(value, "f") if isinstance(value, Decimal) else str(value)

"""Paths and periods of the archive's files, and a new dataset as a new row of the table; expectations by hand."""

import csv
import io
import itertools
import zipfile
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pytest

from binance_source.archive.errors import ArchiveFileError
from binance_source.archive.file_kinds import ARCHIVE_DATASETS, DAILY, MONTHLY, ArchiveDataset, period_name, period_of
from binance_source.archive.host import ArchiveFile
from binance_source.archive.rows import read_rows
from binance_source.archive.series import ArchiveSeries
from binance_source.schemas import KLINES
from exchange_engine.tables import DECIMAL, LABEL, TIME, Table

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def ms(*date):
    return int(datetime(*date, tzinfo=timezone.utc).timestamp()) * 1000


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("BTCUSDT-1m-2024-05-07", (2024, 5, 7), (2024, 5, 8)),
        ("BTCUSDT-1m-2024-05", (2024, 5, 1), (2024, 6, 1)),
        ("BTCUSDT-1mo-2024-12", (2024, 12, 1), (2025, 1, 1)),
        ("BTCUSDT-aggTrades-2024-12-31", (2024, 12, 31), (2025, 1, 1)),
        ("BTCUSDT-trades-2024-02-29", (2024, 2, 29), (2024, 3, 1)),
        ("BTCUSDT_240628-1h-2024-02", (2024, 2, 1), (2024, 3, 1)),
        ("data/spot/daily/klines/1000SATSUSDT/1s/1000SATSUSDT-1s-2023-12-31", (2023, 12, 31), (2024, 1, 1)),
    ],
)
def test_a_files_name_says_its_period(name, start, end):
    assert period_of(name) == (ms(*start), ms(*end))


@pytest.mark.parametrize(
    "name",
    [
        "BTCUSDT-1m-2024-02-30",
        "BTCUSDT-1m-2023-02-29",
        "BTCUSDT-1m-2024-13",
        "BTCUSDT-1m-2024-00",
        "BTCUSDT-1m-0000-01",
        "BTCUSDT-1m-9999-12-31",
        "BTCUSDT-1m-9999-12",
        "BTCUSDT-1m-2024",
        "BTCUSDT-1m",
        "BTCUSDT-1m-2024-05-07.zip",
        "",
    ],
)
def test_a_name_without_a_period_has_none(name):
    assert period_of(name) is None


def test_a_moment_names_the_day_and_the_month_that_it_lies_in():
    last_of_year = ms(2025, 1, 1) - 1
    assert (period_name(last_of_year, DAILY), period_name(last_of_year, MONTHLY)) == ("2024-12-31", "2024-12")
    assert (period_name(ms(2025, 1, 1), DAILY), period_name(ms(2025, 1, 1), MONTHLY)) == ("2025-01-01", "2025-01")


def test_paths_are_those_of_the_public_archive():
    """github.com/binance/binance-public-data, README.md."""
    klines = ARCHIVE_DATASETS["spot", "klines"]
    assert klines.folder(DAILY, "BTCUSDT", "1m") == "data/spot/daily/klines/BTCUSDT/1m/"
    assert klines.folder(MONTHLY, "BTCUSDT", "1M") == "data/spot/monthly/klines/BTCUSDT/1mo/"
    assert klines.folder(MONTHLY) == "data/spot/monthly/klines/"
    assert klines.file_name("BTCUSDT", "1m", "2024-05-07") == "BTCUSDT-1m-2024-05-07"
    assert klines.file_name("BTCUSDT", "1M", "2024-05") == "BTCUSDT-1mo-2024-05"
    aggregates, trades = ARCHIVE_DATASETS["spot", "agg_trades"], ARCHIVE_DATASETS["spot", "trades"]
    assert aggregates.folder(DAILY, "BTCUSDT", "") == "data/spot/daily/aggTrades/BTCUSDT/"
    assert aggregates.file_name("BTCUSDT", "", "2024-05-07") == "BTCUSDT-aggTrades-2024-05-07"
    assert trades.folder(MONTHLY, "ETHBTC") == "data/spot/monthly/trades/ETHBTC/"
    assert trades.file_name("ETHBTC", "", "2024-05") == "ETHBTC-trades-2024-05"


def test_every_dataset_names_only_columns_that_its_table_or_nobody_has():
    for dataset in ARCHIVE_DATASETS.values():
        labels = {"market", "symbol", "source", "interval" if dataset.has_interval else "period"}
        needed = {column.name for column in dataset.table.schema if not column.nullable}
        assert needed - labels <= set(dataset.columns)
        assert dataset.key in dataset.table.key
        assert dataset.tombstones is None or dataset.tombstones in dataset.columns


UM_KLINES = ArchiveDataset(
    "um",
    KLINES,
    "futures/um",
    "klines",
    (
        *("open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "trade_count"),
        *("taker_buy_volume", "taker_buy_quote_volume", "ignore"),
    ),
    "open_time",
    has_interval=True,
    millisecond_columns=frozenset({"open_time", "close_time"}),
)
FUNDING_RATES = Table(
    "funding_rates",
    ("symbol", "funding_time"),
    pa.schema(
        [
            pa.field("market", LABEL, nullable=False),
            pa.field("symbol", LABEL, nullable=False),
            pa.field("funding_time", TIME, nullable=False),
            pa.field("funding_interval_hours", pa.int64(), nullable=False),
            pa.field("funding_rate", DECIMAL, nullable=False),
            pa.field("source", LABEL, nullable=False),
        ]
    ),
)
UM_FUNDING = ArchiveDataset(
    "um",
    FUNDING_RATES,
    "futures/um",
    "fundingRate",
    ("funding_time", "funding_interval_hours", "funding_rate"),
    "funding_time",
)


def test_the_paths_of_new_rows():
    assert UM_KLINES.folder(MONTHLY, "NEARUSDT", "1m") == "data/futures/um/monthly/klines/NEARUSDT/1m/"
    assert UM_FUNDING.folder(MONTHLY, "BTCUSDT") == "data/futures/um/monthly/fundingRate/BTCUSDT/"
    assert UM_FUNDING.file_name("BTCUSDT", "", "2026-01") == "BTCUSDT-fundingRate-2026-01"


def test_recorded_futures_klines_with_a_header_need_no_more_than_a_row(recordings):
    with zipfile.ZipFile(recordings / "klines_1m/vision_um_monthly_rezipped/NEARUSDT-1m-2023-09.zip") as archive:
        content = archive.read("NEARUSDT-1m-2023-09.csv")
    assert content.startswith(b"open_time,")
    constants = {"market": "um", "symbol": "NEARUSDT", "interval": "1m", "source": "path"}
    blocks = list(read_rows(io.BytesIO(content), UM_KLINES, constants))
    found = [row for block in blocks for row in block.table.to_pylist()]
    expected = list(csv.reader(io.StringIO(content.decode())))[1:]
    assert len(found) == len(expected) == 43_200
    assert {tuple(row[name] for name in constants) for row in found} == {tuple(constants.values())}
    numbers = ("open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume")
    places = (1, 2, 3, 4, 5, 7, 9, 10)
    for row, texts in zip(found, expected, strict=True):
        assert [row[name] for name in numbers] == [Decimal(texts[place]) for place in places]
        assert row["open_time"] == EPOCH + timedelta(milliseconds=int(texts[0]))
        assert row["close_time"] == EPOCH + timedelta(milliseconds=int(texts[6]))
        assert row["trade_count"] == int(texts[8])


def recorded_funding(recordings):
    """The recorded funding of a symbol in the words of the archive: time, hours since the one before, rate."""
    rows = list(csv.DictReader((recordings / "funding/um_symbols_2026/ALICEUSDT.csv").open()))
    times = [int(row["timestamp"]) for row in rows]
    hours = [8, *(round((after - before) / 3_600_000) for before, after in itertools.pairwise(times))]
    return [(time, hour, row["funding_rate"]) for time, hour, row in zip(times, hours, rows, strict=True)]


@pytest.mark.parametrize("header", ["calc_time,funding_interval_hours,last_funding_rate\n", ""])
def test_recorded_funding_rates_need_no_more_than_a_row(recordings, header):
    expected = recorded_funding(recordings)
    assert len(expected) == 200
    text = header + "\n".join(f"{time},{hours},{rate}" for time, hours, rate in expected)
    constants = {"market": "um", "symbol": "ALICEUSDT", "source": "path"}
    [block] = read_rows(io.BytesIO(text.encode()), UM_FUNDING, constants)
    assert block.table.schema.equals(FUNDING_RATES.schema)
    assert block.keys.to_pylist() == [time for time, _, _ in expected]
    assert [
        (row["funding_time"], row["funding_interval_hours"], row["funding_rate"]) for row in block.table.to_pylist()
    ] == [(EPOCH + timedelta(milliseconds=time), hours, Decimal(rate)) for time, hours, rate in expected]


def test_what_is_followed_and_clipped_by_time_is_told_by_the_row_and_not_by_the_tables_name():
    """A dataset whose key is a time has no trade times and no consecutive ids."""
    series = ArchiveSeries("um|BTCUSDT", UM_FUNDING, "BTCUSDT", "", (0, 1), lambda covered: [], followed_by_rest=False)
    assert series.time_column == "funding_time"


METRICS = ArchiveDataset(
    "um",
    Table(
        "metrics",
        ("market", "symbol", "metrics_time"),
        pa.schema(
            [
                pa.field("market", LABEL, nullable=False),
                pa.field("symbol", LABEL, nullable=False),
                pa.field("metrics_time", TIME, nullable=False),
                pa.field("open_interest", DECIMAL, nullable=False),
                pa.field("long_short_ratio", DECIMAL),
                pa.field("source", LABEL, nullable=False),
            ]
        ),
    ),
    "futures/um",
    "metrics",
    ("metrics_time", "symbol_name", "open_interest", "long_short_ratio"),
    "metrics_time",
    text_times=frozenset({"metrics_time"}),
    step_ms=300_000,
)
METRICS_CONSTANTS = {"market": "um", "symbol": "BTCUSDT", "source": "path"}


def test_metrics_with_times_as_text_and_blanks_need_no_more_than_a_row():
    text = (
        b"create_time,symbol,sum_open_interest,ratio\n"
        b"2024-05-07 00:10:00,BTCUSDT,81000.50,\n2024-05-07 00:05:00,BTCUSDT,80999.25,1.5\n"
        b"2024-05-07 00:20:00,BTCUSDT,81001.00,1.25"
    )
    [block] = read_rows(io.BytesIO(text), METRICS, METRICS_CONSTANTS)
    five = ms(2024, 5, 7) + 300_000
    assert block.keys.to_pylist() == [five, five + 300_000, five + 900_000]
    assert block.table["metrics_time"].to_pylist()[0] == EPOCH + timedelta(milliseconds=five)
    assert block.table["long_short_ratio"].to_pylist() == [Decimal("1.5"), None, Decimal("1.25")]
    day = (ms(2024, 5, 7), ms(2024, 5, 8))
    series = ArchiveSeries("um|BTCUSDT", METRICS, "BTCUSDT", "", day, lambda covered: [], followed_by_rest=False)
    spans = series.spans(ArchiveFile("BTCUSDT-metrics-2024-05-07.zip", 1, 0, day))
    # 00:00, 00:15 and all after 00:20 are missing.
    assert spans.take(block.table, block.keys) == [(five, five + 300_001), (five + 900_000, five + 900_001)]
    assert spans.end() == []


def test_a_blank_where_a_value_is_needed_is_refused():
    text = b"2024-05-07 00:05:00,BTCUSDT,,1.5\n2024-05-07 00:10:00,BTCUSDT,81000.50,1.5\n"
    with pytest.raises(ArchiveFileError, match="open_interest is empty in 1 rows"):
        list(read_rows(io.BytesIO(text), METRICS, METRICS_CONSTANTS))


def test_where_rows_come_irregularly_the_file_says_that_nothing_is_missing():
    month = (ms(2024, 5, 1), ms(2024, 6, 1))
    series = ArchiveSeries("um|BTCUSDT", UM_FUNDING, "BTCUSDT", "", month, lambda covered: [], followed_by_rest=False)
    spans = series.spans(ArchiveFile("BTCUSDT-fundingRate-2024-05.zip", 1, 0, month))
    keys = pa.array([month[0] + 28_800_003, month[0] + 86_400_001])
    covered = [*spans.take(pa.table({}), keys), *spans.end()]
    assert (covered[0][0], covered[-1][1]) == month
    assert all(before[1] == after[0] for before, after in itertools.pairwise(covered))

"""Rows of a file compared with REST's: what differs is recorded, and REST's row is taken."""

import io
import random
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from binance_source.archive.file_kinds import ARCHIVE_DATASETS
from binance_source.archive.host import ArchiveFile
from binance_source.archive.rows import read_rows
from binance_source.archive.samples import Sample, reconcile, sampled

KLINES = ARCHIVE_DATASETS["spot", "klines"]
AGG_TRADES = ARCHIVE_DATASETS["spot", "agg_trades"]
MINUTE = 60_000
START = 19_417 * 86_400_000  # 2023-03-01
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
NOW_US = 1_763_700_000_123_456
PATH = "data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2023-03-01.zip"
LABELS = {"path": PATH, "symbol": "BTCUSDT", "interval": "1m"}


def kline(minute, close="2.00000000", volume="10", count="5", close_time=None):
    opened = START + minute * MINUTE
    closed = opened + MINUTE - 1 if close_time is None else close_time
    return f"{opened},1,3,1,{close},{volume},{closed},20,{count},4,8,0"


def klines(lines, source):
    constants = {"market": "spot", "symbol": "BTCUSDT", "interval": "1m", "source": source}
    [block] = read_rows(io.BytesIO("\n".join(lines).encode()), KLINES, constants)
    return block


def compared(file_lines, rest_lines):
    table, records, _compared = reconcile(
        klines(file_lines, PATH), Sample(klines(rest_lines, "rest").table, "rest"), KLINES, LABELS, NOW_US
    )
    assert table.schema.equals(KLINES.table.schema)
    return table.to_pylist(), records.to_pylist()


def minute_of(row):
    return (row["open_time"] - EPOCH) // timedelta(minutes=1) - START // MINUTE


def test_rows_that_agree_stay_the_files_and_nothing_is_recorded():
    lines = [kline(minute) for minute in range(5)]
    table, records = compared(lines, [kline(minute, close="2") for minute in range(5)])
    assert [row["source"] for row in table] == [PATH] * 5
    assert records == []


def test_a_row_that_differs_is_rests_and_every_value_of_it_that_differs_is_recorded():
    file_lines = [kline(0), kline(1, close="2.00000001", count="6"), kline(2)]
    table, records = compared(file_lines, [kline(0), kline(1), kline(2)])
    assert [(minute_of(row), row["close"], row["trade_count"], row["source"]) for row in table] == [
        (0, Decimal(2), 5, PATH),
        (1, Decimal(2), 5, "rest"),
        (2, Decimal(2), 5, PATH),
    ]
    common = {
        "path": PATH,
        "market": "spot",
        "dataset": "klines",
        "symbol": "BTCUSDT",
        "interval": "1m",
        "row_key": START + MINUTE,
        "other_source": "rest",
        "found_at": EPOCH + timedelta(microseconds=NOW_US),
    }
    assert records == [
        {**common, "column_name": "close", "archive_value": "2.00000001", "other_value": "2.00000000"},
        {**common, "column_name": "trade_count", "archive_value": "6", "other_value": "5"},
    ]


def test_values_are_written_in_plain_digits():
    _, records = compared([kline(0, volume="0.00000001")], [kline(0, volume="12345678901234567890.12345678")])
    assert [(one["archive_value"], one["other_value"]) for one in records] == [
        ("0.00000001", "12345678901234567890.12345678")
    ]


def test_a_close_time_that_differs_is_a_difference():
    table, records = compared([kline(0, close_time=START + 30_000)], [kline(0)])
    assert [one["column_name"] for one in records] == ["close_time"]
    assert table[0]["close_time"] == EPOCH + timedelta(milliseconds=START + MINUTE - 1)


def test_only_what_both_have_is_compared():
    """REST's page is of minutes 2 to 4: minutes 0, 1 and 5 of the file say nothing, and stay."""
    table, records = compared([kline(minute, count="7") for minute in range(6)], [kline(m) for m in (2, 3, 4)])
    assert [(minute_of(row), row["trade_count"]) for row in table] == [(0, 7), (1, 7), (2, 5), (3, 5), (4, 5), (5, 7)]
    assert [one["row_key"] for one in records] == [START + minute * MINUTE for minute in (2, 3, 4)]


def test_a_row_that_rest_does_not_know_is_recorded_and_kept():
    table, records = compared([kline(0), kline(1), kline(2)], [kline(0), kline(2)])
    assert [minute_of(row) for row in table] == [0, 1, 2]
    assert [(one["row_key"], one["column_name"], one["other_value"]) for one in records] == [
        (START + MINUTE, "open_time", None)
    ]


def test_a_row_that_the_file_lacks_is_not_put_into_it():
    """What a file lacks is a hole in what it covers, and asked for there."""
    table, records = compared([kline(0), kline(2)], [kline(0), kline(1), kline(2)])
    assert [minute_of(row) for row in table] == [0, 2]
    assert records == []


def test_rows_and_a_sample_of_other_times_have_nothing_to_do_with_each_other():
    table, records = compared([kline(0), kline(1)], [kline(5, count="9"), kline(6, count="9")])
    assert [row["source"] for row in table] == [PATH, PATH]
    assert records == []


def aggregates(lines, source):
    constants = {"market": "spot", "symbol": "BTCUSDT", "source": source}
    [block] = read_rows(io.BytesIO("\n".join(lines).encode()), AGG_TRADES, constants)
    return block


def test_the_archives_milliseconds_agree_with_rests_microseconds():
    us = START * 1000
    found = aggregates([f"1,1,2,3,3,{START},true,true", f"2,1,2,4,4,{us + 7_001},true,true"], PATH)
    rest = aggregates([f"1,1,2,3,3,{us + 999},true,true", f"2,1,2,4,4,{us + 7_001},true,true"], "rest")
    labels = {"path": PATH, "symbol": "BTCUSDT", "interval": None}
    table, records, _compared = reconcile(found, Sample(rest.table, "rest"), AGG_TRADES, labels, NOW_US)
    assert (table.to_pylist(), records.num_rows) == (found.table.to_pylist(), 0)


def test_times_that_differ_in_the_millisecond_or_in_given_microseconds_disagree():
    us = START * 1000
    found = aggregates([f"1,1,2,3,3,{START},true,true", f"2,1,2,4,4,{us + 7_001},True,true"], PATH)
    rest = aggregates([f"1,1,2,3,3,{us + 1_000},true,true", f"2,1,2,4,4,{us + 7_002},False,true"], "rest")
    labels = {"path": PATH, "symbol": "BTCUSDT", "interval": None}
    table, records, _compared = reconcile(found, Sample(rest.table, "rest"), AGG_TRADES, labels, NOW_US)
    assert table.to_pylist() == rest.table.to_pylist()
    assert [(one["row_key"], one["column_name"], one["interval"]) for one in records.to_pylist()] == [
        (1, "trade_time", None),
        (2, "trade_time", None),
        (2, "is_buyer_maker", None),
    ]


def test_rows_of_the_file_are_counted_from_the_first_to_the_last_of_the_sample():
    lines = [kline(minute) for minute in range(10)]
    rest = klines([kline(minute) for minute in (3, 4, 6)], "rest")
    *_others, compared_rows = reconcile(klines(lines, PATH), Sample(rest.table, "rest"), KLINES, LABELS, NOW_US)
    assert compared_rows == 4


def test_random_differences_are_all_found():
    generator = random.Random(31)
    for _ in range(50):
        minutes = sorted(generator.sample(range(60), 20))
        page = sorted(generator.sample(range(60), 20))
        changed = set(generator.sample(range(60), 10))
        file_lines = [kline(minute, count="6" if minute in changed else "5") for minute in minutes]
        table, records = compared(file_lines, [kline(minute) for minute in page])
        replaced = [minute for minute in minutes if minute in page and minute in changed]
        unknown = [minute for minute in minutes if minute not in page and page[0] <= minute <= page[-1]]
        assert [minute_of(row) for row in table] == minutes
        assert [minute_of(row) for row in table if row["source"] == "rest"] == replaced
        assert {row["trade_count"] for row in table if row["source"] == "rest"} <= {5}
        found = {((one["row_key"] - START) // MINUTE, one["column_name"]) for one in records}
        assert found == {(m, "trade_count") for m in replaced} | {(m, "open_time") for m in unknown}


def test_the_files_that_are_compared_are_the_same_each_time_and_as_many_as_asked():
    files = [ArchiveFile(f"data/x/BTCUSDT-1m-2024-05-{day:02}.zip", 1, 0, (day, day + 1)) for day in range(1, 29)]
    chosen = sampled(files, 3)
    assert len(chosen) == 3
    assert chosen <= {file.key for file in files}
    assert sampled(list(reversed(files)), 3) == chosen
    assert sampled(files, 0) == set()
    assert sampled(files[:2], 5) == {file.key for file in files[:2]}

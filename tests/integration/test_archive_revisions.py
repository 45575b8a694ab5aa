"""Files that the archive publishes again: `--revisions` takes their rows anew, and says how many have changed."""

from datetime import datetime, timezone

import duckdb
import pytest
from served_archive import assert_trades_equal, key_of, rest_requests, sha256, zips_asked_for

HOUR_MS = 3_600_000
JANUARY_MS = 1_735_689_600_000
AGAIN = datetime(2025, 2, 12, 6, tzinfo=timezone.utc)
MONTH = key_of("klines", "ETHBTC", "2025-01", "1h")
KLINES = ("--datasets", "klines", "--symbols", "ETHBTC", "--intervals", "1h", "--start", "2025-01-01")


def publish_again(exchange):
    exchange.clock_set(AGAIN)
    exchange.reset_stats()


def later(exchange, key, **settings):
    """Let a file be published with faults first, and without them later."""
    at_ms = int(AGAIN.timestamp() * 1000) - HOUR_MS
    exchange.add_archive_fault("republished", path=key, at_ms=at_ms, **settings)


def line_of(project, key):
    return project.query(
        "select revision, rows_changed, row_count, rows_loaded, sha256, last_modified::varchar from "
        f"staging.archive_files where path = '{key}'"
    )[0]


def wrong_rows(project, truth):
    columns = ", ".join(f'"{name}"' for name in truth.column_names)
    return project.query(
        f"select count(*) from (select {columns} from truth except select {columns} from staging.klines)", truth=truth
    )[0][0]


def test_changed_rows_take_the_place_of_the_old_ones(project, exchange, truth):
    later(exchange, MONTH, every=10)
    project.use_archive(exchange).load(*KLINES, "--end", "2025-02-01", "--source", "archive", ARCHIVE_SAMPLES=0)
    expected = truth("klines", ["ETHBTC"], "2025-01-01", "2025-02-01", ["1h"])
    wrong = wrong_rows(project, expected)
    assert wrong > 50
    assert line_of(project, MONTH)[:2] == (1, None)
    publish_again(exchange)
    done = project.load("--revisions")
    project.assert_equals("klines", expected)
    assert line_of(project, MONTH) == (
        2, wrong, expected.num_rows, expected.num_rows, sha256(exchange, MONTH), "2025-02-12 05:00:00+00",
    )  # fmt: skip
    assert f"{MONTH}: {wrong} rows changed" in done.stdout
    assert rest_requests(exchange) == {}
    assert set(zips_asked_for(exchange)) == {MONTH}
    exchange.reset_stats()
    project.load("--revisions")
    project.load(*KLINES, "--end", "2025-02-01", "--source", "archive", ARCHIVE_SAMPLES=0)
    assert zips_asked_for(exchange) == {}
    project.assert_equals("klines", expected)


def test_rows_that_were_missing_come_and_those_of_rest_stay(project, exchange, truth):
    later(exchange, MONTH, from_ms=JANUARY_MS + 30 * HOUR_MS, to_ms=JANUARY_MS + 40 * HOUR_MS)
    expected = truth("klines", ["ETHBTC"], "2025-01-01", "2025-02-01", ["1h"])
    project.use_archive(exchange).load(*KLINES, "--end", "2025-02-01", ARCHIVE_SAMPLES=0)
    project.assert_equals("klines", expected)
    publish_again(exchange)
    project.load("--revisions", "--symbols", "ETH*", "--datasets", "klines")
    project.assert_equals("klines", expected)
    assert line_of(project, MONTH)[:4] == (2, 0, expected.num_rows, expected.num_rows - 10)
    assert project.query("select count(*) from staging.klines where source = 'rest'") == [(10,)]

    other = type(project)(project.folder.parent / "other").use_archive(exchange)
    exchange.clock_set(datetime(2025, 2, 11, 12, 0, 30, tzinfo=timezone.utc))
    other.load(*KLINES, "--end", "2025-02-01", "--source", "archive", ARCHIVE_SAMPLES=0)
    assert other.count("klines") == expected.num_rows - 10
    publish_again(exchange)
    other.load("--revisions")
    other.assert_equals("klines", expected)
    assert line_of(other, MONTH)[:2] == (2, 10)


def test_trades_are_revised_too(project, exchange, truth):
    key = key_of("aggTrades", "TOMBUSDT", "2025-02-08")
    day = ("2025-02-08", "2025-02-09")
    later(exchange, key, every=100)
    project.use_archive(exchange).load(
        "--datasets",
        "agg_trades",
        "--symbols",
        "TOMBUSDT",
        "--start",
        day[0],
        "--end",
        day[1],
        "--source",
        "archive",
        ARCHIVE_SAMPLES=0,
    )
    expected = truth("agg_trades", ["TOMBUSDT"], *day)
    with pytest.raises(AssertionError):
        assert_trades_equal(project, "agg_trades", expected)
    publish_again(exchange)
    project.load("--revisions")
    assert_trades_equal(project, "agg_trades", expected)
    revision, changed = line_of(project, key)[:2]
    assert revision == 2
    assert expected.num_rows // 110 < changed < expected.num_rows // 90


@pytest.mark.parametrize(
    ("table", "key"), [("klines", MONTH), ("agg_trades", key_of("aggTrades", "ETHBTC", "2025-02-08"))]
)
def test_rows_that_a_new_version_lacks_are_asked_for_elsewhere(project, exchange, truth, table, key):
    period = ("2025-01-01", "2025-02-01") if table == "klines" else ("2025-02-08", "2025-02-09")
    options = (
        "--datasets",
        table,
        "--symbols",
        "ETHBTC",
        "--intervals",
        "1h",
        "--start",
        period[0],
        "--end",
        period[1],
    )
    project.use_archive(exchange).load(*options, "--source", "archive", ARCHIVE_SAMPLES=0)
    expected = truth(table, ["ETHBTC"], *period, *([["1h"]] if table == "klines" else []))
    count = project.count(table)
    publish_again(exchange)
    start = JANUARY_MS if table == "klines" else JANUARY_MS + 38 * 24 * HOUR_MS
    exchange.add_archive_fault("drop_rows", path=key, from_ms=start + 5 * HOUR_MS, to_ms=start + 9 * HOUR_MS)
    exchange.add_archive_fault("drop_rows", path=key, from_ms=start + 20 * HOUR_MS, to_ms=start + 800 * HOUR_MS)
    done = project.load("--revisions")
    left = project.count(table)
    assert 0 < left < count
    assert f"{count - left:,} of them gone" in done.stdout
    project.load(*options, ARCHIVE_SAMPLES=0)
    assert project.count(table) == count == expected.num_rows
    if table == "klines":
        project.assert_equals(table, expected)
    else:
        assert_trades_equal(project, table, expected)


def test_a_new_version_that_cannot_be_proven_leaves_the_old_rows(project, exchange, truth):
    later(exchange, MONTH, every=10)
    project.use_archive(exchange).load(*KLINES, "--end", "2025-02-01", "--source", "archive", ARCHIVE_SAMPLES=0)
    before = project.query("select * from staging.klines order by open_time")
    publish_again(exchange)
    exchange.add_archive_fault("wrong_checksum", path=MONTH)
    done = project.run("--revisions")
    assert done.returncode == 1
    assert MONTH in done.stdout
    assert project.query("select * from staging.klines order by open_time") == before
    assert line_of(project, MONTH)[:2] == (1, None)


def test_a_run_that_died_before_it_removed_the_old_rows_is_put_right(project, exchange, truth):
    later(exchange, MONTH, every=10)
    project.use_archive(exchange).load(*KLINES, "--end", "2025-02-01", "--source", "archive", ARCHIVE_SAMPLES=0)
    with duckdb.connect(str(project.database)) as connection:
        connection.execute("create table old_rows as select * from staging.klines")
    publish_again(exchange)
    project.load("--revisions")
    with duckdb.connect(str(project.database)) as connection:
        connection.execute("insert into staging.klines select * from old_rows")
    project.load(*KLINES, "--end", "2025-02-01", "--source", "archive", ARCHIVE_SAMPLES=0)
    project.assert_equals("klines", truth("klines", ["ETHBTC"], "2025-01-01", "2025-02-01", ["1h"]))


def test_revisions_take_no_period(project, exchange):
    done = project.use_archive(exchange).run("--revisions", "--start", "2025-01-01")
    assert done.returncode == 2
    assert "--start" in done.stderr


def test_without_any_loaded_file_there_is_nothing_to_look_at(project, exchange):
    project.use_archive(exchange).load("--revisions")
    assert zips_asked_for(exchange) == {}

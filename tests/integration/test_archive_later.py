"""Runs days and weeks later, with and without a start: nothing is left out between what was loaded and what is new."""

import time
from datetime import datetime

import pytest
from served_archive import assert_rows_lead_to_files, assert_trades_equal, files, key_of, zips_asked_for

SYMBOLS = ("ETHBTC", "OUTAGEUSDT")
INTERVALS = ("1m", "1w", "1M", "3d")
TABLES = ("klines", "agg_trades", "trades")
OPTIONS = ("--datasets", ",".join(TABLES), "--symbols", ",".join(SYMBOLS), "--intervals", ",".join(INTERVALS))


def assert_complete(project, truth, start, now):
    project.assert_equals("klines", truth("klines", SYMBOLS, start, now, INTERVALS))
    for table in ("agg_trades", "trades"):
        assert_trades_equal(project, table, truth(table, SYMBOLS, start, now))
    assert_rows_lead_to_files(project)


@pytest.mark.parametrize(
    "later",
    [
        pytest.param("2025-02-03T00:00:00", marks=pytest.mark.soak),
        "2025-02-04T00:00:30",
        pytest.param("2025-03-02T10:00:00", marks=pytest.mark.soak),
    ],
)
def test_days_later_a_run_without_a_start_leaves_no_gap(project, exchange, truth, later):
    # The month was published an hour ago; the tail of nine hours comes from REST.
    exchange.clock_set(datetime(2025, 2, 1, 9))  # noqa: DTZ001 - UTC
    project.use_archive(exchange).load(*OPTIONS, "--start", "2025-01-01")
    assert_complete(project, truth, "2025-01-01", "2025-02-01T09:00:00")
    exchange.clock_set(datetime.fromisoformat(later))
    project.load(*OPTIONS)
    assert_complete(project, truth, "2025-01-01", later)
    exchange.reset_stats()
    project.load(*OPTIONS)
    assert zips_asked_for(exchange) == {}
    assert_complete(project, truth, "2025-01-01", later)


@pytest.fixture
def holed(project, exchange):
    """A project to load a history into of which the archive lacks a day, and REST is to be asked for it."""
    exchange.add_archive_fault("missing", path="*-2025-02-04.zip")
    return project.use_archive(exchange, ARCHIVE_SAMPLES="0")


def assert_later_days_are_there(project):
    assert project.query("select max(open_time)::date::varchar from staging.klines") == [("2025-02-10",)]


def test_what_rest_refused_is_asked_for_by_the_next_run(holed, exchange, truth):
    options = ("--datasets", ",".join(TABLES), "--symbols", "ETHBTC")
    for path in ("/api/v3/klines", "/api/v3/aggTrades", "/api/v3/historicalTrades"):
        exchange.add_fault("error_code", path=path, count=None, status=400, code=-1100, msg="Illegal")
    done = holed.run(*options, "--start", "2025-02-01")
    assert done.returncode == 1
    assert "NOT COMPLETE" in done.stdout
    assert_later_days_are_there(holed)
    exchange.clear_faults()
    holed.load(*options)
    now = "2025-02-11T12:00:30"
    holed.assert_equals("klines", truth("klines", ["ETHBTC"], "2025-02-01", now, ["1m"]))
    for table in ("agg_trades", "trades"):
        assert_trades_equal(holed, table, truth(table, ["ETHBTC"], "2025-02-01", now))


def test_what_a_killed_run_had_not_asked_rest_for_is_asked_for_by_the_next_run(holed, exchange, truth):
    options = ("--datasets", "klines", "--symbols", "ETHBTC")
    exchange.add_fault("stall", path="/api/v3/klines", count=None, seconds=60)
    process = holed.start(*options, "--start", "2025-02-01", package_rows=1_000)
    while exchange.faults()[0]["hits"] == 0:
        assert process.poll() is None
        time.sleep(0.1)
    process.kill()
    process.communicate()
    assert_later_days_are_there(holed)
    exchange.clear_faults()
    holed.load(*options)
    holed.assert_equals("klines", truth("klines", ["ETHBTC"], "2025-02-01", "2025-02-11T12:00:30", ["1m"]))


def test_what_rest_has_loaded_is_gone_around(project, exchange, truth):
    project.use_archive(exchange)
    project.load(*OPTIONS, "--source", "rest", "--start", "2025-01-15T06:00:00.500", "--end", "2025-01-15T12:00")
    project.load(*OPTIONS, "--source", "archive", "--start", "2025-01-15T00:30:00", "--end", "2025-01-16T12:00")
    project.load(*OPTIONS, "--source", "rest", "--start", "2025-01-20T00:30:00", "--end", "2025-01-20T00:30:00.001")
    project.load(*OPTIONS, "--start", "2025-01-10")
    assert_complete(project, truth, "2025-01-10", "2025-02-11T12:00:30")


@pytest.mark.parametrize("source", ["auto", "archive"])
def test_symbols_that_died_halted_or_hardly_trade_are_exact_too(project, exchange, truth, source):
    symbols = ("OUTAGEUSDT", "HALTUSDT", "GONEUSDT", "SPARSEUSDT")
    options = (
        "--datasets", ",".join(TABLES), "--symbols", ",".join(symbols), "--intervals", "1h",
        "--start", "2025-01-18", "--source", source,
    )  # fmt: skip
    project.use_archive(exchange)
    end = {"auto": "2025-02-11T12:00:30", "archive": "2025-02-11"}[source]
    # A day without a trade has no file of trades; the ids before and behind it prove that none is lacking.
    project.load(*options)
    project.assert_equals("klines", truth("klines", symbols, "2025-01-18", end, ["1h"]))
    for table in ("agg_trades", "trades"):
        assert_trades_equal(project, table, truth(table, symbols, "2025-01-18", end))
        assert key_of({"trades": "trades", "agg_trades": "aggTrades"}[table], "OUTAGEUSDT", "2025-02-01") not in files(
            project
        )
    assert key_of("klines", "GONEUSDT", "2025-01", "1h") in files(project)
    exchange.reset_stats()
    project.load(*options)
    assert zips_asked_for(exchange) == {}

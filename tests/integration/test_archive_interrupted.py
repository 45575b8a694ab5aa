"""A backfill is killed, interrupted or cut off in its middle; the next run completes it and fetches no file twice."""

import re
import time

import duckdb
import pytest
from served_archive import assert_traced, assert_trades_equal, files, key_of, zips_asked_for

NOW = "2025-02-11T12:00:30"
SYMBOLS = ("SOLUSDT", "ETHBTC")
KLINES = ("--datasets", "klines", "--symbols", ",".join(SYMBOLS), "--start", "2025-01-01")
# In the middle of the second symbol; several small packages are loaded before it.
HELD = key_of("klines", "ETHBTC", "2025-02-03", "1m")
SMALL = {"package_rows": 20_000, "archive_connections": 2, "timeout_seconds": 60}


def wait_until_held(exchange, process):
    """Wait until the held file is asked for, and nothing else happens any more."""
    before, settled, began = None, 0, time.monotonic()
    while settled < 8:
        assert process.poll() is None
        assert time.monotonic() - began < 30
        counts = exchange.stats()["requests"]
        settled = settled + 1 if counts == before and HELD in zips_asked_for(exchange) else 0
        before = counts
        time.sleep(0.1)


def loaded_files(project):
    """Paths of the files of loads that were completed, as a reader of the database sees them."""
    with duckdb.connect(str(project.database)) as connection:
        rows = connection.execute(
            "select path from staging.archive_files where status = 'loaded' "
            "and _dlt_load_id in (select load_id from staging._dlt_loads)"
        ).fetchall()
    return {path for (path,) in rows}


def test_a_run_that_is_killed_in_the_middle_is_completed_by_the_next(project, exchange, truth):
    exchange.add_fault("stall", path=f"/{HELD.replace('.zip', '*.zip')}", count=None, seconds=60)
    process = project.use_archive(exchange).start(*KLINES, **SMALL)
    wait_until_held(exchange, process)
    process.kill()
    process.communicate()
    kept = loaded_files(project)
    assert key_of("klines", "SOLUSDT", "2025-01", "1m") in kept
    exchange.clear_faults()
    exchange.reset_stats()
    project.load(*KLINES)
    assert kept & set(zips_asked_for(exchange)) == set()
    assert HELD in zips_asked_for(exchange)
    project.assert_equals("klines", truth("klines", SYMBOLS, "2025-01-01", NOW, ["1m"]))
    assert_traced(project, exchange)


def test_a_kill_before_any_table_is_there_does_no_harm(project, exchange, truth):
    with duckdb.connect(str(project.database)) as connection:
        connection.execute("create schema staging")
    options = ("--datasets", "klines", "--symbols", "ETHBTC", "--start", "2025-02-06", "--end", "2025-02-10")
    project.use_archive(exchange).load(*options)
    project.assert_equals("klines", truth("klines", ["ETHBTC"], "2025-02-06", "2025-02-10", ["1m"]))


def test_a_damaged_database_is_said_to_be_damaged(project, exchange):
    with duckdb.connect(str(project.database)) as connection:
        connection.execute("create table some_table as from range(100_000)")
    damaged = bytearray(project.database.read_bytes())
    # The first block of the file, behind its three headers: what a write that was cut short looks like.
    damaged[3 * 4_096 + 100 : 3 * 4_096 + 5_000] = bytes(4_900)
    project.database.write_bytes(damaged)
    done = project.use_archive(exchange).run("--datasets", "klines", "--symbols", "ETHBTC", "--start", "2025-02-06")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "another process" not in done.stderr
    assert f"{project.database} cannot be opened" in done.stderr


PASSING = [
    {"kind": "http_503_html"},
    {"kind": "html_200"},
    {"kind": "reset"},
    {"kind": "stall", "seconds": 3},
    {"kind": "truncated_json"},
]


@pytest.mark.parametrize(
    "fault",
    [*PASSING[:2], *(pytest.param(fault, marks=pytest.mark.soak) for fault in PASSING[2:])],
    ids=lambda fault: fault["kind"],
)
def test_a_passing_fault_of_the_host_leaves_no_trace(project, exchange, truth, fault):
    for path in ("/s3", "/data/*.zip", "/data/*.CHECKSUM"):
        exchange.add_fault(**fault, path=path, after=1, count=2)
    options = (
        "--datasets",
        "klines,agg_trades",
        "--symbols",
        "SOLUSDT",
        "--start",
        "2025-02-06",
        "--end",
        "2025-02-10",
    )
    done = project.use_archive(exchange, TIMEOUT_SECONDS="1").load(*options)
    assert "QUARANTINED" not in done.stdout
    project.assert_equals("klines", truth("klines", ["SOLUSDT"], "2025-02-06", "2025-02-10", ["1m"]))
    assert_trades_equal(project, "agg_trades", truth("agg_trades", ["SOLUSDT"], "2025-02-06", "2025-02-10"))
    assert len(files(project)) == 8
    assert project.query("select count(*) from staging.klines where source = 'rest'") == [(0,)]
    assert_traced(project, exchange)


def test_a_listing_that_stays_broken_is_said_and_rest_is_asked(project, exchange, truth):
    exchange.add_fault("html_200", path="/s3", after=2, count=None)
    options = ("--datasets", "klines", "--symbols", "SOLUSDT,ETHBTC", "--start", "2025-02-06", "--end", "2025-02-10")
    done = project.use_archive(exchange).load(*options, archive_connections=1)
    assert re.search(r"^spot ETHBTC 1m: .*the listing of .* REST was asked$", done.stdout, re.MULTILINE)
    expected = truth("klines", ["SOLUSDT", "ETHBTC"], "2025-02-06", "2025-02-10", ["1m"])
    project.assert_equals("klines", expected)


def test_an_archive_that_does_not_answer_is_said_and_rest_is_asked(project, exchange, truth):
    exchange.add_fault("reset", path="/s3", count=None)
    options = ("--datasets", "klines,agg_trades", "--symbols", "ETHBTC", "--start", "2025-02-06", "--end", "2025-02-10")
    done = project.use_archive(exchange).load(*options)
    assert re.search(
        r"^the archive does not answer at .*/s3: .*; all was asked for by REST$", done.stdout, re.MULTILINE
    )
    project.assert_equals("klines", truth("klines", ["ETHBTC"], "2025-02-06", "2025-02-10", ["1m"]))
    assert_trades_equal(project, "agg_trades", truth("agg_trades", ["ETHBTC"], "2025-02-06", "2025-02-10"))
    alone = project.run(*options, "--source", "archive", "--start", "2025-01-30")
    assert alone.returncode == 1
    assert re.search(
        r"^(ENDED EARLY|error): .*the archive does not answer at", alone.stdout + alone.stderr, re.MULTILINE
    )

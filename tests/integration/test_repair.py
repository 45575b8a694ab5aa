"""What the exchange did not give is asked for again: found and loaded, or confirmed as missing, or left unexplained."""

import re
from datetime import datetime, timezone

import pytest
from served_archive import assert_traced, assert_trades_equal, key_of, zips_asked_for

NOW = "2025-02-11T12:00:30"
START = ("--start", "2025-02-06")
FROM, UNTIL = "2025-02-07T10:00:00", "2025-02-07T10:05:00"
FILE = key_of("klines", "SOLUSDT", "2025-02-07", "1m")
LEDGER = """
    select symbol, gap_start, missing_count, status, rest_checks, archive_checks
    from silver.kline_gaps
    order by symbol, gap_start
"""


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def lose(exchange, symbol, endpoint="klines"):
    """Let REST lose rows of a symbol."""
    exchange.add_fault("hidden_rows", path=f"/api/v3/{endpoint}", symbol=symbol, start=FROM, end=UNTIL)


def lose_in_archive(exchange, symbol):
    """Let the archive's files of klines lack rows of a symbol."""
    bounds = {name: int(at(text).timestamp()) * 1000 for name, text in (("from_ms", FROM), ("to_ms", UNTIL))}
    exchange.add_archive_fault("drop_rows", path=f"*/klines/{symbol}/*", **bounds)


def klines_asked_for(exchange):
    return exchange.stats()["requests_by_path"].get("/api/v3/klines", 0)


def test_what_comes_back_is_found_and_loaded_once(project, exchange, truth):
    lose(exchange, "SOLUSDT")
    lose(exchange, "SOLUSDT", "aggTrades")
    exchange.add_fault("error_code", path="/api/v3/klines", symbol="ETHUSDT", after=2, count=None, code=-1100)
    symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    options = ("--datasets", "klines,agg_trades", "--symbols", ",".join(symbols), *START)
    assert project.use(exchange).run(*options).returncode == 1
    exchange.clear_faults()
    done = project.load("--repair")
    assert "now there are no gaps" in done.stdout
    project.assert_equals("klines", truth("klines", symbols, "2025-02-06", NOW, ["1m"]))
    project.assert_equals("agg_trades", truth("agg_trades", symbols, "2025-02-06", NOW))
    found = project.query("select dataset, symbol, source, outcome, rows_found from staging.gap_checks order by all")
    lost = truth("agg_trades", ["SOLUSDT"], FROM, UNTIL).num_rows
    assert found == [("agg_trades", "SOLUSDT", "rest", "found", lost), ("klines", "SOLUSDT", "rest", "found", 5)]
    exchange.reset_stats()
    project.load("--repair")
    assert klines_asked_for(exchange) == 0
    assert project.count("klines") == truth("klines", symbols, "2025-02-06", NOW, ["1m"]).num_rows


def test_the_archive_is_looked_into_for_what_rest_has_lost(project, exchange, truth):
    for endpoint in ("klines", "aggTrades", "historicalTrades"):
        lose(exchange, "SOLUSDT", endpoint)
    options = ("--datasets", "klines,agg_trades,trades", "--symbols", "SOLUSDT,ETHBTC", *START)
    project.use(exchange).load(*options)
    exchange.reset_stats()
    done = project.use_archive(exchange).load("--repair")
    assert "asked again for 3 unexplained gaps; now there are no gaps" in done.stdout
    files = {key_of(kind, "SOLUSDT", "2025-02-07") for kind in ("aggTrades", "trades")}
    assert zips_asked_for(exchange) == {FILE: 1, **dict.fromkeys(files, 1)}
    project.assert_equals("klines", truth("klines", ["SOLUSDT", "ETHBTC"], "2025-02-06", NOW, ["1m"]))
    for table in ("agg_trades", "trades"):
        assert_trades_equal(project, table, truth(table, ["SOLUSDT", "ETHBTC"], "2025-02-06", NOW))
    assert project.query("select source, count(*) from staging.klines group by all order by all")[0] == (FILE, 5)
    lines = project.query("select path, status, rows_loaded from staging.archive_files where path like '%klines%'")
    assert lines == [(FILE, "searched", 5)]
    assert_traced(project, exchange, searched={FILE, *files})
    # A later load may still take the rest of the day out of that file.
    project.load("--datasets", "klines", "--symbols", "SOLUSDT", "--start", "2025-02-05")
    project.assert_equals("klines", truth("klines", ["SOLUSDT"], "2025-02-05", NOW, ["1m"]), "symbol = 'SOLUSDT'")


@pytest.mark.soak
def test_what_both_have_lost_for_good_is_confirmed_and_not_asked_for_any_more(project, exchange):
    lose(exchange, "SOLUSDT")
    lose_in_archive(exchange, "SOLUSDT")
    options = ("--datasets", "klines", "--symbols", "BTCUSDT,SOLUSDT,LATEUSDT,GONEUSDT", "--start", "2025-01-09")
    project.use_archive(exchange).load(*options)
    gap = ("SOLUSDT", at(FROM), 5)
    others = [
        ("GONEUSDT", at("2025-01-20T03:00"), 22 * 1_440 + 540, "delisted", 0, 0),
        ("LATEUSDT", at("2025-01-09T00:00"), 1_440 + 8 * 60 + 17, "not_listed", 0, 0),
    ]
    done = project.load("--repair")
    assert re.search(
        r"^UNEXPLAINED: klines spot SOLUSDT 1m 2025-02-07 10:00:00 to 2025-02-07 10:05:00 \(5 missing\): ",
        done.stdout,
        re.MULTILINE,
    )
    assert project.query(LEDGER) == [*others, (*gap, "unexplained", 1, 1)]
    # Query twice within the hour is not asked some time apart.
    exchange.clock_advance(600)
    project.load("--repair")
    assert project.query(LEDGER)[-1] == (*gap, "unexplained", 2, 2)
    exchange.clock_advance(3600)
    done = project.load("--repair")
    assert "1 confirmed_upstream, 1 delisted, 1 not_listed" in done.stdout
    assert project.query(LEDGER)[-1] == (*gap, "confirmed_upstream", 3, 3)
    exchange.reset_stats()
    project.load("--repair")
    assert klines_asked_for(exchange) == 0
    day = "symbol = 'SOLUSDT' and day = '2025-02-07'"
    counts = f"select expected, present, explained, unexplained from gold.completeness where {day}"
    project.load(*options, "--transform")
    assert project.query(counts) == [(1_440, 1_435, 5, 0)]


def test_an_error_is_no_evidence(project, exchange):
    lose(exchange, "SOLUSDT")
    options = ("--datasets", "klines", "--symbols", "BTCUSDT,SOLUSDT", *START, "--end", "2025-02-09")
    project.use(exchange).load(*options)
    exchange.add_archive_fault("wrong_checksum", path="*/klines/SOLUSDT/*")
    done = project.use_archive(exchange).run("--repair")
    assert done.returncode == 1
    assert re.search(rf"^NOT COMPLETE: klines spot SOLUSDT 1m: {FILE}: its SHA-256 is", done.stdout, re.MULTILINE)
    assert project.query(LEDGER) == [("SOLUSDT", at(FROM), 5, "unexplained", 1, 0)]
    exchange.clear_archive_faults()
    lose_in_archive(exchange, "SOLUSDT")
    exchange.add_fault("http_503_html", path="/api/v3/klines", count=None)
    exchange.clock_advance(7200)
    done = project.run("--repair", max_attempts=2)
    assert done.returncode == 1
    assert re.search(r"HTTP 503", done.stdout + done.stderr)
    assert project.query(LEDGER) == [("SOLUSDT", at(FROM), 5, "unexplained", 1, 1)]


def test_repair_takes_no_period_and_needs_nothing_loaded(project, exchange):
    refused = project.use(exchange).run("--repair", *START)
    assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
    assert "--repair looks at all that was asked for before, and takes no --start" in refused.stderr
    done = project.load("--repair")
    assert "asked again for 0 unexplained gaps; now there are no gaps" in done.stdout

"""The exchange misbehaves; the tables stay exact, or the run says what is missing and the next one completes it."""

import re
import signal
import time

import pytest

NOW = "2025-02-11T12:00:30"
START = ("--start", "2025-02-01")
KLINES = ("--datasets", "klines", "--symbols", "BTCUSDT,ETHUSDT", *START)
QUICK = {"backoff_seconds": 0.05, "firewall_pause_seconds": 0.2, "timeout_seconds": 2}


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "http_500_html"},
        {"kind": "http_502_html"},
        {"kind": "http_503_html"},
        {"kind": "waf_403_html"},
        {"kind": "html_200"},
        {"kind": "reset"},
        {"kind": "stall", "seconds": 5},
        {"kind": "truncated_json"},
        {"kind": "invalid_json"},
        {"kind": "duplicate_page"},
        {"kind": "short_page"},
        {"kind": "missing_weight_header"},
        {"kind": "rate_429", "retry_after": 1},
        {"kind": "ban_418", "seconds": 1},
    ],
    ids=lambda fault: fault["kind"],
)
def test_a_passing_fault_leaves_no_trace(project, exchange, truth, fault):
    exchange.add_fault(**fault, path="/api/v3/klines", after=3, count=3)
    exchange.add_fault(**fault, path="/api/v3/aggTrades", after=1, count=2)
    options = ("--datasets", "klines,agg_trades", "--symbols", "BTCUSDT,ETHUSDT", *START)
    project.use(exchange, **{key.upper(): str(value) for key, value in QUICK.items()}).load(*options)
    project.assert_equals("klines", truth("klines", ["BTCUSDT", "ETHUSDT"], "2025-02-01", NOW, ["1m"]))
    project.assert_equals("agg_trades", truth("agg_trades", ["BTCUSDT", "ETHUSDT"], "2025-02-01", NOW))


def test_a_symbol_that_fails_is_named_and_does_not_take_the_others_down(project, exchange, truth):
    exchange.add_fault(
        "error_code", path="/api/v3/klines", symbol="ETHUSDT", after=4, status=400, code=-1100, msg="Illegal"
    )
    done = project.use(exchange).run(*KLINES)
    assert done.returncode == 1
    assert re.search(r"NOT COMPLETE: klines spot ETHUSDT 1m: .*HTTP 400, code -1100: Illegal", done.stdout)
    project.assert_equals("klines", truth("klines", ["BTCUSDT"], "2025-02-01", NOW, ["1m"]), "symbol = 'BTCUSDT'")
    exchange.clear_faults()
    project.load(*KLINES)
    project.assert_equals("klines", truth("klines", ["BTCUSDT", "ETHUSDT"], "2025-02-01", NOW, ["1m"]))


def test_a_ban_beyond_the_patience_ends_the_run_with_its_progress_and_says_until_when(project, exchange, truth):
    exchange.add_fault("ban_418", path="/api/v3/klines", after=12, seconds=3600)
    done = project.use(exchange).run(*KLINES, connections=2)
    assert done.returncode == 1
    assert re.search(r"ENDED EARLY: .*HTTP 418.* until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", done.stdout)
    kept = project.count("klines")
    assert kept >= 5_000
    exchange.clear_faults()
    exchange.reset_limits()
    exchange.reset_stats()
    project.load(*KLINES)
    expected = truth("klines", ["BTCUSDT", "ETHUSDT"], "2025-02-01", NOW, ["1m"])
    project.assert_equals("klines", expected)
    assert project.query("select count(distinct _dlt_load_id) from staging.klines") == [(2,)]


def test_a_blocked_place_is_named_with_other_hosts(project, exchange):
    exchange.add_fault("geo_451")
    done = project.use(exchange).run(*KLINES)
    assert done.returncode == 1
    assert "HTTP 451" in done.stderr
    assert "https://data-api.binance.vision" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not project.database.exists()


def test_a_page_that_stays_unreadable_never_lands(project, exchange):
    exchange.add_fault("invalid_json", path="/api/v3/klines", symbol="ETHUSDT", count=None)
    done = project.use(exchange).run(*KLINES, backoff_seconds=0.01)
    assert done.returncode == 1
    assert "NOT COMPLETE: klines spot ETHUSDT 1m" in done.stdout
    assert project.query("select distinct symbol from staging.klines") == [("BTCUSDT",)]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_with_its_progress(project, exchange, truth, number, code):
    exchange.add_fault("stall", path="/api/v3/klines", after=15, seconds=30)
    process = project.use(exchange).start(*KLINES, connections=2, timeout_seconds=60)
    while exchange.stats()["requests_by_path"].get("/api/v3/klines", 0) < 17:
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(number)
    began = time.monotonic()
    process.communicate(timeout=30)
    assert process.returncode == code
    assert time.monotonic() - began < 5
    assert project.count("klines") >= 5_000
    exchange.clear_faults()
    project.load(*KLINES)
    project.assert_equals("klines", truth("klines", ["BTCUSDT", "ETHUSDT"], "2025-02-01", NOW, ["1m"]))


@pytest.mark.parametrize("seed", range(3))
def test_answers_to_other_questions_are_not_believed(project, exchange, truth, seed):
    for kind in ("duplicate_page", "short_page", "reset"):
        exchange.add_fault(kind, probability=0.06, seed=seed, count=None)
    symbols, intervals = ["BTCUSDT", "OUTAGEUSDT", "LATEUSDT"], ["1m", "1h", "1d"]
    options = ("--datasets", "klines,agg_trades,trades", "--symbols", ",".join(symbols), "--intervals", "1m,1h,1d")
    # The first run leaves pages behind that a confused cache would hand to the second.
    project.use(exchange, BACKOFF_SECONDS="0.01").run(*options, "--start", "2025-02-10")
    project.load(*options, "--start", "2025-02-07")
    for table in ("klines", "agg_trades", "trades"):
        wanted = intervals if table == "klines" else [None]
        project.assert_equals(table, truth(table, symbols, "2025-02-07", NOW, wanted))

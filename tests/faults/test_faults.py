"""The exchange misbehaves; the tables stay exact, or the run says what is missing and the next one completes it."""

import random
import re

import pytest

NOW = "2025-02-11T12:00:30"
START = ("--start", "2025-02-01")
KLINES = ("--datasets", "klines", "--symbols", "BTCUSDT,ETHUSDT", *START)


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


def test_rows_that_one_answer_lacks_are_asked_for_by_themselves(project, exchange, truth):
    lost = {"start": "2025-02-11T10:00:00", "end": "2025-02-11T10:05:00"}
    exchange.add_fault("hidden_rows", path="/api/v3/klines", symbol="SOLUSDT", count=1, **lost)
    project.use(exchange).load("--datasets", "klines", "--symbols", "SOLUSDT", "--start", "2025-02-11")
    assert exchange.faults()[0]["hits"] == 1
    project.assert_equals("klines", truth("klines", ["SOLUSDT"], "2025-02-11", NOW, ["1m"]))


@pytest.mark.parametrize("number", [0, *(pytest.param(number, marks=pytest.mark.soak) for number in range(1, 30))])
def test_answers_to_other_questions_are_not_believed(project, exchange, truth, seed, number):
    chance = random.Random(f"{seed}-{number}")
    for kind in ("duplicate_page", "short_page", "reset"):
        exchange.add_fault(kind, probability=0.06, seed=chance.randrange(1_000_000), count=None)
    symbols, intervals = ["BTCUSDT", "OUTAGEUSDT", "LATEUSDT"], ["1m", "1h", "1d"]
    options = ("--datasets", "klines,agg_trades,trades", "--symbols", ",".join(symbols), "--intervals", "1m,1h,1d")
    # The first run leaves pages behind that a confused cache would hand to the second.
    project.use(exchange, BACKOFF_SECONDS="0.01").run(*options, "--start", "2025-02-10")
    project.load(*options, "--start", "2025-02-07")
    for table in ("klines", "agg_trades", "trades"):
        wanted = intervals if table == "klines" else [None]
        project.assert_equals(table, truth(table, symbols, "2025-02-07", NOW, wanted))

"""All venues by one command, into one database: one that fails does not stop the others, and the exit code says so."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

START = "2025-02-11T09:00:00"
NOW = "2025-02-11T12:00:30"


@pytest.fixture
def all_venues(project, exchange):
    """Start the command that loads all venues of the simulated exchanges."""
    settings = {
        **{f"SOURCES__BINANCE__{name}": exchange.url for name in ("MARKET_DATA_URL", "API_URL", "FUTURES_URL")},
        "SOURCES__BINANCE__ARCHIVE_URL": exchange.archive_url,
        "SOURCES__BINANCE__ARCHIVE_LISTING_URL": exchange.archive_listing_url,
        "SOURCES__BINANCE__SYMBOLS": "BTCUSDT,ETHUSDT",
        "SOURCES__BINANCE__API_KEY": exchange.api_key,
        "SOURCES__BINANCE__API_SECRET": exchange.api_secret,
        "SOURCES__COINBASE__BASE_URL": exchange.coinbase_url,
        "SOURCES__COINBASE__SYMBOLS": "BTC-USDT,BTC-USD",
        "SOURCES__OKX__BASE_URL": exchange.okx_url,
        "SOURCES__OKX__SYMBOLS": "BTC-USDT,BTC-USDT-SWAP",
    }

    def start(*options):
        if "--transform" in options:
            project.parse_models()
        return subprocess.Popen(
            [sys.executable, str(project.folder / "pipelines" / "all_venues.py"), "--progress", "none", *options],
            env={**project.environment(), **settings},
            cwd=project.folder.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def ended(process):
    out, error = process.communicate(timeout=300)
    assert "Traceback" not in error, error
    return process.returncode, out, error


def test_a_venue_that_fails_does_not_stop_the_others_and_the_next_run_has_all(project, exchange, all_venues):
    exchange.add_fault("error_code", path="/coinbase", count=None, status=400, code=0, msg="Bad request")
    code, out, error = ended(all_venues("--start", START))
    assert code == 1
    assert "NOT COMPLETE: coinbase (exit code 1); the other venues are loaded" in out
    assert "HTTP 400, code 0: Bad request" in error
    rows = "select symbol, count(*), max(open_time)::varchar from staging.{} group by symbol order by symbol"
    newest = "2025-02-11 11:59:00+00"
    assert project.query(rows.format("klines")) == [("BTCUSDT", 180, newest), ("ETHUSDT", 180, newest)]
    assert project.query(rows.format("okx_candles")) == [("BTC-USDT", 180, newest), ("BTC-USDT-SWAP", 180, newest)]
    exchange.clear_faults()
    code, out, error = ended(all_venues("--start", START, "--transform"))
    assert code == 0, out + error
    assert "models built and tested" in out
    assert project.query(rows.format("klines")) == [("BTCUSDT", 180, newest), ("ETHUSDT", 180, newest)]
    # The closes of each venue as staged, put together by hand for one minute that all of them have.
    together = """
        select side.n_venues, side.binance_close = spot.close, side.coinbase_close = usdt.close,
            side.okx_close = okx.close,
            side.spread_bps = (greatest(spot.close, usdt.close, okx.close) - least(spot.close, usdt.close, okx.close))
                ::double / least(spot.close, usdt.close, okx.close)::double * 10000
        from gold.cross_exchange_ohlcv as side
        inner join staging.klines as spot on spot.symbol = 'BTCUSDT' and spot.open_time = side.open_time
        inner join staging.coinbase_candles as usdt on usdt.symbol = 'BTC-USDT' and usdt.open_time = side.open_time
        inner join staging.okx_candles as okx on okx.symbol = 'BTC-USDT' and okx.open_time = side.open_time
        where side.symbol = 'BTC-USDT' and side."interval" = '1m'
    """
    found = project.query(together)
    assert len(found) > 100
    assert set(found) == {(3, True, True, True, True)}
    # What is priced in dollars is another thing.
    assert project.query(
        "select distinct symbol, n_venues from gold.cross_exchange_ohlcv where symbol <> 'BTC-USDT' order by 1"
    ) == [("BTC-USD", 1), ("ETH-USDT", 1)]
    # Account, futures and spot: all of them came along.
    assert project.query(
        "select (select count(*) from gold.portfolio_balances) > 3, (select count(*) from gold.funding_daily) > 0, "
        "(select count(*) from gold.basis_daily) > 0, (select count(*) from gold.open_interest_daily) > 0"
    ) == [(True, True, True, True)]


def test_a_signal_ends_all_of_it(exchange, all_venues):
    exchange.add_fault("stall", path="/coinbase", count=None, seconds=60)
    process = all_venues("--start", START)
    for line in process.stdout:
        if line.startswith("coinbase:"):
            break
    # The command is told while it waits for an answer.
    while not any("/coinbase" in path for path in exchange.stats()["requests_by_path"]):
        time.sleep(0.1)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    code, out, _ = ended(process)
    assert time.monotonic() - began < 10
    assert code == 143
    assert "okx:" not in out


def test_a_venue_that_is_blocked_is_skipped_unless_all_are(project, exchange, all_venues):
    exchange.add_fault("geo_451", path="/coinbase", count=None)
    exchange.add_fault("geo_451", path="/fapi", count=None)
    code, out, error = ended(all_venues("--start", START))
    assert code == 0
    assert out.endswith("\nskipped: coinbase: this place is not served\n")
    assert len(error.splitlines()) == 1
    assert "NOT COMPLETE" not in out
    rows = "select symbol, count(*) from staging.{} group by symbol order by symbol"
    assert project.query(rows.format("klines")) == [("BTCUSDT", 180), ("ETHUSDT", 180)]
    assert project.query(rows.format("okx_candles")) == [("BTC-USDT", 180), ("BTC-USDT-SWAP", 180)]
    for path in ("/api", "/okx"):
        exchange.add_fault("geo_451", path=path, count=None)
    code, out, _ = ended(all_venues("--start", START))
    assert code == 1
    assert out.endswith("\nNOT COMPLETE: no venue serves this place\n")
    # One that fails for another reason is no venue that is skipped.
    exchange.clear_faults()
    exchange.add_fault("geo_451", path="/coinbase", count=None)
    exchange.add_fault("error_code", path="/okx", count=None, status=400, code=50014, msg="Bad request")
    code, out, _ = ended(all_venues("--start", START))
    assert code == 1
    assert "\nskipped: coinbase: " in out
    assert "\nNOT COMPLETE: okx (exit code 1); " in out


def test_a_venue_that_is_killed_is_a_failure(exchange, all_venues):
    exchange.add_fault("stall", path="/coinbase", count=None, seconds=60)
    process = all_venues("--start", START)
    while not exchange.faults()[0]["hits"]:
        time.sleep(0.1)
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(child), signal.SIGKILL)
    code, out, _ = ended(process)
    assert code == 1
    assert "NOT COMPLETE: coinbase (exit code 1)" in out


def test_two_runs_that_wait_for_each_other_both_load_all(project, exchange, all_venues, truth):
    both = [all_venues("--start", START, "--transform", "--wait") for _ in range(2)]
    for code, out, error in map(ended, both):
        assert code == 0, out + error
        assert all(line.startswith("waiting for the end of another run (process ") for line in error.splitlines())
        assert "models built and tested" in out
    project.assert_equals("klines", truth("klines", ["BTCUSDT", "ETHUSDT"], START, NOW, ["1m"]))
    candles = {"coinbase_candles": ["BTC-USDT", "BTC-USD"], "okx_candles": ["BTC-USDT", "BTC-USDT-SWAP"]}
    for table, symbols in candles.items():
        project.assert_equals(table, truth(table, symbols, START, NOW, ["1m"]))
    assert project.query("select count(*), count(distinct (symbol, open_time)) from silver.klines") == [(360, 360)]


def test_without_waiting_the_second_one_ends_with_one_line(project, exchange, all_venues):
    exchange.add_fault("stall", path="/api/v3/klines", count=None, seconds=5)
    first = all_venues("--start", START)
    while not exchange.faults()[0]["hits"]:
        time.sleep(0.1)
    code, out, error = ended(all_venues("--start", START, "--transform"))
    assert (code, out) == (1, "binance:\n")
    assert error.startswith("error: another run is under way in this project (process ")
    assert len(error.splitlines()) == 1
    first.terminate()
    assert ended(first)[0] == 143

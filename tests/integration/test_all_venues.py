"""All venues by one command, into one database: one that fails does not stop the others, and the exit code says so."""

import signal
import subprocess
import sys
import time

import pytest

START = "2025-02-11T09:00:00"


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

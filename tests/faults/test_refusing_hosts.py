"""Runs at a host that refuses, or answers oddly: what is said of it, what it costs, and what the others get."""

import time

import pytest

START, NOW = "2025-02-11T11:00:00", "2025-02-11T12:00:30"
KLINES = ("--datasets", "klines", "--symbols", "BTCUSDT,ETHUSDT", "--start", START)
HOST = "refuses this place or this IP address (HTTP 403); "
ODD = {"status": 200, "code": 7, "msg": "Hello", "count": None}


@pytest.fixture
def spot(project, exchange):
    """The project, told of simulated spot."""
    return project.use(exchange)


@pytest.fixture
def both(project, exchange):
    """The project, told of simulated spot and futures, and of an account."""
    return project.use(exchange, FUTURES_URL=exchange.url, API_KEY=exchange.api_key, API_SECRET=exchange.api_secret)


def asked(exchange, path):
    return exchange.stats()["requests_by_path"].get(path, 0)


def test_a_host_that_refuses_all_is_said_so_in_one_line_and_soon(spot, exchange):
    exchange.add_fault("waf_403_html", count=None)
    began = time.monotonic()
    done = spot.run(*KLINES)
    # A pause of the firewall's, by default, would be a minute.
    assert time.monotonic() - began < 45
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"error: Binance, or a proxy on the way to {exchange.url}, {HOST}")
    assert "set sources.binance.market_data_url to another host (https://data-api.binance.vision, " in done.stderr
    assert "run from elsewhere or through a proxy (HTTPS_PROXY)" in done.stderr
    assert "check the network" not in done.stderr
    assert exchange.stats()["requests"] == 2
    assert not spot.database.exists()


def test_a_host_that_refuses_the_first_request_once_gives_all(spot, exchange, truth):
    exchange.add_fault("waf_403_html")
    began = time.monotonic()
    spot.load(*KLINES)
    assert time.monotonic() - began < 45
    spot.assert_equals("klines", truth("klines", ["BTCUSDT", "ETHUSDT"], START, NOW, ["1m"]))
    assert exchange.stats()["faults"] == 1


def test_futures_that_refuse_this_place_leave_the_rest_alone(both, exchange, truth):
    exchange.add_fault("waf_403_html", path="/fapi", count=None)
    began = time.monotonic()
    done = both.run("--symbols", "BTCUSDT,ETHUSDT", "--start", START)
    assert time.monotonic() - began < 55
    assert (done.returncode, done.stderr) == (0, "")
    [line] = [line for line in done.stdout.splitlines() if line.startswith("skipped: ")]
    assert HOST in line
    assert asked(exchange, "/fapi/v1/time") == 2
    both.assert_equals("klines", truth("klines", ["BTCUSDT", "ETHUSDT"], START, NOW, ["1m"]))
    assert both.count("account_balances") > 0


def test_an_account_refused_after_the_clock_is_waited_for(both, exchange):
    exchange.add_fault("waf_403_html", path="/api/v3/account")
    both.load("--datasets", "account_balances", firewall_pause_seconds=1)
    assert both.count("account_balances") > 0
    assert exchange.stats()["faults"] == 1


@pytest.mark.parametrize("symbols", [("ETHUSDT",), ("BTCUSDT", "ETHUSDT")], ids=["one", "all"])
def test_series_that_are_answered_oddly_are_named_and_the_others_loaded(spot, exchange, truth, symbols):
    for symbol in symbols:
        exchange.add_fault("error_code", path="/api/v3/klines", symbol=symbol, **ODD)
    done = spot.run("--datasets", "klines,agg_trades", *KLINES[2:], backoff_seconds=0.01, max_attempts=3)
    assert (done.returncode, done.stderr) == (1, "")
    named = [line for line in done.stdout.splitlines() if line.startswith("NOT COMPLETE: ")]
    assert len(named) == len(symbols)
    for symbol, line in zip(symbols, sorted(named), strict=True):
        url = f"{exchange.url}/api/v3/klines"
        assert line.startswith(f"NOT COMPLETE: klines spot {symbol} 1m: {url} answered, but with what was not expected")
        assert line.endswith(" (3 attempts)")
    assert "check the network" not in done.stdout
    assert "ENDED EARLY" not in done.stdout
    if len(symbols) == 1:
        spot.assert_equals("klines", truth("klines", ["BTCUSDT"], START, NOW, ["1m"]))
    spot.assert_equals("agg_trades", truth("agg_trades", ["BTCUSDT", "ETHUSDT"], START, NOW))


@pytest.mark.parametrize(
    ("path", "said", "attempts"),
    [
        ("/api/v3/time", " is reached, but does not answer as Binance does: ", 3),
        ("/api/v3/exchangeInfo", "/api/v3/exchangeInfo answered, but with what was not expected: ", 4),
    ],
)
def test_an_odd_first_answer_is_one_line_that_says_that_the_host_is_reached(spot, exchange, path, said, attempts):
    exchange.add_fault("error_code", path=path, **ODD)
    done = spot.run(*KLINES, backoff_seconds=0.01, max_attempts=4)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"error: {exchange.url}{said}")
    assert line.endswith(f" ({attempts} attempts)")
    assert asked(exchange, path) == attempts
    assert not spot.database.exists()

"""Markets and venues that do not serve this place: skipped where nobody named them, a failure where somebody did."""

import pytest

NOW = "2025-02-11T12:00:30"
START = "2025-02-11T11:00:00"
OPTIONS = ("--symbols", "BTCUSDT,ETHUSDT", "--start", START)
BLOCKED = "does not serve this place"
OF_UM = "symbols, funding_rates, open_interest, mark_price_klines, premium_index of um: "


@pytest.fixture
def both(project, exchange):
    """The project, told of simulated spot and futures, and of an account."""
    return project.use(exchange, FUTURES_URL=exchange.url, API_KEY=exchange.api_key, API_SECRET=exchange.api_secret)


def block(exchange, *paths):
    for path in paths:
        exchange.add_fault("geo_451", path=path, count=None)


def assert_klines(project, truth):
    project.assert_equals("klines", truth("klines", ["BTCUSDT", "ETHUSDT"], START, NOW, ["1m"]))


def test_a_market_of_the_defaults_that_is_blocked_is_a_line_of_the_summary(both, exchange, truth):
    block(exchange, "/fapi")
    done = both.run(*OPTIONS)
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("skipped: ")]
    assert line.startswith(f"skipped: {OF_UM}")
    assert BLOCKED in line
    assert "NOT COMPLETE" not in done.stdout
    assert_klines(both, truth)
    assert both.count("account_balances") > 0
    # The plan says the same.
    planned = both.run(*OPTIONS, "--plan")
    assert (planned.returncode, planned.stderr) == (0, "")
    assert planned.stdout.splitlines()[-1] == line
    # What was skipped is loaded by the first run that is served.
    exchange.clear_faults()
    both.load(*OPTIONS)
    assert both.count("mark_price_klines") == 2 * 60


def test_an_account_of_the_defaults_that_is_blocked_is_a_line_of_the_summary(both, exchange, truth):
    block(exchange, "/api/v3/account")
    done = both.run(*OPTIONS)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\nskipped: account_balances, account_trades of account: " in done.stdout
    assert BLOCKED in done.stdout
    assert_klines(both, truth)
    assert both.count("mark_price_klines") == 2 * 60


@pytest.mark.parametrize("named", [("--market", "spot,um"), ("--datasets", "klines,mark_price_klines")])
def test_a_market_that_somebody_named_is_a_failure(both, exchange, truth, named):
    block(exchange, "/fapi")
    done = both.run(*OPTIONS, *named)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert BLOCKED in done.stderr
    assert "skipped" not in done.stdout
    assert_klines(both, truth)


def test_a_venue_that_is_blocked_as_a_whole_is_a_failure_of_its_command(both, exchange):
    block(exchange, "/fapi", "/api")
    done = both.run(*OPTIONS)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 3
    assert all(line.startswith("error: ") and BLOCKED in line for line in done.stderr.splitlines())
    assert not both.database.exists()

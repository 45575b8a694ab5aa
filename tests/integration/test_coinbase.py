"""The Coinbase pipeline against the simulated exchange: what arrives, what later runs do, and what is refused."""

import re

import pyarrow as pa
import pytest
from forked import command, forked  # noqa: F401 - fixtures

NOW = "2025-02-11T12:00:30"
LATER = "2025-02-11T12:03:30"
CANDLES = ("--datasets", "coinbase_candles")
BTC = (*CANDLES, "--symbols", "BTC-USD")


@pytest.fixture
def coinbase(command, exchange):  # noqa: F811
    return command.use_venue("coinbase", exchange.coinbase_url)


def load(coinbase, *options, **settings):
    done = coinbase.run(*options, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def requests(exchange):
    """Requests for candles."""
    asked = exchange.stats()["requests_by_path"]
    return sum(count for path, count in asked.items() if path.endswith("/candles") and "coinbase" in path)


def test_all_candles_arrive_and_later_runs_load_what_is_new_or_earlier(coinbase, module_project, exchange, truth):
    symbols, intervals = ["BTC-USD", "TINY-USD", "SPARSE-USD"], ["1m", "1h"]
    options = ("--symbols", ",".join(symbols), "--intervals", ",".join(intervals))
    # Within it the whole exchange was down.
    outage = ("2025-02-05T13:30:00", "2025-02-05T16:00:00")
    load(coinbase, *options, "--start", outage[0], "--end", outage[1])
    load(coinbase, *options, "--start", "2025-02-11T11:00:00")

    def assert_complete(start, now):
        expected = [truth("coinbase_candles", symbols, *period, intervals) for period in (outage, (start, now))]
        module_project.assert_equals("coinbase_candles", pa.concat_tables(expected))

    assert_complete("2025-02-11T11:00:00", NOW)
    exchange.clock_advance(180)
    exchange.reset_stats()
    load(coinbase, *options)
    assert requests(exchange) < 20
    assert_complete("2025-02-11T11:00:00", LATER)
    load(coinbase, *options, "--start", "2025-02-11T08:30:00")
    assert_complete("2025-02-11T08:30:00", LATER)
    exchange.reset_stats()
    load(coinbase, *BTC, "--intervals", "1h", "--start", "2025-02-11T08:30:00")
    assert requests(exchange) == 0
    assert_products_are_there_once(module_project)


def assert_products_are_there_once(module_project):
    products = module_project.query(
        "select symbol, base_asset, quote_asset, status, is_trading_disabled from staging.coinbase_products "
        "where symbol in ('BTC-USD', 'GONE-USD') order by 1"
    )
    assert products == [("BTC-USD", "BTC", "USD", "online", False), ("GONE-USD", "GONE", "USD", "delisted", True)]


def test_the_time_before_a_product_began_and_after_it_ended_costs_a_few_requests(
    coinbase, module_project, exchange, truth
):
    symbols = ["LATE-USD", "GONE-USD"]
    options = (*CANDLES, "--symbols", ",".join(symbols), "--intervals", "1h", "--start", "2022-01-01")
    load(coinbase, *options)
    expected = truth("coinbase_candles", symbols, "2022-01-01", NOW, ["1h"])
    module_project.assert_equals("coinbase_candles", expected)
    # Of each product four windows of days, and three or five of hours, and today's; each of them is asked for twice at
    # most. The 27,000 hours since the start would be 182 windows.
    assert requests(exchange) <= 2 * (4 + 4 + 3 + 5 + 2)
    exchange.reset_stats()
    load(coinbase, *options)
    assert requests(exchange) <= 2


FAULTS = {
    "too many": {"kind": "rate_429", "retry_after": "", "seconds": 0.5},
    "short": {"kind": "short_page"},
    "empty": {"kind": "hidden_rows", "start": "2025-02-11", "end": "2025-02-12", "count": 1},
    "page before": {"kind": "duplicate_page", "after": 1, "count": 2},
}
USUAL_FAULTS = {
    "page for people": {"kind": "http_502_html", "count": 2},
    "cut off": {"kind": "truncated_json"},
    "reset": {"kind": "reset"},
    "broken": {"kind": "error_code", "status": 500, "code": 0, "msg": "Internal server error"},
}


@pytest.mark.parametrize(
    "names", [tuple(FAULTS), *(pytest.param((name,), marks=pytest.mark.soak) for name in (*FAULTS, *USUAL_FAULTS))]
)
def test_what_goes_wrong_once_is_asked_for_again(coinbase, module_project, exchange, truth, names):
    described = [{**FAULTS, **USUAL_FAULTS}[name] for name in names]
    for number, fault in enumerate(described):
        exchange.add_fault(path="/coinbase/products/*/candles", **{"after": 2 * number + 1, **fault})
    load(coinbase, *BTC, "--intervals", "1m,5m", "--start", "2025-02-11", connections=1)
    assert [one["hits"] for one in exchange.faults()] == [fault.get("count", 1) for fault in described]
    expected = truth("coinbase_candles", ["BTC-USD"], "2025-02-11", NOW, ["1m", "5m"])
    module_project.assert_equals("coinbase_candles", expected)


def test_a_product_that_cannot_be_completed_is_named_and_leaves_the_others_alone(coinbase, exchange, truth):
    refused = {"status": 400, "code": 0, "msg": "Unsupported granularity"}
    exchange.add_fault("error_code", path="/coinbase/products/*/candles", symbol="ETH-USD", count=None, **refused)
    done = coinbase.run(*CANDLES, "--symbols", "BTC-USD,ETH-USD", "--start", "2025-02-11T11:00:00")
    count = truth("coinbase_candles", ["BTC-USD"], "2025-02-11T11:00:00", NOW, ["1m"]).num_rows
    assert done.returncode == 1
    assert "NOT COMPLETE: coinbase_candles coinbase ETH-USD 1m: " in done.stdout
    assert "HTTP 400, code 0: Unsupported granularity" in done.stdout
    assert re.search(rf"^coinbase_candles +coinbase +BTC-USD +{count} ", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("kind", "said", "requests"),
    [
        ("geo_451", "does not serve this place, or this IP address (HTTP 451); ", 1),
        ("waf_403_html", "refuses this place or this IP address (HTTP 403); ", 2),
    ],
)
def test_a_place_that_is_not_served_is_said_so(coinbase, exchange, kind, said, requests):
    exchange.add_fault(kind, path="/coinbase", count=None)
    done = coinbase.run(*BTC)
    coinbase.assert_refused(done, 1, said, "run from elsewhere")
    assert not coinbase.database.exists()
    assert exchange.stats()["requests"] == requests


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--symbols", "BTCUSD"), "unknown symbol 'BTCUSD'; did you mean BTC-USD"),
        (("--symbols", "BTC-USD,BTC-EURO"), "unknown symbol 'BTC-EURO'; did you mean BTC-"),
        (("--intervals", "30m"), "unknown interval '30m'; there are 1m, 5m, 15m, 1h, 6h, 1d"),
        (("--datasets", "klines"), "unknown dataset 'klines'; there are coinbase_products, coinbase_candles"),
        (("--start", "2025-02-30"), "start '2025-02-30' is not a date"),
        (("--start", "2031-01-01"), "start is not before the exchange's present time"),
    ],
)
def test_a_wrong_request_is_refused(coinbase, exchange, options, said):
    coinbase.assert_refused(coinbase.run(*BTC, *options), 2, said)
    assert requests(exchange) == 0
    assert not coinbase.database.exists()


def test_a_wrong_name_that_is_configured_is_refused_with_its_place(coinbase):
    done = coinbase.run(symbols="BTCUSD")
    coinbase.assert_refused(done, 2, "unknown symbol 'BTCUSD'", "(set by the variable SOURCES__COINBASE__SYMBOLS)")


def test_a_plan_says_what_a_run_then_takes_and_loads_nothing(coinbase, exchange):
    options = (*BTC, "--start", "2025-02-11")
    planned = load(coinbase, *options, "--plan").stdout
    # 720 minutes in windows of 299.
    assert re.search(r"^coinbase_candles +coinbase BTC-USD 1m +3$", planned, re.MULTILINE)
    assert "in all 3 requests: about 0.0 minutes; nothing was loaded" in planned
    assert not coinbase.database.exists()
    exchange.reset_stats()
    load(coinbase, *options)
    assert requests(exchange) == 3

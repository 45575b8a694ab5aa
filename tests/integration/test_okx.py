"""The OKX pipeline against the simulated exchange: what arrives, what later runs do, and what is refused."""

import re

import pyarrow as pa
import pytest
from forked import command, forked  # noqa: F401 - fixtures

NOW = "2025-02-11T12:00:30"
LATER = "2025-02-11T12:03:30"
CANDLES = ("--datasets", "okx_candles")
FUNDING = ("--datasets", "okx_funding_rates")
BTC = (*CANDLES, "--symbols", "BTC-USDT")


@pytest.fixture
def okx(command, exchange):  # noqa: F811
    exchange.okx_settings(page_limit=400, refusal_status=429)
    return command.use_venue("okx", exchange.okx_url)


def load(okx, *options, **settings):
    done = okx.run(*options, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def requests(exchange):
    """Requests for candles and funding rates."""
    asked = exchange.stats()["requests_by_path"]
    return sum(count for path, count in asked.items() if "/okx/" in path and path.endswith(("candles", "history")))


def test_all_candles_arrive_and_later_runs_load_what_is_new_or_earlier(okx, module_project, exchange, truth):
    symbols, intervals = ["BTC-USDT", "BTC-USD-SWAP", "HALT-USDT"], ["1m", "4h"]
    options = ("--datasets", "okx_instruments,okx_candles", "--symbols", ",".join(symbols))
    options = (*options, "--intervals", ",".join(intervals))
    # Within it the whole exchange was down.
    outage = ("2025-01-20T01:30:00", "2025-01-20T06:00:00")
    load(okx, *options, "--start", outage[0], "--end", outage[1])
    load(okx, *options, "--start", "2025-02-11T11:00:00")

    def assert_complete(start, now):
        expected = [truth("okx_candles", symbols, *period, intervals) for period in (outage, (start, now))]
        module_project.assert_equals("okx_candles", pa.concat_tables(expected))

    assert_complete("2025-02-11T11:00:00", NOW)
    exchange.clock_advance(180)
    exchange.reset_stats()
    load(okx, *options)
    assert requests(exchange) == len(symbols)
    assert_complete("2025-02-11T11:00:00", LATER)
    load(okx, *options, "--start", "2025-02-11T03:30:00")
    assert_complete("2025-02-11T03:30:00", LATER)
    exchange.reset_stats()
    load(okx, *options, "--start", "2025-02-11T03:30:00")
    assert requests(exchange) == 0
    assert_instruments_are_there_once(module_project)


def test_every_interval_opens_on_days_of_utc(okx, module_project, truth):
    intervals = ["3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d", "2d", "3d", "1w", "1M"]
    fine, coarse = intervals[:5], intervals[5:]
    options = (*CANDLES, "--symbols", "ETH-USDT-SWAP", "--intervals")
    load(okx, *options, ",".join(fine), "--start", "2025-02-11")
    load(okx, *options, ",".join(coarse), "--start", "2025-01-27")
    expected = [truth("okx_candles", ["ETH-USDT-SWAP"], "2025-02-11", NOW, fine)]
    expected.append(truth("okx_candles", ["ETH-USDT-SWAP"], "2025-01-27", NOW, coarse))
    module_project.assert_equals("okx_candles", pa.concat_tables(expected))
    opened = "select distinct hour(open_time) from staging.okx_candles where \"interval\" in ('1d', '2d', '3d', '1w')"
    assert module_project.query(opened) == [(0,)]


def test_pages_may_hold_a_hundred_rows_as_they_did_for_years(okx, module_project, exchange, truth):
    exchange.okx_settings(page_limit=100)
    options = ("--symbols", "BTC-USDT-SWAP", "--intervals", "5m", "--start", "2025-02-09T06:00:00")
    load(okx, *options, "--datasets", "okx_candles,okx_funding_rates")
    expected = truth("okx_candles", ["BTC-USDT-SWAP"], "2025-02-09T06:00:00", NOW, ["5m"])
    assert expected.num_rows > 600
    module_project.assert_equals("okx_candles", expected)


def test_months_of_years_arrive_though_the_listing_is_later(okx, module_project, truth):
    load(okx, *BTC, "--intervals", "1w,1M", "--start", "2023-01-01")
    module_project.assert_equals("okx_candles", truth("okx_candles", ["BTC-USDT"], "2023-01-01", NOW, ["1w", "1M"]))


def assert_instruments_are_there_once(module_project):
    instruments = module_project.query(
        "select instrument_type, symbol, base_asset, quote_asset, settle_asset, underlying, contract_value_asset, "
        "contract_value::varchar, state, list_time is null from staging.okx_instruments "
        "where symbol in ('HALT-USDT', 'BTC-USD-SWAP') order by 1"
    )
    assert instruments == [
        ("SPOT", "HALT-USDT", "HALT", "USDT", None, None, None, None, "suspend", False),
        ("SWAP", "BTC-USD-SWAP", None, None, "BTC", "BTC-USD", "USD", "100.000000000000000000", "live", False),
    ]


def test_funding_rates_arrive_once_and_what_is_too_old_is_said_so(okx, module_project, exchange, truth):
    symbols = ["BTC-USDT-SWAP", "ETH-USDT-SWAP"]
    options = (*FUNDING, "--symbols", ",".join((*symbols, "BTC-USDT")))
    load(okx, *options, "--start", "2025-02-08")
    module_project.assert_equals("okx_funding_rates", truth("okx_funding_rates", symbols, "2025-02-08", NOW))
    exchange.clock_advance(4 * 3600)
    load(okx, *options)
    later = "2025-02-11T16:00:30"
    module_project.assert_equals("okx_funding_rates", truth("okx_funding_rates", symbols, "2025-02-08", later))
    # 90 days back, less an hour.
    done = okx.run(*options, "--start", "2024-11-01")
    assert done.returncode == 1
    gone = "2024-11-01 00:00 to 2024-11-13 17:00 lies further back than OKX gives, which keeps three months of funding"
    for symbol in symbols:
        assert f"NOT COMPLETE: okx_funding_rates okx {symbol}: {gone}" in done.stdout
    expected = truth("okx_funding_rates", symbols, "2024-11-13T17:00:30", later)
    module_project.assert_equals("okx_funding_rates", expected)
    exchange.reset_stats()
    load(okx, *options)
    assert requests(exchange) <= 2 * len(symbols)
    module_project.assert_equals("okx_funding_rates", expected)


FAULTS = {
    "too many with status 200": {"kind": "error_code", "status": 200, "code": 50011, "msg": "Too Many Requests"},
    "busy with status 200": {"kind": "error_code", "status": 200, "code": 50013, "msg": "Systems are busy"},
    "short": {"kind": "short_page"},
    "empty": {"kind": "hidden_rows", "start": "2025-02-11", "end": "2025-02-12", "count": 1},
    "begins late": {"kind": "hidden_rows", "start": "2025-02-11T04:00", "end": "2025-02-11T05:00", "count": 1},
    "page before": {"kind": "duplicate_page", "after": 1, "count": 2},
}
USUAL_FAULTS = {
    "page for people": {"kind": "http_502_html", "count": 2},
    "too many": {"kind": "rate_429", "retry_after": "", "seconds": 0.5},
    "unavailable": {"kind": "error_code", "status": 503, "code": 50001, "msg": "Service temporarily unavailable"},
    "cut off": {"kind": "truncated_json"},
    "reset": {"kind": "reset"},
}


@pytest.mark.parametrize(
    "names", [tuple(FAULTS), *(pytest.param((name,), marks=pytest.mark.soak) for name in (*FAULTS, *USUAL_FAULTS))]
)
def test_what_goes_wrong_once_is_asked_for_again(okx, module_project, exchange, truth, names):
    described = [{**FAULTS, **USUAL_FAULTS}[name] for name in names]
    for number, fault in enumerate(described):
        exchange.add_fault(path="/okx/api/v5/market/history-candles", **{"after": 2 * number, **fault})
    load(okx, *BTC, "--intervals", "1m,5m", "--start", "2025-02-10", connections=1)
    assert [one["hits"] for one in exchange.faults()] == [fault.get("count", 1) for fault in described]
    expected = truth("okx_candles", ["BTC-USDT"], "2025-02-10", NOW, ["1m", "5m"])
    module_project.assert_equals("okx_candles", expected)


def test_the_newest_candles_that_the_history_does_not_have_yet_are_asked_for_elsewhere(
    okx, module_project, exchange, truth
):
    path = "/okx/api/v5/market/history-candles"
    exchange.add_fault("hidden_rows", path=path, start="2025-02-11T11:30", end="2025-02-11T12:00", count=None)
    load(okx, *BTC, "--start", "2025-02-11T11:00:00")
    module_project.assert_equals("okx_candles", truth("okx_candles", ["BTC-USDT"], "2025-02-11T11:00:00", NOW, ["1m"]))


def test_funding_rates_that_are_missing_once_are_asked_for_again(okx, module_project, exchange, truth):
    path = "/okx/api/v5/public/funding-rate-history"
    exchange.add_fault("hidden_rows", path=path, start="2025-01-01", end="2025-02-12", count=1)
    exchange.add_fault("short_page", path=path, after=1)
    load(okx, *FUNDING, "--symbols", "ETH-USDT-SWAP", "--start", "2025-02-08")
    expected = truth("okx_funding_rates", ["ETH-USDT-SWAP"], "2025-02-08", NOW)
    module_project.assert_equals("okx_funding_rates", expected)


NOT_SERVED = "does not serve this place, or this IP address (HTTP "


@pytest.mark.parametrize(
    ("fault", "said", "requests"),
    [
        ({"kind": "error_code", "status": 200, "code": 50121, "msg": "Not available in your region"}, NOT_SERVED, 1),
        ({"kind": "geo_451"}, NOT_SERVED, 1),
        ({"kind": "waf_403_html"}, "refuses this place or this IP address (HTTP 403); ", 2),
    ],
    ids=["error_code", "geo_451", "waf_403_html"],
)
def test_a_place_that_is_not_served_is_said_so_with_the_hosts_of_other_regions(okx, exchange, fault, said, requests):
    exchange.add_fault(path="/okx", count=None, **fault)
    done = okx.run(*BTC)
    okx.assert_refused(done, 1, said, "set sources.okx.base_url", "https://my.okx.com", "https://openapi.okx.com")
    assert not okx.database.exists()
    assert exchange.stats()["requests"] == requests


def test_an_instrument_that_ends_meanwhile_is_named_and_leaves_the_others_alone(okx, exchange):
    gone = {"status": 200, "code": 51001, "msg": "Instrument ID doesn't exist"}
    exchange.add_fault("error_code", path="/okx/api/v5/market", symbol="ETH-USDT", count=None, **gone)
    done = okx.run(*CANDLES, "--symbols", "BTC-USDT,ETH-USDT", "--start", "2025-02-11T11:00:00")
    assert done.returncode == 1
    assert "NOT COMPLETE: okx_candles okx ETH-USDT 1m: " in done.stdout
    assert "HTTP 200, code 51001: Instrument ID doesn't exist" in done.stdout
    assert re.search(r"^okx_candles +okx +BTC-USDT +60 ", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--symbols", "BTCUSDT"), "unknown symbol 'BTCUSDT'; did you mean BTC-USDT"),
        (("--symbols", "GONE-USDT"), "unknown symbol 'GONE-USDT'; did you mean "),
        (("--intervals", "1H"), "unknown interval '1H'; did you mean 1h"),
        (("--intervals", "8h"), "unknown interval '8h'; did you mean "),
        (("--datasets", "klines"), "unknown dataset 'klines'; "),
        (("--start", "2031-01-01"), "start is not before the exchange's present time"),
    ],
)
def test_a_wrong_request_is_refused(okx, exchange, options, said):
    okx.assert_refused(okx.run(*BTC, *options), 2, said)
    assert requests(exchange) == 0
    assert not okx.database.exists()


def test_a_plan_says_what_a_run_then_takes_and_what_cannot_be_had(okx, exchange):
    options = ("--symbols", "BTC-USDT-SWAP", "--datasets", "okx_candles,okx_funding_rates")
    planned = load(okx, *options, "--start", "2025-02-11", "--plan").stdout
    # 720 minutes in windows of 300.
    assert re.search(r"^okx_candles +okx BTC-USDT-SWAP 1m +3$", planned, re.MULTILINE)
    assert "in all 4 requests: about 0.0 minutes; nothing was loaded" in planned
    done = okx.run("--symbols", "BTC-USDT-SWAP", *FUNDING, "--start", "2024-11-01", "--plan")
    assert done.returncode == 1
    assert "NOT COMPLETE: okx_funding_rates okx BTC-USDT-SWAP: 2024-11-01 00:00 to " in done.stdout
    assert not okx.database.exists()

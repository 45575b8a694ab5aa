"""The limits of futures, each with a window of its own, faults on their paths, and states that the clock decides."""

import pytest

HOUR = 3_600_000


@pytest.fixture(scope="module")
def limited(start_for_module):
    """A simulator with small limits, ten seconds into five minutes, the day after GONEUSDT ended."""
    return start_for_module(
        market="tests",
        clock="2025-01-21T00:00:10",
        um_weight_limit=400,
        funding_limit=4,
        futures_data_limit=3,
        ban_after=50,
    )


@pytest.fixture(autouse=True)
def _anew(limited):
    limited.simulator.clock_set(1737417610000)
    limited.simulator.clear_faults()
    limited.simulator.reset_limits()
    limited.simulator.reset_stats()


def ask(client, path, **params):
    return client.session.get(f"{client.simulator.url}/{path}", params=params, timeout=30)


def counted(client, name):
    entry = client.simulator.stats()["limits"][name]
    return entry["max_in_window"], entry["total"], entry["refused"]


@pytest.mark.parametrize("path", ["fapi/v1/klines", "fapi/v1/markPriceKlines"])
def test_klines_weigh_what_the_limit_says_that_was_sent(limited, path):
    weights = []
    for limit in (1, 99, 100, 499, 500, None, 1000, 1001, 1500):
        answer = ask(limited, path, symbol="BTCUSDT", interval="1m", startTime=0, limit=limit)
        used = int(answer.headers["X-MBX-USED-WEIGHT-1M"])
        weights.append(used - sum(weights))
    assert weights == [1, 1, 2, 2, 5, 5, 5, 10, 10]


@pytest.mark.parametrize(
    ("path", "params", "weight"),
    [
        ("fapi/v1/ping", {}, 1),
        ("fapi/v1/exchangeInfo", {}, 1),
        ("fapi/v1/aggTrades", {"symbol": "BTCUSDT"}, 20),
        ("fapi/v1/premiumIndex", {"symbol": "BTCUSDT"}, 1),
        ("fapi/v1/premiumIndex", {}, 10),
        ("fapi/v1/openInterest", {"symbol": "BTCUSDT"}, 1),
        ("fapi/v1/ticker/24hr", {"symbol": "BTCUSDT"}, 1),
        ("fapi/v1/ticker/24hr", {}, 40),
        ("fapi/v1/fundingRate", {"symbol": "BTCUSDT"}, 0),
        ("futures/data/openInterestHist", {"symbol": "BTCUSDT", "period": "5m"}, 0),
    ],
)
def test_weights(limited, path, params, weight):
    assert ask(limited, path, **params).headers["X-MBX-USED-WEIGHT-1M"] == str(weight)
    assert limited.simulator.stats()["weight"] == 0


def test_the_weight_of_futures_is_not_that_of_spot(limited):
    answers = [ask(limited, "fapi/v1/ticker/24hr") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    refused = answers[-1]
    assert refused.json()["code"] == -1003
    assert 0 < int(refused.headers["Retry-After"]) <= 50
    assert limited.ask("ping").status_code == 200
    assert counted(limited, "um weight") == (440, 440, 1)
    assert counted(limited, "spot weight") == (1, 1, 0)
    assert limited.simulator.stats()["max_window_weight"] == 1
    limited.simulator.clock_set(1737417660000)
    assert ask(limited, "fapi/v1/ping").headers["X-MBX-USED-WEIGHT-1M"] == "1"


def test_funding_has_a_limit_of_five_minutes_of_its_own(limited):
    asked = ["fundingRate", "fundingInfo", "fundingRate", "fundingInfo", "fundingRate"]
    answers = [ask(limited, f"fapi/v1/{path}") for path in asked]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429]
    assert 285 <= int(answers[-1].headers["Retry-After"]) <= 290
    assert ask(limited, "fapi/v1/klines", symbol="BTCUSDT", interval="1m").status_code == 200
    assert ask(limited, "futures/data/openInterestHist", symbol="BTCUSDT", period="5m").status_code == 200
    assert counted(limited, "funding") == (5, 5, 1)
    limited.simulator.clock_set(1737417900000)
    assert ask(limited, "fapi/v1/fundingInfo").status_code == 200


def test_futures_data_has_a_limit_of_its_own(limited):
    answers = [ask(limited, "futures/data/openInterestHist", symbol="BTCUSDT", period="5m") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200] * 3 + [429]
    assert counted(limited, "futures_data") == (4, 4, 1)
    assert counted(limited, "um weight") == (0, 0, 0)
    assert limited.simulator.stats()["requests_while_told_to_wait"] == 0


def test_others_can_use_up_any_limit(limited):
    limited.simulator.other_client_usage(4, "funding")
    assert ask(limited, "fapi/v1/fundingInfo").status_code == 429
    limited.simulator.other_client_usage(100, "um weight")
    assert ask(limited, "fapi/v1/ping").headers["X-MBX-USED-WEIGHT-1M"] == "101"
    assert counted(limited, "um weight") == (101, 1, 0)
    with pytest.raises(ValueError, match="limit 'nothing' is not one of spot requests, spot weight"):
        limited.simulator.other_client_usage(1, "nothing")


def test_limits_are_not_kept_where_nobody_asked_for_it(nasty):
    answer = ask(nasty, "fapi/v1/exchangeInfo")
    assert [row["limit"] for row in answer.json()["rateLimits"]] == [10**9, 1200, 300]


def test_rate_limits_of_exchange_info_are_those_in_force(limited):
    rows = ask(limited, "fapi/v1/exchangeInfo").json()["rateLimits"]
    assert rows[0] == {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 400}


def test_faults_strike_by_the_path_of_the_venue(limited):
    limited.simulator.add_fault("http_503_html", path="/fapi/v1/klines")
    limited.simulator.add_fault("geo_451", path="/futures")
    assert limited.ask("klines", symbol="BTCUSDT", interval="1m").status_code == 200
    assert ask(limited, "fapi/v1/klines", symbol="BTCUSDT", interval="1m").status_code == 503
    assert ask(limited, "fapi/v1/klines", symbol="BTCUSDT", interval="1m").status_code == 200
    assert ask(limited, "futures/data/openInterestHist", symbol="BTCUSDT", period="5m").status_code == 451


def test_a_ban_is_of_the_whole_venue_and_of_no_other(limited):
    limited.simulator.add_fault("ban_418", path="/fapi/v1/fundingInfo", seconds=60)
    assert ask(limited, "fapi/v1/fundingInfo").status_code == 418
    assert ask(limited, "fapi/v1/ping").status_code == 418
    assert limited.ask("ping").status_code == 200


def test_rows_of_every_kind_can_be_hidden(limited):
    start, end = 1737406800000, 1737410400000  # 2025-01-20 21:00 to 22:00
    before = ask(limited, "fapi/v1/klines", symbol="BTCUSDT", interval="5m", startTime=start, limit=20).json()
    limited.simulator.add_fault("hidden_rows", path="/fapi/v1", start=start, end=end)
    limited.simulator.add_fault("hidden_rows", path="/futures/data", start=start, end=end)
    for path in ("klines", "markPriceKlines"):
        rows = ask(limited, f"fapi/v1/{path}", symbol="BTCUSDT", interval="5m", startTime=start, limit=20).json()
        assert (rows[0][0], len(rows)) == (end, 20)
    assert [row[0] for row in before[:12]] == list(range(start, end, 300_000))
    rows = ask(
        limited, "futures/data/openInterestHist", symbol="BTCUSDT", period="5m", startTime=start, limit=20
    ).json()
    assert (rows[0]["timestamp"], len(rows)) == (end, 20)
    limited.simulator.add_fault("hidden_rows", path="/fapi/v1/fundingRate", start=0, end=1737417600000)
    rows = ask(limited, "fapi/v1/fundingRate", symbol="ETHUSDT", startTime=0).json()
    assert [row["fundingTime"] // 1000 for row in rows] == [1737417600]


def test_a_contract_settles_for_three_days_and_is_closed_then(limited):
    def status():
        listed = ask(limited, "fapi/v1/exchangeInfo").json()["symbols"]
        return next(row["status"] for row in listed if row["symbol"] == "GONEUSDT")

    assert status() == "SETTLING"
    limited.simulator.clock_set(1737341999000)  # 2025-01-20 02:59:59
    assert status() == "TRADING"
    limited.simulator.clock_set(1737601200000)  # 2025-01-23 03:00
    assert status() == "CLOSE"


def test_a_quarters_contract_is_the_next_and_then_the_current_one(limited):
    def contract_type(moment):
        limited.simulator.clock_set(moment)
        listed = ask(limited, "fapi/v1/exchangeInfo").json()["symbols"]
        return next(row["contractType"] for row in listed if row["symbol"] == "BTCUSDT_250328")

    delivery = 1743148800000
    assert contract_type(delivery - 92 * 24 * HOUR) == "NEXT_QUARTER"
    assert contract_type(delivery - 91 * 24 * HOUR) == "CURRENT_QUARTER"

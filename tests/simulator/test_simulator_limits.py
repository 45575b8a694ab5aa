"""Weight windows, 429 with Retry-After, 418, usage by others, and what is counted."""

import time
from concurrent.futures import ThreadPoolExecutor

SAFE_SECOND = "2025-01-01T00:00:10"


def test_over_the_limit_is_429_with_seconds_to_the_end_of_the_minute(start):
    client = start(market="tests", clock=SAFE_SECOND, weight_limit=40)
    assert client.ask("exchangeInfo").headers["X-MBX-USED-WEIGHT-1M"] == "20"
    assert client.ask("exchangeInfo").status_code == 200
    refused = client.ask("ping")
    assert refused.status_code == 429
    assert refused.json()["code"] == -1003
    now = client.simulator.clock_now() / 1_000_000
    assert 0 <= int(refused.headers["Retry-After"]) - (60 - now % 60) < 2
    stats = client.simulator.stats()
    assert (stats["responses_429"], stats["weight"], stats["max_window_weight"]) == (1, 41, 41)


def test_the_window_is_a_minute_of_the_exchanges_clock(start):
    client = start(market="tests", clock="2025-01-01T00:00:50", weight_limit=10)
    client.ask("klines", symbol="BTCUSDT", interval="1m")
    client.simulator.clock_set(1735689660000)
    fresh = client.ask("ping")
    assert fresh.headers["X-MBX-USED-WEIGHT-1M"] == "1"
    windows = client.simulator.stats()["weight_by_window"]
    assert windows == {"1735689600000": 2, "1735689660000": 1}


def test_a_frozen_clock_leaves_the_windows_to_the_hosts_clock(start):
    client = start(market="tests", clock=SAFE_SECOND, clock_mode="frozen", weight_limit=1)
    assert client.ask("ping").status_code == 200
    refused = [answer for answer in (client.ask("ping") for _ in range(2)) if answer.status_code == 429]
    assert refused
    remaining = 60 - time.time() % 60
    assert (int(refused[-1].headers["Retry-After"]) - remaining) % 60 < 2
    assert client.simulator.clock_now() == 1735689610000000


def test_going_on_through_429_brings_a_ban_that_grows(start):
    client = start(market="tests", clock=SAFE_SECOND, weight_limit=1, ban_seconds=2)
    assert client.ask("ping").status_code == 200
    assert client.ask("ping").status_code == 429
    time.sleep(0.15)
    assert [client.ask("ping").status_code for _ in range(5)] == [429] * 5
    banned = client.ask("ping")
    assert banned.status_code == 418
    assert banned.headers["Retry-After"] == "2"
    assert banned.json()["code"] == -1003
    until = int(banned.json()["msg"].split("banned until ")[1].split(".")[0])
    assert 0 < until - client.simulator.clock_now() // 1000 <= 2000
    assert client.ask("time").status_code == 418
    stats = client.simulator.stats()
    assert stats["responses_418"] == 2
    assert stats["requests_while_told_to_wait"] >= 6
    time.sleep(2.1)
    assert client.ask("ping").status_code == 429
    time.sleep(0.15)
    codes = [client.ask("ping") for _ in range(7)]
    assert codes[-1].status_code == 418
    assert codes[-1].headers["Retry-After"] == "4"


def test_a_client_that_waits_is_never_counted_as_disobedient(start):
    client = start(market="tests", clock="2025-01-01T00:00:57", weight_limit=1)
    client.ask("ping")
    refused = client.ask("ping")
    assert refused.status_code == 429
    time.sleep(int(refused.headers["Retry-After"]))
    assert client.ask("ping").status_code == 200
    assert client.simulator.stats()["requests_while_told_to_wait"] == 0


def test_other_programs_on_the_address_share_the_limit(start):
    client = start(market="tests", clock=SAFE_SECOND, weight_limit=100)
    client.simulator.other_client_usage(95)
    assert client.ask("klines", symbol="BTCUSDT", interval="1m").headers["X-MBX-USED-WEIGHT-1M"] == "97"
    assert client.ask("aggTrades", symbol="BTCUSDT").status_code == 429
    assert client.simulator.stats()["weight"] == 6
    client.simulator.reset_limits()
    assert client.ask("aggTrades", symbol="BTCUSDT").headers["X-MBX-USED-WEIGHT-1M"] == "4"


def test_without_limits_everything_is_counted_and_nothing_refused(start):
    client = start(market="tests", clock=SAFE_SECOND, weight_limit=1, no_limits=True)
    used = [int(client.ask("exchangeInfo").headers["X-MBX-USED-WEIGHT-1M"]) for _ in range(4)]
    assert used == [20, 40, 60, 80]
    limits = {row["rateLimitType"]: row["limit"] for row in client.get("exchangeInfo")["rateLimits"]}
    assert limits["REQUEST_WEIGHT"] >= 10**9


def test_exchange_info_shows_the_limit_in_force(start):
    client = start(market="tests", clock=SAFE_SECOND, weight_limit=1200)
    rows = client.get("exchangeInfo")["rateLimits"]
    assert {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 1200} in rows
    assert {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 300000} in rows


def test_requests_are_counted_by_path_symbol_status_and_concurrency(start):
    client = start(market="tests", clock=SAFE_SECOND, latency_ms=300)
    client.ask("klines", symbol="BTCUSDT", interval="1m")
    client.ask("klines", symbol="ETHUSDT", interval="9m")
    client.ask("nothing")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: client.ask("ping"), range(4)))
    stats = client.simulator.stats()
    assert stats["requests"] == 7
    assert stats["requests_by_path"] == {"/api/v3/klines": 2, "/api/v3/nothing": 1, "/api/v3/ping": 4}
    assert stats["requests_by_symbol"] == {"BTCUSDT": 1, "ETHUSDT": 1}
    assert stats["status_counts"] == {"200": 5, "400": 1, "404": 1}
    assert stats["weight"] == 8
    assert stats["max_concurrency"] == 4
    assert stats["connections"] >= 4
    client.simulator.reset_stats()
    assert client.simulator.stats()["requests"] == 0

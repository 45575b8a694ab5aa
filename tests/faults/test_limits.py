"""The exchange's own count says whether the run was polite."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from simulating import warm_simulator

KLINES = ("--datasets", "klines", "--symbols", "BTCUSDT,ETHUSDT", "--start", "2025-01-10")
BEGIN = datetime(2025, 2, 11, 12, 0, 55)  # noqa: DTZ001 - UTC


@pytest.mark.parametrize(("connections", "limit"), [pytest.param(2, 200, marks=pytest.mark.soak), (8, 400)])
def test_a_run_leaves_to_others_what_they_use_of_the_limit_and_keeps_to_its_connections(project, connections, limit):
    with warm_simulator(market="tests", clock=BEGIN, weight_limit=limit, latency_ms=10) as exchange:
        process = project.use(exchange).start(*KLINES, connections=connections)
        with ThreadPoolExecutor(1) as pool:
            ended = pool.submit(process.communicate, timeout=180)
            # The minute is to end five seconds after the first request, however long the command takes to start.
            while not exchange.stats()["requests"]:
                exchange.clock_set(BEGIN)
                time.sleep(0.02)
            exchange.other_client_usage(limit // 4)
            for _ in range(limit // 4):
                exchange.other_client_usage(1)
                time.sleep(0.02)
            out, error = ended.result()
        stats = exchange.stats()
    assert process.returncode == 0, out + error
    assert stats["responses_429"] == stats["requests_while_told_to_wait"] == 0
    assert limit // 2 < stats["max_window_weight"] <= limit
    assert connections / 2 < stats["max_api_concurrency"] <= connections


def test_a_plan_says_what_a_run_then_takes_and_loads_nothing(project, exchange):
    options = ("--datasets", "klines,trades", "--symbols", "BTCUSDT", "--start", "2025-02-10")
    planned = project.use(exchange).load(*options, "--plan").stdout
    assert not project.database.exists()
    # 2,160 minutes since the start are 3 pages; the newest open time is asked for as well, which the plan counts not.
    assert re.search(r"^klines +spot BTCUSDT 1m +0 +0\.0 +3 +6$", planned, re.MULTILINE)
    pages = int(re.search(r"^trades +spot BTCUSDT +0 +0\.0 +(\d+)", planned, re.MULTILINE)[1])
    exchange.reset_stats()
    project.load(*options)
    asked = exchange.stats()["requests_by_path"]
    assert asked["/api/v3/klines"] == 3 + 1
    assert asked["/api/v3/historicalTrades"] == pages == -(-project.count("trades") // 1_000)

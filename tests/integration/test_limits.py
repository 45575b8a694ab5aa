"""The exchange's own count says whether the run was polite."""

import re

from exchange_simulator import running_simulator

KLINES = ("--datasets", "klines", "--symbols", "BTCUSDT,ETHUSDT,SOLUSDT", "--start", "2024-12-01")


def test_the_weight_limit_of_exchange_info_is_kept_to_and_no_request_is_refused(project):
    with running_simulator(market="tests", clock="2025-02-11T12:00:50", weight_limit=120) as exchange:
        options = (*KLINES[:4], "--start", "2025-01-20")
        project.use(exchange).load(*options, connections=8)
        stats = exchange.stats()
    assert stats["responses_429"] == 0
    assert 60 < stats["max_window_weight"] <= 120


def test_the_weight_that_another_program_uses_is_left_to_it(project):
    with running_simulator(market="tests", clock="2025-02-11T12:00:50", weight_limit=400) as exchange:
        exchange.other_client_usage(250)
        project.use(exchange).load(*KLINES[:4], "--start", "2025-01-10", connections=8)
        stats = exchange.stats()
    assert stats["responses_429"] == 0
    assert 350 < stats["max_window_weight"] <= 400


def test_no_request_is_sent_while_told_to_wait(project, exchange):
    exchange.add_fault("rate_429", path="/api/v3/klines", after=5, count=1, retry_after=2)
    project.use(exchange).load(*KLINES[:4], "--start", "2025-01-20", connections=1)
    stats = exchange.stats()
    assert stats["responses_429"] == 1
    assert stats["requests_while_told_to_wait"] == 0


def test_there_are_never_more_connections_than_configured(project):
    with running_simulator(market="tests", clock="2025-02-11T12:00:30", no_limits=True, latency_ms=50) as exchange:
        project.use(exchange).load(*KLINES[:4], "--start", "2025-01-20", connections=5)
        assert 3 <= exchange.stats()["max_concurrency"] <= 5


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

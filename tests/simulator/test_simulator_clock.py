"""The exchange's clock, at the start and moved while it runs."""

import time
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime


def server_time(client):
    return client.get("time")["serverTime"]


def test_it_is_the_hosts_time_unless_told_otherwise(start):
    client = start()
    assert abs(server_time(client) - time.time() * 1000) < 5000


def test_a_running_clock_runs_and_a_frozen_one_does_not(start):
    client = start(market="tests", clock="2025-01-01T00:00:00Z")
    first = server_time(client)
    time.sleep(0.05)
    assert first + 50 <= server_time(client) < first + 5000
    client.simulator.clock_mode("frozen")
    assert server_time(client) == server_time(client)
    client.simulator.clock_mode("running")
    first = server_time(client)
    time.sleep(0.05)
    assert server_time(client) >= first + 50


def test_it_can_be_set_and_moved(start):
    client = start(market="tests", clock="2025-01-01T02:00:00+02:00", clock_mode="frozen")
    assert server_time(client) == 1735689600000
    client.simulator.clock_advance(61.5)
    assert server_time(client) == 1735689661500
    client.simulator.clock_set(1735700000123)
    assert server_time(client) == 1735700000123
    client.simulator.clock_set(datetime(2025, 2, 1, tzinfo=timezone(timedelta(hours=1))))
    assert client.get("time", {"X-MBX-TIME-UNIT": "MICROSECOND"})["serverTime"] == 1738364400000000
    answer = client.ask("ping")
    assert parsedate_to_datetime(answer.headers["Date"]) == datetime(2025, 1, 31, 23, tzinfo=timezone.utc)


def test_moving_it_makes_new_klines_and_closes_the_open_one(start):
    client = start(market="tests", clock="2025-01-01T00:10:30", clock_mode="frozen")
    opened = 1735690200000
    first = client.get("klines", symbol="BTCUSDT", interval="1m", limit=1)[0]
    assert first[0] == opened
    client.simulator.clock_set(opened + 60_000)
    closed = client.get("klines", symbol="BTCUSDT", interval="1m", limit=1)[0]
    assert closed[0] == opened
    assert closed[8] > first[8]
    client.simulator.clock_advance(120)
    page = client.get("klines", symbol="BTCUSDT", interval="1m", startTime=opened)
    assert page[0] == closed
    assert [row[0] for row in page] == [opened, opened + 60_000, opened + 120_000]
    truth = client.simulator.truth("klines", "BTCUSDT", "1m", opened)
    assert truth.num_rows == 3


def test_a_symbol_appears_with_its_listing(start):
    client = start(market="tests", clock="2025-01-10T08:16:59", clock_mode="frozen")
    assert client.ask("klines", symbol="LATEUSDT", interval="1m").json()["code"] == -1121
    assert "LATEUSDT" not in [symbol["symbol"] for symbol in client.get("exchangeInfo")["symbols"]]
    client.simulator.clock_advance(1)
    assert client.get("klines", symbol="LATEUSDT", interval="1m") == []
    client.simulator.clock_advance(0.001)
    assert client.get("klines", symbol="LATEUSDT", interval="1m")[0][8] >= 1


def test_the_far_future_works(start):
    client = start(market="tests", clock="2094-05-05T05:05:05", clock_mode="frozen")
    page = client.get("klines", symbol="SPARSEUSDT", interval="1m", limit=2)
    assert page[-1][0] == 3923874300000
    trade = client.get("trades", symbol="SPARSEUSDT", limit=1)[0]
    assert client.get("historicalTrades", symbol="SPARSEUSDT", fromId=trade["id"], limit=2) == [trade]


def test_a_wrong_setting_is_refused_with_one_line(start):
    client = start(market="tests")
    for body in ({"mode": "sideways"}, {"now": "noon"}, {"now_ms": "x"}, {"later": 1}, {"now_ms": 1, "now_us": 1}, []):
        answer = client.session.post(f"{client.simulator.url}/simulator/clock", json=body)
        assert answer.status_code == 400
        assert "\n" not in answer.json()["error"]

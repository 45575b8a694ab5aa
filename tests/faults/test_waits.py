"""The client alone against the exchange: it never goes above a limit, and never asks while it is told to wait."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from email.utils import formatdate

import pytest
from simulating import warm_simulator

from binance_source.archive.host import ArchiveHost
from binance_source.rest.client import RestClient
from binance_source.settings import BinanceConfiguration
from exchange_engine.http.budget import WeightBudget
from exchange_engine.http.errors import BannedError, RunError, SourceError
from exchange_engine.http.waits import LONGEST_SECONDS, seconds_to_wait

KLINE_WEIGHT = 2
DATE = "Tue, 11 Feb 2025 12:00:00 GMT"
# An exchange each. `used` is what another program has used before, `grows` what it uses on the way, in all.
LIMITED = {
    "one connection": {"limit": 60, "connections": 1},
    "five connections": {"limit": 100, "connections": 5},
    "sixteen connections": {"limit": 160, "connections": 16},
    "half is used by another": {"limit": 100, "connections": 5, "used": 50},
    "another uses half meanwhile": {"limit": 200, "connections": 4, "grows": 100},
    "no weight header": {"limit": 100, "connections": 5, "fault": "missing_weight_header"},
    "too low a weight header": {"limit": 100, "connections": 5, "fault": "low_weight_header"},
}


@contextmanager
def client_of(exchange, **settings):
    """A client of an exchange that has read its clock and limit, as a run does first."""
    configuration = BinanceConfiguration()
    configuration.market_data_url = configuration.archive_url = exchange.url
    configuration.archive_listing_url = exchange.archive_listing_url
    configuration.backoff_seconds = 0.01
    for name, value in settings.items():
        setattr(configuration, name, value)
    client = RestClient(configuration)
    try:
        client.server_time_ms()
        yield client
    finally:
        client.close()


def ask(client, limit=1):
    return client.get("klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": limit}, len)


def worked(limit, connections, used=0, grows=0, fault=None):
    """Ask for as much as takes two minutes of the exchange's, of which the first is all but over; return its counts."""
    with warm_simulator(market="tests", clock="2025-02-11T12:00:53", weight_limit=limit, latency_ms=20) as exchange:
        exchange.other_client_usage(used)
        if fault is not None:
            exchange.add_fault(fault, count=None)
        with client_of(exchange, connections=connections) as client, ThreadPoolExecutor(connections + 4) as pool:
            client.budget.set_limit(limit)
            asked = [pool.submit(ask, client) for _ in range((limit * 4 // 3 - used) // KLINE_WEIGHT)]
            for _ in range(grows):
                time.sleep(0.02)
                exchange.other_client_usage(1)
            for one in asked:
                one.result()
        return exchange.stats()


@pytest.fixture(scope="module")
def counts():
    """What each of the limited exchanges counted; all at once, since most of it is waiting."""
    with ThreadPoolExecutor(len(LIMITED)) as pool:
        running = {name: pool.submit(worked, **case) for name, case in LIMITED.items()}
        return {name: one.result() for name, one in running.items()}


@pytest.mark.parametrize("name", LIMITED)
def test_no_request_goes_above_the_weight_limit_or_the_connections(counts, name):
    stats, limit, connections = counts[name], LIMITED[name]["limit"], LIMITED[name]["connections"]
    assert limit * 0.6 < stats["max_window_weight"] <= limit
    assert stats["responses_429"] == stats["requests_while_told_to_wait"] == 0
    assert len(stats["weight_by_window"]) == 2
    assert stats["max_api_concurrency"] <= connections
    assert stats["max_api_concurrency"] > connections / 2


@pytest.fixture(scope="module")
def shared():
    with warm_simulator(market="tests", clock="2025-02-11T12:00:00") as made:
        yield made


@pytest.fixture
def exchange(shared):
    """An exchange whose minute is over in two seconds."""
    shared.clear_faults()
    shared.reset_limits()
    shared.reset_stats()
    shared.clock_set(datetime(2025, 2, 11, 12, 0, 58))  # noqa: DTZ001 - UTC
    return shared


def in_two_seconds(exchange):
    return formatdate(exchange.clock_now() / 1_000_000 + 2, usegmt=True)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (lambda _exchange: 1, 1),
        (lambda _exchange: "", 1.5),
        (lambda _exchange: "soon", 1.5),
        (lambda _exchange: "\u00b2", 1.5),
        (in_two_seconds, 1),
    ],
    ids=["seconds", "nothing", "garbage", "a digit that is none", "date"],
)
def test_whatever_a_429_says_of_its_wait_nothing_is_asked_meanwhile(exchange, said, seconds):
    with client_of(exchange, connections=4) as client, ThreadPoolExecutor(4) as pool:
        exchange.add_fault("rate_429", path="/api/v3/klines", after=2, retry_after=said(exchange), seconds=seconds)
        for asked in [pool.submit(ask, client) for _ in range(12)]:
            asked.result()
    stats = exchange.stats()
    assert stats["responses_429"] == 1
    assert stats["requests_while_told_to_wait"] == 0


def test_a_ban_stops_all_threads_until_it_is_over(exchange):
    exchange.add_fault("ban_418", path="/api/v3/klines", after=2, seconds=2)
    with client_of(exchange, connections=4) as client, ThreadPoolExecutor(4) as pool:
        for asked in [pool.submit(ask, client) for _ in range(12)]:
            asked.result()
    stats = exchange.stats()
    assert 1 <= stats["responses_418"] <= 4
    assert stats["requests_while_told_to_wait"] == 0


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "rate_429", "retry_after": "9" * 400, "seconds": 3600},
        {"kind": "rate_429", "retry_after": 3600},
        {"kind": "ban_418", "seconds": 3600},
        {"kind": "rate_429", "retry_after": "Fri, 31 Dec 9999 23:59:59 GMT", "seconds": 3600},
    ],
    ids=["endless", "an hour", "banned for an hour", "the last day"],
)
def test_a_wait_beyond_the_patience_ends_the_run_at_once(exchange, fault):
    with client_of(exchange) as client:
        exchange.add_fault(**fault)
        with pytest.raises(BannedError, match="run again after that"):
            ask(client)
    assert exchange.stats()["requests_while_told_to_wait"] == 0
    assert exchange.stats()["requests_by_path"]["/api/v3/klines"] == 1


def test_refusals_that_go_on_end_the_run_when_the_patience_is_over(exchange):
    with client_of(exchange, ban_patience_seconds=2.5) as client:
        exchange.add_fault("rate_429", retry_after=0, count=None)
        with pytest.raises(BannedError):
            ask(client)
    assert exchange.stats()["responses_429"] <= 4


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "7"}, b"", 7),
        ({"Retry-After": " 7.5 "}, b"", 7.5),
        ({"Retry-After": "Tue, 11 Feb 2025 12:00:09 GMT"}, b"", 9),
        ({"Retry-After": "3"}, b"IP banned until 1739275205000. Please", 5),
        ({"Retry-After": "8"}, b"IP banned until 1739275205000. Please", 8),
        ({}, b"IP banned until 1739275205000", 5),
        ({"Retry-After": "-1"}, b"", None),
        ({"Retry-After": "1e3"}, b"", None),
        ({"Retry-After": "\u0661"}, b"", None),
        ({"Retry-After": "tomorrow"}, b"", None),
        ({"Retry-After": "9" * 400}, b"", LONGEST_SECONDS),
        ({"Retry-After": "Tue, 11 Feb 99999 12:00:09 GMT"}, b"", None),
        ({}, b"", None),
    ],
)
def test_a_wait_is_read_in_all_its_forms(headers, body, seconds):
    assert seconds_to_wait({"Date": DATE, **headers}, body) == seconds


@pytest.mark.parametrize("date", [None, "today", ""])
def test_without_a_readable_date_the_clock_of_this_machine_counts(date):
    headers = {} if date is None else {"Date": date}
    until = int(time.time() * 1000) + 60_000
    assert 55 < seconds_to_wait(headers, f"banned until {until}".encode()) <= 60


def test_a_ban_that_does_not_say_its_end_is_taken_for_the_shortest_there_is():
    def budget(patience):
        return WeightBudget(
            limit=100, share=1.0, patience_seconds=patience, stop=threading.Event(), section="sources.binance"
        )

    budget(patience=121).pause(418, None)
    with pytest.raises(BannedError):
        budget(patience=119).pause(418, None)


def test_an_answer_that_trickles_is_given_up_and_asked_for_again(exchange):
    exchange.add_fault("slow_body", path="/api/v3/klines", seconds=20)
    with client_of(exchange, timeout_seconds=1.5) as client:
        # A piece comes each second, in time; all of it would take twenty.
        assert ask(client, limit=5) == ask(client, limit=5)
        exchange.add_fault("slow_body", path="/api/v3/klines", seconds=20, count=None)
        client.configuration.max_attempts = 1
        with pytest.raises(SourceError, match=r"bytes of an answer came in \d seconds"):
            ask(client, limit=5)


def test_a_file_that_trickles_is_given_up(exchange, tmp_path):
    exchange.add_fault("slow_body", path="/data", seconds=20, count=None)
    with client_of(exchange, timeout_seconds=1.5, max_attempts=1) as client, (tmp_path / "zip").open("wb") as target:
        host = ArchiveHost(client.configuration, threading.Event())
        listed = host.files("data/spot/daily/klines/BTCUSDT/1d/")
        with pytest.raises(SourceError, match=r"bytes of an answer came in \d seconds"):
            host.download(listed[0], target)
        host.close()


def test_more_bytes_than_any_answer_has_are_not_read(exchange, monkeypatch):
    monkeypatch.setattr("exchange_engine.http.transport.ANSWER_BYTES", 100)
    with client_of(exchange, max_attempts=1) as client, pytest.raises(SourceError, match="more than 100 bytes"):
        ask(client, limit=100)


def test_a_stop_ends_a_wait(exchange):
    exchange.add_fault("rate_429", path="/api/v3/klines", retry_after=30)
    with client_of(exchange) as client, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, client)
        while exchange.stats()["responses_429"] == 0:
            time.sleep(0.02)
        client.stop.set()
        with pytest.raises(RunError, match="stopped"):
            asked.result(timeout=5)

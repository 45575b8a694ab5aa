"""Faults on demand: each kind, and the rules about which requests they strike."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import requests

KLINES = {"symbol": "BTCUSDT", "interval": "1m", "limit": 10}
JSON = "application/json;charset=UTF-8"


@pytest.fixture(scope="module")
def shared(start_for_module):
    return start_for_module(market="tests", clock="2025-01-01T00:10:00", clock_mode="frozen", no_limits=True)


@pytest.fixture
def faulty(shared):
    """A client of a simulator without faults and counts from earlier tests."""
    shared.simulator.clear_faults()
    shared.simulator.reset_stats()
    shared.simulator.reset_limits()
    return shared


@pytest.mark.parametrize(
    ("kind", "status", "content_type"),
    [
        ("http_500_html", 500, "text/html"),
        ("http_502_html", 502, "text/html"),
        ("http_503_html", 503, "text/html"),
        ("waf_403_html", 403, "text/html"),
        ("html_200", 200, "text/html"),
        ("geo_451", 451, JSON),
    ],
)
def test_a_fault_answers_once_in_the_endpoints_place(faulty, kind, status, content_type):
    faulty.simulator.add_fault(kind)
    broken = faulty.ask("klines", **KLINES)
    assert (broken.status_code, broken.headers["Content-Type"]) == (status, content_type)
    if content_type == JSON:
        assert broken.json()["code"] == 0
    else:
        assert b"<html" in broken.content.lower()
        assert "X-MBX-USED-WEIGHT-1M" not in broken.headers
    assert faulty.ask("klines", **KLINES).status_code == 200
    assert faulty.simulator.stats()["status_counts"].get(str(status), 0) >= 1


def test_a_reset_ends_the_connection_without_an_answer(faulty):
    faulty.simulator.add_fault("reset")
    with pytest.raises(requests.ConnectionError):
        faulty.ask("ping")
    assert faulty.ask("ping").status_code == 200
    assert faulty.simulator.stats()["status_counts"] == {"0": 1, "200": 1}


def test_a_stall_is_silent_for_its_seconds(faulty):
    faulty.simulator.add_fault("stall", seconds=30)
    url = f"{faulty.simulator.url}/api/v3/ping"
    with pytest.raises(requests.Timeout):
        requests.get(url, timeout=0.4, proxies={"http": ""})
    assert faulty.ask("ping").status_code == 200
    faulty.simulator.add_fault("stall", seconds=0.1)
    with pytest.raises(requests.ConnectionError):
        faulty.ask("ping")


def test_a_slow_body_comes_whole_but_late(faulty):
    whole = faulty.ask("klines", **KLINES).content
    faulty.simulator.add_fault("slow_body", seconds=0.6)
    began = time.monotonic()
    assert faulty.ask("klines", **KLINES).content == whole
    assert time.monotonic() - began >= 0.5


@pytest.mark.parametrize("kind", ["truncated_json", "invalid_json"])
def test_spoilt_json_has_status_200_and_does_not_parse(faulty, kind):
    faulty.simulator.add_fault(kind)
    broken = faulty.ask("klines", **KLINES)
    assert (broken.status_code, broken.headers["Content-Type"]) == (200, JSON)
    with pytest.raises(json.JSONDecodeError):
        json.loads(broken.content)


def test_a_duplicate_page_repeats_the_page_before_of_the_same_symbol(faulty, times):
    start = times.utc_ms(2024, 12, 5)
    first = faulty.get("klines", **KLINES, startTime=start)
    faulty.get("klines", symbol="ETHUSDT", interval="1m", startTime=start)
    faulty.simulator.add_fault("duplicate_page")
    assert faulty.get("klines", **KLINES, startTime=start + times.HOUR) == first
    assert faulty.get("klines", **KLINES, startTime=start + times.HOUR) != first


def test_a_short_page_has_the_first_half_of_the_rows(faulty):
    whole = faulty.get("klines", **KLINES)
    faulty.simulator.add_fault("short_page")
    assert faulty.get("klines", **KLINES) == whole[:5]


def test_an_error_code_is_answered_as_asked(faulty):
    faulty.simulator.add_fault("error_code", status=503, code=-1008, msg="busy")
    broken = faulty.ask("ping")
    assert (broken.status_code, broken.json()) == (503, {"code": -1008, "msg": "busy"})


def test_a_skewed_clock_is_seen_in_time_only(faulty):
    now = faulty.get("time")["serverTime"]
    faulty.simulator.add_fault("clock_skew", path="/api/v3/time", skew_ms=-5000, count=2)
    assert faulty.get("time")["serverTime"] == now - 5000
    assert faulty.get("time", {"X-MBX-TIME-UNIT": "MICROSECOND"})["serverTime"] == (now - 5000) * 1000
    assert faulty.get("time")["serverTime"] == now


def test_the_weight_header_can_be_left_out(faulty):
    faulty.simulator.add_fault("missing_weight_header")
    assert "X-MBX-USED-WEIGHT-1M" not in faulty.ask("ping").headers
    assert faulty.ask("ping").headers["X-MBX-USED-WEIGHT-1M"] == "2"


def test_a_429_on_demand_has_its_retry_after_and_who_ignores_it_is_counted(faulty):
    faulty.simulator.add_fault("rate_429", retry_after=3)
    refused = faulty.ask("ping")
    assert (refused.status_code, refused.headers["Retry-After"], refused.json()["code"]) == (429, "3", -1003)
    time.sleep(0.15)
    assert faulty.ask("ping").status_code == 200
    assert faulty.simulator.stats()["requests_while_told_to_wait"] == 1


@pytest.mark.parametrize(("text", "shown"), [("", None), ("soon", "soon"), ("Sat, 01 Feb 2025 00:00:00 GMT",) * 2])
def test_a_429_may_say_anything_of_its_wait(faulty, text, shown):
    faulty.simulator.add_fault("rate_429", retry_after=text, seconds=5)
    assert faulty.ask("ping").headers.get("Retry-After") == shown
    time.sleep(0.15)
    faulty.ask("ping")
    assert faulty.simulator.stats()["requests_while_told_to_wait"] == 1
    with pytest.raises(ValueError, match="needs seconds"):
        faulty.simulator.add_fault("rate_429", retry_after=text)


def test_the_weight_header_can_say_too_little(faulty):
    faulty.ask("exchangeInfo")
    faulty.simulator.add_fault("low_weight_header")
    assert faulty.ask("klines", **KLINES).headers["X-MBX-USED-WEIGHT-1M"] == "11"
    assert faulty.ask("ping").headers["X-MBX-USED-WEIGHT-1M"] == "23"


def test_requests_under_way_are_counted_by_host(faulty):
    faulty.simulator.add_fault("stall", path="/s3", seconds=1)
    with pytest.raises(requests.Timeout):
        requests.get(f"{faulty.simulator.url}/s3", timeout=0.2, proxies={"http": ""})
    # The client has given up, and the next request is not one beside it.
    time.sleep(0.2)
    faulty.ask("ping")
    stats = faulty.simulator.stats()
    assert (stats["max_api_concurrency"], stats["max_archive_concurrency"], stats["max_concurrency"]) == (1, 1, 1)
    faulty.simulator.add_fault("stall", path="/s3", seconds=0.5)
    with ThreadPoolExecutor(1) as pool:
        listing = pool.submit(requests.get, f"{faulty.simulator.url}/s3", timeout=5, proxies={"http": ""})
        time.sleep(0.2)
        faulty.ask("ping")
        assert isinstance(listing.exception(), requests.ConnectionError)
    stats = faulty.simulator.stats()
    assert (stats["max_api_concurrency"], stats["max_archive_concurrency"], stats["max_concurrency"]) == (1, 1, 2)


def test_a_ban_on_demand_holds_for_all_paths_until_it_is_over(faulty):
    faulty.simulator.add_fault("ban_418", path="/api/v3/klines", seconds=1)
    banned = faulty.ask("klines", **KLINES)
    assert (banned.status_code, banned.headers["Retry-After"], banned.json()["code"]) == (418, "1", -1003)
    assert faulty.ask("ping").status_code == 418
    time.sleep(1.1)
    assert faulty.ask("ping").status_code == 200


class TestRules:
    def codes(self, faulty, count, path="ping", **params):
        return [faulty.ask(path, **params).status_code for _ in range(count)]

    def test_count_and_after_choose_the_requests(self, faulty):
        faulty.simulator.add_fault("http_500_html", after=2, count=2)
        assert self.codes(faulty, 6) == [200, 200, 500, 500, 200, 200]
        rule = faulty.simulator.faults()[0]
        assert (rule["hits"], rule["matched"]) == (2, 4)
        assert faulty.simulator.stats()["faults"] == 2

    def test_without_a_count_it_strikes_until_cleared(self, faulty):
        faulty.simulator.add_fault("http_500_html", count=None)
        assert self.codes(faulty, 4) == [500] * 4
        faulty.simulator.clear_faults()
        assert self.codes(faulty, 1) == [200]

    def test_a_path_is_a_prefix_or_a_pattern(self, faulty):
        faulty.simulator.add_fault("http_500_html", path="/api/v3/ti", count=None)
        assert [self.codes(faulty, 1, path)[0] for path in ("time", "ticker/price", "ping")] == [500, 500, 200]
        faulty.simulator.clear_faults()
        faulty.simulator.add_fault("http_500_html", path="*/t*e", count=None)
        assert [self.codes(faulty, 1, path)[0] for path in ("time", "ticker/price", "ping")] == [500, 500, 200]

    def test_a_symbol_can_be_singled_out(self, faulty):
        faulty.simulator.add_fault("http_500_html", symbol="ETHUSDT", count=None)
        assert self.codes(faulty, 1, "klines", **KLINES) == [200]
        assert self.codes(faulty, 1, "klines", symbol="ETHUSDT", interval="1m") == [500]

    def test_chance_is_repeatable_with_its_seed(self, faulty):
        seen = []
        for _ in range(2):
            faulty.simulator.clear_faults()
            faulty.simulator.add_fault("http_500_html", probability=0.5, seed=3, count=None)
            seen.append(self.codes(faulty, 30))
        assert seen[0] == seen[1]
        assert 5 < seen[0].count(500) < 25

    def test_the_control_api_is_never_spoilt(self, faulty):
        faulty.simulator.add_fault("reset", path="/", count=None)
        assert faulty.simulator.stats()["requests"] == 0
        assert faulty.simulator.clock_now() > 0

    @pytest.mark.parametrize(
        "wrong",
        [
            {"kind": "earthquake"},
            {},
            {"kind": "reset", "colour": 1},
            {"kind": "reset", "count": "x"},
            {"kind": "reset", "after": True},
            "reset",
        ],
    )
    def test_a_rule_that_makes_no_sense_is_refused_with_one_line(self, faulty, wrong):
        answer = faulty.session.post(f"{faulty.simulator.url}/simulator/faults", json=wrong)
        assert answer.status_code == 400
        assert "\n" not in answer.json()["error"]
        assert faulty.simulator.faults() == []


def test_several_rules_can_be_added_at_once(faulty):
    rules = [{"kind": "http_500_html"}, {"kind": "http_503_html"}]
    added = faulty.session.post(f"{faulty.simulator.url}/simulator/faults", json=rules).json()
    assert [SimpleNamespace(**rule).kind for rule in added] == ["http_500_html", "http_503_html"]
    assert [faulty.ask("ping").status_code for _ in range(3)] == [500, 503, 200]

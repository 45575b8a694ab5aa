"""The fault hidden_rows: what the exchange has lost is in no answer, and what follows fills the page."""

from datetime import datetime, timezone

import pytest

MICROSECONDS = {"X-MBX-TIME-UNIT": "MICROSECOND"}


@pytest.fixture(scope="module")
def shared(start_for_module):
    return start_for_module(market="tests", clock="2025-01-03T00:10:00", clock_mode="frozen", no_limits=True)


@pytest.fixture
def faulty(shared):
    shared.simulator.clear_faults()
    shared.simulator.reset_stats()
    return shared


def iso(milliseconds):
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc).isoformat()


@pytest.fixture
def lost(times):
    """Forty hours, which are more than a page of minutes."""
    return times.utc_ms(2024, 12, 30), times.utc_ms(2024, 12, 31, 16)


@pytest.mark.parametrize("as_text", [iso, int], ids=["iso", "ms"])
def test_klines_page_over_what_is_lost(faulty, times, lost, as_text):
    start = lost[0] - 5 * times.MINUTE
    whole = faulty.klines("BTCUSDT", "1m", start, times.utc_ms(2025, 1, 2))
    expected = [row for row in whole if not lost[0] <= row[0] < lost[1]]
    faulty.simulator.add_fault("hidden_rows", start=as_text(lost[0]), end=as_text(lost[1]), symbol="BTCUSDT")
    page = faulty.get("klines", symbol="BTCUSDT", interval="1m", startTime=start, limit=10)
    assert page == expected[:10]
    assert [row[0] for row in page[4:6]] == [lost[0] - times.MINUTE, lost[1]]
    assert faulty.klines("BTCUSDT", "1m", start, times.utc_ms(2025, 1, 2)) == expected
    assert faulty.get("klines", symbol="BTCUSDT", interval="1m", startTime=lost[0], endTime=lost[1] - 1) == []
    assert faulty.get("klines", symbol="BTCUSDT", interval="1h", startTime=lost[0], limit=1)[0][0] == lost[1]


def test_the_latest_klines_are_those_before_what_is_lost(faulty, times, lost):
    end = lost[1] + 2 * times.MINUTE
    whole = faulty.klines("BTCUSDT", "1m", lost[0] - times.HOUR, end)
    expected = [row for row in whole if not lost[0] <= row[0] < lost[1]][-5:]
    faulty.simulator.add_fault("hidden_rows", start=lost[0], end=lost[1])
    assert faulty.get("klines", symbol="BTCUSDT", interval="1m", endTime=end, limit=5) == expected
    in_microseconds = faulty.get("klines", MICROSECONDS, symbol="BTCUSDT", interval="1m", endTime=end, limit=5)
    assert [row[0] // 1000 for row in in_microseconds] == [row[0] for row in expected]


def test_other_symbols_keep_their_rows(faulty, lost):
    faulty.simulator.add_fault("hidden_rows", start=lost[0], end=lost[1], symbol="BTCUSDT")
    rows = faulty.get("klines", symbol="ETHUSDT", interval="1m", startTime=lost[0], limit=1)
    assert rows[0][0] == lost[0]


def test_trades_are_lost_by_id_and_by_time(faulty, times, lost):
    symbol = "BTCUSDT"
    start, end = lost[0] - times.HOUR, lost[1] + times.HOUR
    whole = faulty.trades_between(symbol, start, end)
    by_time = {"symbol": symbol, "startTime": start, "endTime": end, "limit": 1000}
    aggregates = faulty.simulator.truth("agg_trades", symbol, start_ms=start, end_ms=end - 1).to_pylist()
    expected = [row for row in whole if not lost[0] <= row["time"] // 1000 < lost[1]]
    assert len(whole) - len(expected) > 1000
    faulty.simulator.add_fault("hidden_rows", start=lost[0], end=lost[1])
    assert faulty.trades(symbol, whole[0]["id"], end * 1000) == expected
    last_before = max(row["id"] for row in expected if row["time"] // 1000 < lost[0])
    page = faulty.get("historicalTrades", symbol=symbol, fromId=last_before - 2, limit=1000)
    assert len(page) == 1000
    assert [row["id"] for row in page[:3]] == [last_before - 2, last_before - 1, last_before]
    assert page[3]["time"] == next(row["time"] for row in expected if row["id"] > last_before) // 1000
    ids = [row["agg_trade_id"] for row in aggregates if not lost[0] <= row["trade_time"].timestamp() * 1000 < lost[1]]
    assert [row["a"] for row in faulty.get("aggTrades", **by_time)] == ids
    by_id = faulty.get("aggTrades", symbol=symbol, fromId=ids[0], limit=1000)
    assert [row["a"] for row in by_id[: len(ids)]] == ids
    assert len(by_id) == 1000


def test_the_latest_trades_are_those_before_what_is_lost(faulty, times):
    whole = faulty.get("trades", symbol="BTCUSDT", limit=1000)
    newest = times.utc_ms(2025, 1, 3, 0, 10)
    faulty.simulator.add_fault("hidden_rows", start=newest - 5 * times.MINUTE, end=newest)
    expected = [row for row in whole if row["time"] < newest - 5 * times.MINUTE]
    assert len(expected) < 1000
    assert faulty.get("trades", symbol="BTCUSDT", limit=len(expected)) == expected
    assert faulty.get("trades", symbol="BTCUSDT", limit=1000)[-len(expected) :] == expected
    assert len(faulty.get("trades", symbol="BTCUSDT", limit=1000)) == 1000
    latest = faulty.get("aggTrades", symbol="BTCUSDT", limit=3)
    assert len(latest) == 3
    assert max(row["T"] for row in latest) < newest - 5 * times.MINUTE


def test_a_symbol_of_which_all_is_lost_has_no_rows(faulty):
    faulty.simulator.add_fault("hidden_rows", start="2024-01-01", end="2026-01-01")
    assert faulty.get("klines", symbol="SPARSEUSDT", interval="1h", limit=1000) == []
    assert faulty.get("trades", symbol="SPARSEUSDT", limit=1000) == []
    assert faulty.get("aggTrades", symbol="SPARSEUSDT", startTime=0, limit=1000) == []


def test_the_truth_keeps_what_is_lost_and_clearing_brings_it_back(faulty, times, lost):
    faulty.simulator.add_fault("hidden_rows", start=lost[0], end=lost[1])
    truth = faulty.simulator.truth("klines", "BTCUSDT", "1m", lost[0], lost[1] - 1)
    assert truth.num_rows == 40 * 60
    faulty.simulator.clear_faults()
    assert len(faulty.klines("BTCUSDT", "1m", lost[0], lost[1] - 1)) == 40 * 60


def test_it_goes_together_with_its_like_and_with_other_faults(faulty, times, lost):
    middle = lost[0] + times.MINUTE
    faulty.simulator.add_fault("hidden_rows", start=lost[0], end=middle)
    faulty.simulator.add_fault("hidden_rows", start=middle, end=middle + times.MINUTE, count=1)
    faulty.simulator.add_fault("http_500_html")
    ask = {"symbol": "BTCUSDT", "interval": "1m", "startTime": lost[0], "limit": 1}
    assert faulty.ask("klines", **ask).status_code == 500
    assert faulty.get("klines", **ask)[0][0] == middle + times.MINUTE
    assert faulty.get("klines", **ask)[0][0] == middle
    assert faulty.get("exchangeInfo", symbol="BTCUSDT")["symbols"]
    assert [rule["hits"] for rule in faulty.simulator.faults()] == [2, 1, 1]
    assert faulty.simulator.stats()["faults"] == 3


@pytest.mark.parametrize(
    ("settings", "about"),
    [
        ({}, "needs start and end"),
        ({"start": "2025-01-01"}, "needs start and end"),
        ({"start": "2025-01-02", "end": "2025-01-02"}, "is not after"),
        ({"start": "yesterday", "end": 5}, "start = 'yesterday'"),
        ({"start": 1.5, "end": 5}, "wrong type"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused(faulty, settings, about):
    with pytest.raises(ValueError, match=about):
        faulty.simulator.add_fault("hidden_rows", **settings)
    with pytest.raises(ValueError, match="belong to hidden_rows"):
        faulty.simulator.add_fault("reset", start=1, end=2)
    assert faulty.simulator.faults() == []

"""SIGINT and SIGTERM end a run within 5 s, at each stage, with what was loaded kept; the next run completes it."""

import signal
import time

import pytest
from crashes import OPTIONS, REST, SMALL, SYMBOLS, Watched, assert_as_uninterrupted, held, wait_for

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
SECONDS = 5

SILENCE = {"kind": "stall", "count": None, "seconds": 60}
# What keeps the run busy, and for what the options and settings are.
AT_FAULTS = {
    "opening": ({**SILENCE, "path": "/api/v3/exchangeInfo"}, (), {}),
    "planning": ({**SILENCE, "path": "/api/v3/klines"}, ("--plan", *REST), {}),
    "listing files": ({**SILENCE, "path": "/s3"}, (), {}),
    "in the midst of a download": ({"kind": "slow_body", "path": "/data/*.zip", "seconds": 60}, (), {}),
    "downloading": ({**SILENCE, "path": "/data/*.zip", "after": 4}, (), SMALL),
    "waiting for an answer": ({**SILENCE, "path": "/api/v3/aggTrades", "after": 3}, REST, SMALL),
    "banned": ({"kind": "ban_418", "path": "/api/v3/aggTrades", "seconds": 120}, REST, {}),
    "before another attempt": (
        {"kind": "http_503_html", "path": "/api/v3/aggTrades", "count": None}, REST, {"backoff_seconds": 60},
    ),
}  # fmt: skip
AT_STAGES = {
    "importing": (), "before recovery": (), "before normalise": (), "copying": (), "before settling": (),
    "building models": ("--datasets", "klines", "--symbols", SYMBOLS[0], "--start", "2025-02-11T11:00", "--transform"),
}  # fmt: skip


@pytest.fixture
def watched(project, exchange):
    project.use_archive(exchange, TIMEOUT_SECONDS="60")
    return Watched(project, exchange)


def alternately(cases):
    """Return each case with one of the signals; every other case is left to `make soak`."""
    numbers = list(CODES)
    return [(case, numbers[place // 2 % len(numbers)]) for place, case in enumerate(cases)]


def assert_ended_by(process, number, seconds=SECONDS):
    began = time.monotonic()
    process.send_signal(number)
    out, error = process.communicate(timeout=60)
    assert time.monotonic() - began < seconds
    assert process.returncode == CODES[number], out + error
    assert "Traceback" not in error
    assert len(error.splitlines()) <= 1


def assert_waiting_runs_end(watched, exchange, truth, cases):
    project = watched.project
    for (fault, options, settings), number in cases:
        exchange.reset_limits()
        exchange.add_fault(**fault)
        process = project.start(*OPTIONS, *options, **settings)
        wait_for(process, lambda: exchange.faults()[0]["hits"])
        assert_ended_by(process, number)
        exchange.clear_faults()
        watched.check()
    exchange.reset_limits()
    project.load(*OPTIONS)
    watched.check()
    assert_as_uninterrupted(project, truth)


def assert_busy_runs_end(watched, truth, cases):
    for (stage, options), number in cases:
        process, _ = held(watched.project, stage, *OPTIONS, *options, **SMALL)
        assert_ended_by(process, number)
        watched.check()
    watched.project.load(*OPTIONS)
    watched.check()
    assert_as_uninterrupted(watched.project, truth)


def test_a_run_that_waits_for_the_exchange_ends_in_time(watched, exchange, truth):
    assert_waiting_runs_end(watched, exchange, truth, alternately(AT_FAULTS.values())[::2])


@pytest.mark.soak
def test_a_run_that_waits_for_the_exchange_in_other_ways_ends_in_time(watched, exchange, truth):
    assert_waiting_runs_end(watched, exchange, truth, alternately(AT_FAULTS.values())[1::2])


def test_a_run_that_is_busy_ends_in_time(watched, truth):
    assert_busy_runs_end(watched, truth, alternately(AT_STAGES.items())[1::2])


@pytest.mark.soak
def test_a_run_that_is_busy_in_other_ways_ends_in_time(watched, truth):
    assert_busy_runs_end(watched, truth, alternately(AT_STAGES.items())[::2])


def test_a_second_signal_ends_at_once(project, exchange):
    process, _ = held(project.use(exchange), "copying", *OPTIONS, *REST, **SMALL)
    process.send_signal(signal.SIGTERM)
    # Until the first one is taken, a second one of the same kind is not told from it.
    time.sleep(0.5)
    assert process.poll() is None
    assert_ended_by(process, signal.SIGTERM, seconds=2)

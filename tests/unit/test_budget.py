"""The weight budget against a clock that the test moves."""

import contextlib
import threading

import pytest

from exchange_engine.http.budget import GUARD_SECONDS, RateBudget, WeightBudget
from exchange_engine.http.errors import BannedError, RunError, StoppedError


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def stop():
    return threading.Event()


@pytest.fixture
def budget(clock, stop):
    made = WeightBudget(
        limit=100, share=1.0, patience_seconds=300, stop=stop, monotonic=clock, section="sources.binance"
    )
    # The exchange's minute begins at the monotonic time 960 + 0, so that 1,000 is its second 40.
    made.set_clock(exchange_seconds=40.0 + 60 * 1_000, at=1_000.0, uncertainty_seconds=0.0)
    return made


@pytest.fixture
def gets(budget, stop):
    """Tell whether a request of some weight may be sent at once."""

    def attempt(weight):
        got = []

        def acquire():
            with contextlib.suppress(StoppedError):
                got.append(budget.acquire(weight))

        thread = threading.Thread(target=acquire)
        thread.start()
        thread.join(1.0)
        stop.set()
        thread.join()
        stop.clear()
        return bool(got)

    return attempt


def test_requests_under_way_count_before_they_are_answered(budget, gets):
    assert gets(60)
    assert gets(40)
    assert not gets(1)


def test_what_other_programs_use_is_seen_through_the_header(budget, gets):
    window, _ = budget.acquire(2)
    budget.release(2, window, used=90)
    assert gets(10)
    assert not gets(1)


def test_an_answer_that_comes_late_does_not_lower_the_count(budget, gets):
    first, _ = budget.acquire(2)
    second, _ = budget.acquire(2)
    budget.release(2, second, used=80)
    budget.release(2, first, used=78)
    assert not gets(21)
    assert gets(20)


def test_without_a_header_the_own_weight_counts(budget, gets):
    window, _ = budget.acquire(70)
    budget.release(70, window, used=None)
    assert not gets(31)
    assert gets(30)


def test_a_new_minute_of_the_exchange_empties_the_count_but_only_after_the_guard(budget, clock, gets):
    window, _ = budget.acquire(100)
    budget.release(100, window, used=100)
    clock.now = 1_020.0 + GUARD_SECONDS / 2
    assert not gets(1)
    clock.now = 1_020.0 + GUARD_SECONDS * 2
    assert gets(100)


def test_a_request_that_straddles_two_minutes_counts_in_the_new_one_too(budget, clock, gets):
    window, _ = budget.acquire(30)
    clock.now = 1_021.0
    budget.release(30, window, used=30)
    assert gets(70)
    assert not gets(1)


def test_a_pause_stops_all_until_it_is_over(budget, clock, gets):
    budget.pause(429, 7)
    assert not gets(1)
    clock.now += 7.01
    assert gets(1)


def test_a_ban_longer_than_the_patience_ends_the_run_and_says_until_when(budget):
    with pytest.raises(
        BannedError, match=r"HTTP 418\) until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC.*ban_patience_seconds = 300"
    ):
        budget.pause(418, 301)


def test_a_stop_ends_the_waiting(budget, stop):
    budget.acquire(100)
    stop.set()
    with pytest.raises(StoppedError):
        budget.acquire(1)


def test_a_request_that_can_never_fit_is_refused(budget):
    with pytest.raises(RunError, match=r"weight 101 can never fit a budget of 100 a minute; raise .*weight_share"):
        budget.acquire(101)


@pytest.fixture
def rate(clock, stop):
    return RateBudget(
        limit=10,
        share=1.0,
        patience_seconds=300,
        stop=stop,
        window_seconds=5.0,
        monotonic=clock,
        section="sources.binance",
    )


def take(budget, times):
    return [budget.acquire(1)[0] for _ in range(times)]


def is_full(budget, stop):
    """Tell whether one request more would have to wait."""
    waiting = threading.Thread(target=_acquired, args=(budget,))
    waiting.start()
    waiting.join(0.3)
    is_waiting = waiting.is_alive()
    stop.set()
    waiting.join()
    stop.clear()
    return is_waiting


def _acquired(budget):
    with contextlib.suppress(StoppedError):
        budget.release(1, budget.acquire(1)[0], None)


def test_a_rate_holds_over_any_stretch_of_its_length_counted_from_the_answers(rate, clock, stop):
    windows = take(rate, 10)
    assert is_full(rate, stop)
    # Four are answered a second later than the others: they count until a whole window after that.
    for window in windows[:6]:
        rate.release(1, window, None)
    clock.now += 1.0
    for window in windows[6:]:
        rate.release(1, window, None)
    clock.now += 4.0
    assert is_full(rate, stop)
    clock.now += 2 * GUARD_SECONDS
    take(rate, 6)
    assert is_full(rate, stop)
    clock.now += 1.0
    take(rate, 4)
    assert is_full(rate, stop)


def test_a_wait_that_is_asked_for_holds_a_rate_back_too(rate, clock, stop):
    rate.pause(429, 7.0)
    assert is_full(rate, stop)
    clock.now += 7.5
    assert not is_full(rate, stop)
    with pytest.raises(BannedError):
        rate.pause(418, 301.0)

"""The parallel walk: order, failures and stops, with series that answer by hand."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from exchange_engine.http.errors import BannedError, GaveUpError, StoppedError
from exchange_engine.http.transport import Tally
from exchange_engine.walk import Page, SeriesWalk, Window


class Counted:
    """A series of numbered windows; later ones are answered sooner."""

    def __init__(self, key, windows, fails_at=None, error=None):
        self.key, self.tally = key, Tally()
        self._windows, self._fails_at, self._error = windows, fails_at, error

    def open(self):
        if self._fails_at == -1:
            raise self._error
        return [Window(number, number + 1, (number, number + 1)) for number in range(self._windows)]

    def fetch(self, window):
        time.sleep(0.02 * (window.start % 3 == 0))
        if window.start == self._fails_at:
            raise self._error
        return Page(self.key, pa.table({"number": [window.start]}), window.covers)


@pytest.fixture
def pool():
    with ThreadPoolExecutor(4) as made:
        yield made


def walked(walk):
    found = {}
    for page in walk.pages:
        found.setdefault(page.series, []).extend(page.rows["number"].to_pylist())
    return found


def test_pages_of_a_series_come_in_order_and_none_is_missing(pool):
    walk = SeriesWalk([Counted("a", 40), Counted("b", 0), Counted("c", 7)], pool, 10, threading.Event())
    assert walked(walk) == {"a": list(range(40)), "c": list(range(7))}
    assert (walk.done, walk.total) == (3, 3)


@pytest.mark.parametrize("at", [-1, 0, 5, 19])
def test_a_series_that_fails_keeps_what_came_before_and_leaves_the_others_alone(pool, at):
    broken = Counted("broken", 20, at, GaveUpError("no luck"))
    walk = SeriesWalk([Counted("a", 20), broken, Counted("c", 20)], pool, 6, threading.Event())
    found = walked(walk)
    assert found.pop("broken", []) == list(range(max(at, 0)))
    assert found == {"a": list(range(20)), "c": list(range(20))}
    assert [(failure.series, failure.reason) for failure in walk.failures] == [("broken", "no luck")]
    assert walk.error is None


def test_a_ban_ends_the_walk_and_what_was_handed_on_has_no_hole(pool):
    banned = Counted("b", 30, 9, BannedError(418, 900, 600, 0.0, "sources.binance"))
    walk = SeriesWalk([Counted("a", 5), banned, Counted("c", 30)], pool, 6, threading.Event())
    found = walked(walk)
    assert isinstance(walk.error, BannedError)
    assert all(numbers == list(range(len(numbers))) for numbers in found.values())
    assert len(found.get("b", [])) <= 9


def test_a_stop_ends_the_walk(pool):
    stop = threading.Event()
    walk = SeriesWalk([Counted("a", 1_000)], pool, 6, stop)
    for number, _ in enumerate(walk.pages):
        if number == 10:
            stop.set()
    assert isinstance(walk.error, StoppedError)
    assert number < 30


def test_never_more_pages_are_ahead_than_allowed(pool):
    class Watched(Counted):
        asked = 0

        def fetch(self, window):
            Watched.asked += 1
            return super().fetch(window)

    walk = SeriesWalk([Watched("a", 50), Watched("b", 50)], pool, 8, threading.Event())
    for handed_on, _ in enumerate(walk.pages, 1):
        assert Watched.asked <= handed_on + 8
    assert handed_on == 100

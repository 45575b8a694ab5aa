"""Candles in windows: what is asked for, what is believed, and what counts as loaded."""

from datetime import datetime, timezone

import pyarrow as pa
import pytest

from exchange_engine.candles import Answer, CandleSeries, Interval
from exchange_engine.coverage import add
from exchange_engine.http.errors import GaveUpError
from exchange_engine.walk import Page

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NOW = int(datetime(2025, 2, 11, 12, 0, 30, tzinfo=timezone.utc).timestamp() * 1000)
NOON = NOW - 30_000
INTERVALS = {
    "1m": Interval("1m", "60", MINUTE, MINUTE),
    "1h": Interval("1h", "3600", HOUR, HOUR),
    "1d": Interval("1d", "86400", DAY, DAY),
    "1M": Interval("1M", "month", 28 * DAY, 31 * DAY),
}


class Played(CandleSeries):
    """Candles of a set of open times, and a note of each question. `spoilt` replaces answers, one after the other."""

    window_candles = 10

    def __init__(self, interval, wanted, opens, covered=(), tolerance=0, spoilt=(), days=()):
        super().__init__("x|A|1m", INTERVALS[interval], INTERVALS["1d"], wanted, list(covered), NOW)
        self.quiet_ms = tolerance * INTERVALS[interval].shortest_ms
        self.opens = {interval: sorted(opens), "1d": sorted(days)} if days else {interval: sorted(opens)}
        self.spoilt = list(spoilt)
        self.asked = []

    def ask(self, interval, start, end):
        self.asked.append((interval.name, start, end))
        right = [(time,) for time in self.opens[interval.name] if start <= time < end]
        return self.spoilt.pop(0)(right) if self.spoilt else Answer(right)

    def table(self, candles):
        return pa.table({"open_time": pa.array([time for (time,) in candles], pa.int64())})


def walked(series):
    """The rows, and what is covered, in the order of the pages."""
    pages = [step if isinstance(step, Page) else series.fetch(step) for step in series.open()]
    return [row for page in pages for row in page.rows["open_time"].to_pylist()], [page.covered[0] for page in pages]


def minutes(start, end):
    return list(range(start, end, MINUTE))


def test_windows_meet_and_the_first_one_begins_at_the_next_open_time():
    wanted = (NOON - 25 * MINUTE - 1, NOW)
    series = Played("1m", wanted, minutes(NOON - 100 * MINUTE, NOON + MINUTE))
    rows, covered = walked(series)
    first = NOON - 25 * MINUTE
    assert rows == minutes(first, NOON)
    assert covered == [
        (first - 1, first + 10 * MINUTE),
        (first + 10 * MINUTE, first + 20 * MINUTE),
        (first + 20 * MINUTE, NOON),
    ]
    assert [end - start for _, start, end in series.asked] == [10 * MINUTE, 10 * MINUTE, 5 * MINUTE]


def test_nothing_is_asked_for_while_no_candle_can_have_closed():
    assert Played("1m", (NOON, NOW), []).open() == []
    assert Played("1d", (NOON // DAY * DAY - 5, NOW), []).open() == []


@pytest.mark.parametrize(
    ("spoil", "questions"),
    [
        (lambda right: Answer([]), 2),
        (lambda right: Answer(right[5:]), 2),
        (lambda right: Answer(right[:5]), 2),
        (lambda right: Answer(right[::5]), 2),
        (lambda right: Answer(right, is_odd=True), 2),
        (lambda right: Answer(right), 1),
    ],
    ids=["empty", "begins late", "ends early", "another interval", "odd", "right"],
)
def test_an_answer_that_lacks_candles_is_not_believed_at_once(spoil, questions):
    series = Played("1m", (NOON - 10 * MINUTE, NOW), minutes(NOON - 10 * MINUTE, NOON), tolerance=3, spoilt=[spoil])
    assert walked(series) == (minutes(NOON - 10 * MINUTE, NOON), [(NOON - 10 * MINUTE, NOON)])
    assert len(series.asked) == questions


def test_a_hole_is_believed_when_it_is_given_twice_and_a_tolerable_one_at_once():
    start = NOON - 2 * HOUR
    opens = [time for time in minutes(start, NOON) if not start + 2 * MINUTE <= time < start + 6 * MINUTE]
    for tolerance, questions in ((3, 2), (4, 1)):
        series = Played("1m", (start, start + 10 * MINUTE), opens, tolerance=tolerance)
        assert walked(series) == (opens[:6], [(start, start + 10 * MINUTE)])
        assert len(series.asked) == questions


def test_answers_that_go_on_to_differ_end_the_series():
    spoilt = [lambda right, count=count: Answer(right[:count]) for count in (1, 2, 3, 4, 5)]
    series = Played("1m", (NOON - 10 * MINUTE, NOW), minutes(NOON - 10 * MINUTE, NOON), spoilt=spoilt)
    with pytest.raises(GaveUpError, match="5 answers to one question differ"):
        walked(series)


def test_what_lacks_candles_at_the_end_is_not_covered_for_an_hour():
    opens = minutes(NOON - 10 * MINUTE, NOON - 4 * MINUTE)
    series = Played("1m", (NOON - 10 * MINUTE, NOW), opens, tolerance=5)
    assert walked(series)[1] == [(NOON - 10 * MINUTE, NOON - 4 * MINUTE)]
    long = Played("1h", (NOON - 5 * HOUR, NOW), [NOON - 5 * HOUR], tolerance=5)
    # The candle from 10:00 closed at 11:00, an hour ago; the one from 11:00 has just closed.
    assert walked(long)[1] == [(NOON - 5 * HOUR, NOON - HOUR)]


def test_of_a_long_time_nothing_is_asked_for_before_the_first_day_nor_after_the_last_one():
    day = NOON // DAY * DAY
    opens = minutes(day - 30 * DAY + 5 * HOUR, day - 30 * DAY + 6 * HOUR)
    series = Played("1m", (day - 35 * DAY, NOW), opens, days=[day - 30 * DAY])
    rows, covered = walked(series)
    assert rows == opens
    assert covered[0] == (day - 35 * DAY, day - 30 * DAY)
    assert (day - 29 * DAY, day) in covered
    assert add([], covered) == [(day - 35 * DAY, NOON - HOUR)]
    assert not [
        one for one in series.asked if one[0] == "1m" and (one[2] <= day - 30 * DAY or day - 29 * DAY < one[1] < day)
    ]


def test_without_any_day_only_today_is_asked_for():
    day = NOON // DAY * DAY
    series = Played("1m", (day - 35 * DAY, NOW), [], days=[0])
    assert walked(series)[1][0] == (day - 35 * DAY, day)
    assert min(start for name, start, _ in series.asked if name == "1m") == day


def test_of_months_nothing_is_covered_that_may_not_be_closed():
    january, february = (int(datetime(2025, month, 1, tzinfo=timezone.utc).timestamp() * 1000) for month in (1, 2))
    assert walked(Played("1M", (january, NOW), [january, february])) == ([january], [(january, NOW - 28 * DAY + 1)])
    # On the 29th of a month that the venue does not give, it may have two more days to go.
    late = Played("1M", (january, NOW), [])
    late._now = january + 28 * DAY + 12 * HOUR
    assert add([], walked(late)[1]) == []

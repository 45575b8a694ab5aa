"""What rows of a file prove: holes at the beginning, in the middle and at the end, by hand."""

import random
from datetime import datetime, timezone

import pyarrow as pa
import pytest

from binance_source.archive.spans import IdSpans, TimeSpans
from exchange_engine.coverage import add, missing

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
TIME = pa.timestamp("us", tz="UTC")


def ms(*date):
    return int(datetime(*date, tzinfo=timezone.utc).timestamp()) * 1000


def covered(period, step, longest, blocks):
    """The union of all spans of some blocks of open times."""
    spans = TimeSpans(period, step, longest)
    ranges = []
    for keys in blocks:
        ranges = add(ranges, spans.take(pa.table({}), pa.array(keys, pa.int64())))
    return add(ranges, spans.end())


def minutes(*numbers):
    return [number * MINUTE for number in numbers]


@pytest.mark.parametrize(
    ("blocks", "holes"),
    [
        ([minutes(*range(10))], []),
        ([minutes(0, 1, 2), minutes(3, 4), minutes(5, 6, 7, 8, 9)], []),
        # At the beginning: minute 0, minutes 0 to 2.
        ([minutes(*range(1, 10))], [(0, 1)]),
        ([minutes(*range(3, 10))], [(0, 3)]),
        # In the middle: minute 4 within a block and between two, minutes 4 to 6.
        ([minutes(0, 1, 2, 3, 5, 6, 7, 8, 9)], [(4, 5)]),
        ([minutes(0, 1, 2, 3), minutes(5, 6, 7, 8, 9)], [(4, 5)]),
        ([minutes(0, 1, 2, 3), minutes(7, 8, 9)], [(4, 7)]),
        # At the end: minute 9, minutes 5 to 9.
        ([minutes(*range(9))], [(9, 10)]),
        ([minutes(0, 1, 2, 3, 4)], [(5, 10)]),
        # Everywhere, and all.
        ([minutes(1, 3), minutes(5), minutes(8)], [(0, 1), (2, 3), (4, 5), (6, 8), (9, 10)]),
        ([minutes(9)], [(0, 9)]),
        ([], [(0, 10)]),
    ],
)
def test_missing_minutes_are_not_covered(blocks, holes):
    """A hole in what is covered contains each missing minute; what is there is covered up to where the hole begins."""
    period = (0, 10 * MINUTE)
    found = missing(period, covered(period, MINUTE, MINUTE, blocks))
    # A candle covers its own open time; what lies between it and the next grid point may be in the hole or not.
    assert [(-(-start // MINUTE), end // MINUTE) for start, end in found] == holes


def test_hours_on_and_off_their_grid():
    off = 28 * MINUTE + 14_789
    assert covered((0, DAY), HOUR, HOUR, [[hour * HOUR for hour in range(24)]]) == [(0, DAY)]
    # 2018-02-09: after an outage the hours open at hh:28:14.789 until they are back on the grid.
    odd = [*(hour * HOUR + off for hour in range(10, 14)), *(hour * HOUR for hour in range(15, 24))]
    assert missing((0, DAY), covered((0, DAY), HOUR, HOUR, [[0, HOUR, *odd]])) == [(HOUR + 1, 10 * HOUR + off)]


def test_a_wanted_part_of_a_period_begins_and_ends_between_two_candles():
    period = (30_000, 5 * MINUTE + 30_000)
    assert covered(period, MINUTE, MINUTE, [minutes(1, 2, 3, 4, 5)]) == [period]


def test_weeks_of_a_month_file_begin_on_mondays():
    # 2024-05-01 was a Wednesday: Mondays 6, 13, 20, 27; the week of the 27th reaches into June.
    period, week = (ms(2024, 5, 1), ms(2024, 6, 1)), 7 * DAY
    mondays = [ms(2024, 5, day) for day in (6, 13, 20, 27)]
    assert covered(period, week, week, [mondays]) == [period]
    assert missing(period, covered(period, week, week, [mondays[:-1]])) == [(mondays[2] + 1, period[1])]
    assert missing(period, covered(period, week, week, [mondays[1:]])) == [(period[0], mondays[1])]
    assert missing(period, covered(period, week, week, [[mondays[0], mondays[2], mondays[3]]])) == [
        (mondays[0] + 1, mondays[2])
    ]


@pytest.mark.parametrize("year", [2023, 2024])
def test_months_of_every_length(year):
    firsts = [ms(year, month, 1) for month in range(1, 13)]
    period = (firsts[0], ms(year + 1, 1, 1))
    assert covered(period, 28 * DAY, 31 * DAY, [firsts]) == [period]
    for month in range(12):
        left = [first for number, first in enumerate(firsts) if number != month]
        holes = missing(period, covered(period, 28 * DAY, 31 * DAY, [left]))
        assert len(holes) == 1, month
        assert holes[0][0] <= firsts[month] < holes[0][1]


@pytest.mark.parametrize("month", range(1, 13))
def test_the_one_candle_of_a_months_own_file_covers_the_month(month):
    period = (ms(2023, month, 1), ms(2023 + month // 12, month % 12 + 1, 1))
    assert covered(period, 28 * DAY, 31 * DAY, [[period[0]]]) == [period]
    assert covered(period, 28 * DAY, 31 * DAY, []) == []


def test_random_holes_in_random_blocks():
    """Every missing minute is uncovered, every present one covered, however the file is cut into blocks."""
    generator = random.Random(5)
    for _ in range(300):
        count = generator.randrange(1, 60)
        present = sorted(generator.sample(range(count), generator.randrange(1, count + 1)))
        blocks, start = [], 0
        while start < len(present):
            end = start + generator.randrange(1, 8)
            blocks.append(minutes(*present[start:end]))
            start = end
        ranges = covered((0, count * MINUTE), MINUTE, MINUTE, blocks)
        inside = [n for n in range(count) if any(a <= n * MINUTE < b for a, b in ranges)]
        assert inside == present


def id_spans(*blocks):
    """Spans of blocks of (id, microseconds).

    Another trade may share the time of the first one: a span may begin at that time or one microsecond later, which is
    taken for the same here.
    """
    spans = IdSpans("trade_time")
    found = []
    for block in blocks:
        times = pa.array([time for _, time in block], pa.int64()).cast(TIME)
        found += spans.take(pa.table({"trade_time": times}), pa.array([number for number, _ in block], pa.int64()))
    known = sorted(time for block in blocks for _, time in block)
    return [
        (first, following, max(time for time in known if time <= since), until)
        for first, following, since, until in [*found, *spans.end()]
    ]


def test_consecutive_ids_are_one_span_from_the_first_to_the_last_time():
    assert id_spans([(5, 100), (6, 100), (7, 250)]) == [(5, 8, 100, 250)]
    assert id_spans([(5, 100)]) == [(5, 6, 100, 100)]


def test_every_jump_in_ids_is_a_hole():
    assert id_spans([(5, 100), (6, 110), (8, 120), (9, 130), (20, 140)]) == [
        (5, 7, 100, 110),
        (8, 10, 120, 130),
        (20, 21, 140, 140),
    ]


def test_blocks_are_spans_of_their_own():
    assert id_spans([(5, 100), (6, 110)], [(7, 120)]) == [(5, 7, 100, 110), (7, 8, 120, 120)]
    assert id_spans([(5, 100), (6, 110)], [(9, 120)]) == [(5, 7, 100, 110), (9, 10, 120, 120)]


def test_times_that_fall_while_ids_rise_are_spanned_from_the_least_to_the_greatest():
    assert id_spans([(5, 100), (6, 300), (7, 50), (8, 200), (10, 90)]) == [(5, 9, 50, 300), (10, 11, 90, 90)]

"""Archive and REST meet by ids and times: what is proven is true, and what is wanted is proven."""

import json
import random

import pyarrow as pa
import pytest

from binance_source.archive.spans import IdSpans
from binance_source.rest.agg_trades import AggTradeSeries
from exchange_engine.coverage import add_ids, missing, missing_times
from exchange_engine.walk import Page, Window

MS = 1_000


@pytest.mark.parametrize(
    ("covered", "expected"),
    [
        ([], [(10, 20)]),
        # Times are microseconds, what is missing milliseconds: [from, to) is rounded inwards.
        ([(0, 5, 10 * MS, 20 * MS)], []),
        ([(0, 5, 10 * MS + 1, 20 * MS)], [(10, 11)]),
        ([(0, 5, 10 * MS, 20 * MS - 1)], [(19, 20)]),
        ([(0, 5, 9 * MS + 1, 20 * MS + 999)], []),
        ([(0, 5, 12 * MS, 15 * MS)], [(10, 12), (15, 20)]),
        ([(0, 5, 10 * MS, 12 * MS), (9, 12, 15 * MS, 20 * MS)], [(12, 15)]),
        # Entries out of order, overlapping, outside.
        ([(9, 12, 14 * MS, 20 * MS), (0, 5, 10 * MS, 15 * MS)], []),
        ([(0, 5, 0, 10 * MS), (9, 12, 20 * MS, 30 * MS)], [(10, 20)]),
        # Within one millisecond nothing whole is covered.
        ([(0, 5, 12 * MS + 100, 12 * MS + 900)], [(10, 20)]),
        # Ids of which no times are known prove nothing of times, nor does one end alone.
        ([(0, 5, None, None)], [(10, 20)]),
        ([(0, 5, 0, None)], [(10, 20)]),
        ([(0, 5, None, 30 * MS)], [(10, 20)]),
    ],
)
def test_missing_times_are_what_no_ids_reach_over(covered, expected):
    assert missing_times((10, 20), covered) == expected


@pytest.mark.parametrize(
    ("covered", "proof", "expected"),
    [
        # Nothing is missing before the first id, or after the last one.
        ([(100, 200, 15, 90)], (100, 100, 10, None), [(100, 200, 10, 90)]),
        ([(100, 200, 15, 90)], (200, 200, None, 99), [(100, 200, 15, 99)]),
        # An id within what is loaded: the times can only grow.
        ([(100, 200, 15, 90)], (150, 150, 50, None), [(100, 200, 15, 90)]),
        ([(100, 200, 15, 90)], (150, 150, None, 50), [(100, 200, 15, 90)]),
        # Ids whose times are not known yet get them.
        ([(100, 200, None, None)], (100, 100, 10, None), [(100, 200, 10, None)]),
        ([(100, 200, 10, None)], (200, 200, None, 99), [(100, 200, 10, 99)]),
        # What is proven of ids that are not there stays by itself.
        ([(100, 200, 15, 90)], (300, 300, 95, None), [(100, 200, 15, 90), (300, 300, 95, None)]),
        ([(100, 200, 15, 90)], (50, 50, None, 12), [(50, 50, None, 12), (100, 200, 15, 90)]),
        # ... until they come.
        ([(100, 200, 15, 90), (300, 300, 95, None)], (200, 300, 91, 94), [(100, 300, 15, 94)]),
        # It joins what meets there from both sides.
        ([(100, 200, 15, 90), (200, 300, 91, 95)], (200, 200, None, 90), [(100, 300, 15, 95)]),
    ],
)
def test_a_proof_extends_the_times_of_the_ids_that_it_touches(covered, proof, expected):
    assert add_ids(covered, [proof]) == expected


def test_a_proof_without_ids_hides_nothing_that_is_missing():
    assert missing((0, 100), [(0, 0), (50, 50), (100, 100)]) in ([(0, 100)], [(0, 50), (50, 100)])


class Exchange:
    """Answers aggTrades as the exchange does, in microseconds; counts the rows asked for by id."""

    def __init__(self, times):
        self.rows = [
            {"a": number, "p": "1.5", "q": "2", "f": number, "l": number, "T": time, "m": True, "M": True}
            for number, time in enumerate(times)
        ]

    def get(self, endpoint, params, decode, *, headers=None, tally=None):
        assert endpoint == "aggTrades"
        assert headers == {"X-MBX-TIME-UNIT": "MICROSECOND"}
        limit = params["limit"]
        if "fromId" in params:
            rows = self.rows[params["fromId"] :][:limit]
        elif "startTime" in params:
            rows = [row for row in self.rows if row["T"] >= params["startTime"]][:limit]
        else:
            rows = [row for row in self.rows if row["T"] <= params["endTime"]][-limit:]
        return decode(json.dumps(rows).encode())


def steps_of(exchange, wanted, covered):
    return AggTradeSeries(exchange, "spot", "BTCUSDT", wanted, covered, to_now=False).open()


def run(exchange, wanted, covered):
    """Fetch what is missing; return the ids fetched and what is covered then."""
    series = AggTradeSeries(exchange, "spot", "BTCUSDT", wanted, covered, to_now=False)
    fetched = []
    for step in series.open():
        page = step if isinstance(step, Page) else series.fetch(step)
        fetched += page.rows["agg_trade_id"].to_pylist()
        covered = add_ids(covered, page.covered)
    return fetched, covered


TEN = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
"""Times of the ids 0 to 9."""


def test_ids_of_the_archive_that_are_all_there_are_only_proven():
    """Ids 2 to 6 are loaded; wanted are the times [25, 75): the look-ups say that nothing is missing around them."""
    steps = steps_of(Exchange(TEN), (25, 75), [(2, 7, 30, 70)])
    assert [step.covered for step in steps] == [((2, 2, 25, None),), ((7, 7, None, 75),)]
    assert [step.rows.num_rows for step in steps] == [0, 0]


def test_what_the_archive_lacks_before_and_after_is_fetched_up_to_it():
    steps = steps_of(Exchange(TEN), (15, 95), [(3, 6, 40, 60)])
    assert steps == [Window(1, 3, (15, None)), Window(6, 9, (None, 95))]
    fetched, covered = run(Exchange(TEN), (15, 95), [(3, 6, 40, 60)])
    assert (fetched, covered) == ([1, 2, 6, 7, 8], [(1, 9, 15, 95)])


def test_a_hole_in_the_middle_of_the_archive_is_fetched_and_the_ends_are_proven():
    fetched, covered = run(Exchange(TEN), (15, 95), [(1, 4, 20, 40), (7, 9, 80, 90)])
    assert (fetched, covered) == ([4, 5, 6], [(1, 9, 15, 95)])


def test_a_beginning_that_is_known_needs_no_proof():
    steps = steps_of(Exchange(TEN), (25, 75), [(2, 7, 20, 70)])
    assert [step.covered for step in steps] == [((7, 7, None, 75),)]
    assert steps_of(Exchange(TEN), (25, 75), [(2, 7, 20, 75)]) == []


def test_a_period_without_trades_fetches_nothing():
    assert run(Exchange(TEN), (200, 300), [])[0] == []
    assert run(Exchange(TEN), (1, 5), [])[0] == []
    assert run(Exchange(TEN), (41, 49), [])[0] == []


def archived(ids, times):
    """What a file with these ids is said to cover."""
    table = pa.table({"trade_time": pa.array([times[number] for number in ids], pa.timestamp("us", tz="UTC"))})
    return IdSpans("trade_time").take(table, pa.array(ids, pa.int64()))


@pytest.mark.parametrize("missing_before", [1, 2])
def test_a_trade_that_shares_its_time_with_the_first_of_a_file_is_not_passed_over(missing_before):
    """Ids 1 to 3 are of one moment, and the file begins within it: wanted from that moment on are all of them."""
    times = [10, 20, 20, 20, 30, 40]
    begins = 1 + missing_before
    covered = archived(range(begins, 6), times)
    fetched, after = run(Exchange(times), (20, 45), covered)
    assert fetched == list(range(1, begins))
    assert after == [(1, 6, 20, 45)]


def test_random_archives_are_completed_exactly_and_every_proof_is_true():
    generator = random.Random(29)
    for _ in range(400):
        count = generator.randrange(1, 2_500)
        spread = generator.choice([1, 3, 50, 2_000])
        times, now = [], 1_000
        for _ in range(count):
            now += generator.randrange(spread)
            times.append(now)
        exchange = Exchange(times)
        covered = []
        for _ in range(generator.randrange(4)):
            first = generator.randrange(count)
            last = min(count - 1, first + generator.randrange(900))
            covered = add_ids(covered, archived(range(first, last + 1), times))
        start, end = sorted(generator.sample(range(times[-1] // MS + 3), 2)) if times[-1] > MS else (0, 3)
        wanted = (start * MS, end * MS)
        inside = {number for number, time in enumerate(times) if wanted[0] <= time < wanted[1]}
        had = {number for number in range(count) if any(entry[0] <= number < entry[1] for entry in covered)}

        fetched, after = run(exchange, wanted, covered)

        assert len(fetched) == len(set(fetched))
        assert not set(fetched) & had
        assert inside <= set(fetched) | had
        for first, following, since, until in after:
            assert set(range(first, following)) <= set(fetched) | had
            if since is not None and until is not None:
                reached = {number for number, time in enumerate(times) if since <= time < until}
                assert reached <= set(range(first, following))
        if inside:
            assert missing_times((start, end), after) == []
            assert not [step for step in steps_of(exchange, wanted, after) if isinstance(step, Window)]

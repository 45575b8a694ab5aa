"""Which candles and trades are missing and why, in one build of all cases."""

import pytest
from gap_cases import CASES, DAY, DAYS
from gap_rows import MINUTE, MONDAY, at
from trade_gap_cases import TRADE_CASES, second


def of_all_cases(cases):
    """The staging tables of all cases, each case being a market."""
    tables = {}
    for market, (case, _) in cases.items():
        for table, rows in case.items():
            tables.setdefault(table, []).extend({**row, "market": market} for row in rows)
    return tables


@pytest.fixture(scope="module")
def built(new_warehouse):
    warehouse = new_warehouse()
    warehouse.load("1763700000.1", **of_all_cases({**CASES, **TRADE_CASES}))
    warehouse.build("--select", "+completeness", "+trade_gaps")
    return warehouse


@pytest.mark.parametrize("case", CASES)
def test_gaps_and_what_explains_them(built, case):
    found = built.query(
        """select symbol, "interval", gap_start, gap_end, status, reason from silver.kline_gaps
        where market = ? order by all""",
        case,
    )
    expected = [(s, interval, at(start), at(end), *rest) for s, interval, start, end, *rest in CASES[case][1]]
    assert [row[:5] for row in found] == [row[:5] for row in expected]
    assert [row[5][: len(want[5])] for row, want in zip(found, expected, strict=True)] == [row[5] for row in expected]


def test_missing_candles_are_counted_in_the_intervals_own_steps(built):
    counts = dict(
        built.query(
            """select market, missing_count from silver.kline_gaps
            where market in ('weeks', 'months', 'three days', 'eight months', 'an older database')"""
        )
    )
    expected = {"weeks": 2, "months": 2, "three days": 2, "eight months": 240 * DAY - 1, "an older database": 3}
    assert counts == expected


def test_checks_that_count_are_told_with_their_times(built):
    found = built.query(
        """select rest_checks, archive_checks, first_checked_at, last_checked_at from silver.kline_gaps
        where market in ('confirmed', 'found after nothing') order by all"""
    )
    tuesday = at(DAY)
    assert found == [(0, 0, None, None), (2, 2, tuesday + 60 * MINUTE, tuesday + 120 * MINUTE)]


@pytest.mark.parametrize("case", DAYS)
def test_days_account_for_what_was_asked_for(built, case):
    found = built.query(
        """select "interval", day, expected, present, explained, unexplained, completeness, is_complete
        from gold.completeness where market = ? order by all""",
        case,
    )
    assert found == [
        (interval, at(day), expected, present, explained, unexplained, present / expected, unexplained == 0)
        for interval, day, expected, present, explained, unexplained in DAYS[case]
    ]


def test_a_long_gap_has_all_its_days(built):
    found = built.query(
        """select count(*), min(expected), sum(expected), sum(present), sum(unexplained) from gold.completeness
        where market = 'eight months'"""
    )
    assert found == [(241, 1, 240 * DAY + 1, 2, 240 * DAY - 1)]


def test_the_known_outages_since_2019_are_all_there(built):
    found = built.query(
        """select count(*), sum(epoch(ended_at - started_at)) / 60 from silver.known_outages
        where started_at >= '2019-01-01'"""
    )
    assert found == [(22, 4_111)]


@pytest.mark.parametrize("case", TRADE_CASES)
def test_gaps_of_trades_and_what_explains_them(built, case):
    found = built.query(
        """select first_missing_id, last_missing_id, time_before, time_after, status, reason from silver.trade_gaps
        where market = ? order by all""",
        case,
    )
    expected = [
        (first, last, *(None if time is None else second(time) for time in (before, after)), *rest)
        for first, last, before, after, *rest in TRADE_CASES[case][1]
    ]
    assert [row[:5] for row in found] == [row[:5] for row in expected]
    assert [row[5][: len(want[5])] for row, want in zip(found, expected, strict=True)] == [row[5] for row in expected]


def test_runs_tell_the_rows_at_their_ends(built):
    found = built.query(
        """select day, first_id, last_id, first_time, last_time, first_trade_id, last_trade_id from silver.trade_runs
        where market = 'ids of aggregates without a trade' order by first_id"""
    )
    assert found == [
        (MONDAY, 0, 0, second(0), second(0), 0, 4),
        (MONDAY, 3, 3, second(3), second(3), 5, 9),
        (MONDAY, 5, 5, second(5), second(5), 11, 12),
    ]


def test_a_run_ends_at_midnight(built):
    found = built.query(
        "select day, first_id, last_id from silver.trade_runs where market = 'over midnight' order by first_id"
    )
    assert found == [(at(-1_440), 0, 0), (MONDAY, 1, 1), (MONDAY, 3, 3)]

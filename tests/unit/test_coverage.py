"""Ranges of what is loaded: arithmetic done by hand."""

import pytest

from exchange_engine.coverage import add, add_ids, missing, remove, remove_ids


@pytest.mark.parametrize(
    ("wanted", "covered", "expected"),
    [
        ((10, 20), [], [(10, 20)]),
        ((10, 20), [(10, 20)], []),
        ((10, 20), [(0, 30)], []),
        ((10, 20), [(0, 12)], [(12, 20)]),
        ((10, 20), [(15, 40)], [(10, 15)]),
        ((10, 20), [(0, 10), (20, 30)], [(10, 20)]),
        ((0, 100), [(10, 20), (40, 50)], [(0, 10), (20, 40), (50, 100)]),
        ((20, 10), [], []),
    ],
)
def test_what_is_missing_is_what_is_wanted_less_what_is_covered(wanted, covered, expected):
    assert missing(wanted, covered) == expected


@pytest.mark.parametrize(
    ("covered", "new", "expected"),
    [
        ([], (5, 9), [(5, 9)]),
        ([], (5, 5), []),
        ([(0, 5)], (5, 9), [(0, 9)]),
        ([(0, 5)], (6, 9), [(0, 5), (6, 9)]),
        ([(10, 20)], (0, 10), [(0, 20)]),
        ([(0, 3), (6, 9)], (3, 6), [(0, 9)]),
        ([(0, 9)], (2, 4), [(0, 9)]),
        ([[0, 3]], (3, 4), [(0, 4)]),
    ],
)
def test_ranges_that_meet_become_one(covered, new, expected):
    assert add(covered, [new]) == expected


def test_id_ranges_that_meet_join_their_times():
    assert add_ids([(100, 200, 10, 20)], [(200, 250, 20, 25)]) == [(100, 250, 10, 25)]
    assert add_ids([(100, 200, 10, 20)], [(0, 100, 1, 10)]) == [(0, 200, 1, 20)]


def test_id_ranges_apart_stay_apart_and_a_page_without_rows_knows_no_times():
    assert add_ids([[100, 200, 10, 20]], [(300, 400, None, None)]) == [(100, 200, 10, 20), (300, 400, None, None)]
    assert add_ids([(100, 200, 10, 20)], [(200, 300, None, None)]) == [(100, 300, 10, 20)]


def test_what_is_gone_is_missing_again():
    assert remove([(0, 10), (20, 30)], [(5, 6), (28, 40)]) == [(0, 5), (6, 10), (20, 28)]
    assert remove([[0, 10]], []) == [(0, 10)]


def test_ids_that_are_gone_leave_the_times_of_the_outer_sides():
    assert remove_ids([[100, 200, 10, 20]], [(150, 152), (199, 200)]) == [(100, 150, 10, None), (152, 199, None, None)]
    assert remove_ids([(100, 200, 10, 20)], [(0, 50)]) == [(100, 200, 10, 20)]

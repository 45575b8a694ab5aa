"""Rows of one settlement: the first of those within a minute, or none of them where their rates differ."""

import json

import msgspec
import pytest

from exchange_engine.settlements import LONGEST_MS, one_each

NOON = 1_739_275_200_000  # 2025-02-11 12:00


class Row(msgspec.Struct):
    """A time and a rate."""

    time: int
    rate: str
    kind: str = ""


def settled(*rows):
    made = [Row(NOON + at, *said) for at, *said in rows]
    kept, rejected = one_each(made, "BTCUSDT", lambda row: row.time, lambda row: row.rate)
    return [(row.time - NOON, row.rate) for row in kept], rejected


def test_a_minute_is_the_longest_that_rows_of_one_settlement_lie_apart():
    assert LONGEST_MS == 60_000
    assert settled((0, "0.1"), (60_000, "0.1")) == ([(0, "0.1")], [])
    assert settled((0, "0.1"), (60_001, "0.1")) == ([(0, "0.1"), (60_001, "0.1")], [])


def test_a_minute_counts_from_the_first_row_and_not_from_the_one_before():
    rows = [(0, "0.1"), (40_000, "0.1"), (80_000, "0.2"), (120_000, "0.2"), (150_000, "0.3")]
    assert settled(*rows) == ([(0, "0.1"), (80_000, "0.2"), (150_000, "0.3")], [])


@pytest.mark.parametrize("rates", [("0.1", "0.10"), ("1e-4", "0.0001"), ("-0", "0"), ("0.1", "0.1", "+0.1")])
def test_rates_agree_by_their_value_and_the_first_row_is_kept_as_it_stands(rates):
    rows = [(at, rate, f"row {at}") for at, rate in enumerate(rates)]
    assert settled(*rows) == ([(0, rates[0])], [])


@pytest.mark.parametrize(
    "rates", [("0.1", "0.2"), ("0.1", "0.1", "0.2"), ("0.1", "0.2", "0.1"), ("0.1", "-0.1"), ("0.1", ""), ("", "x")]
)
def test_of_rates_that_differ_all_are_rejected_and_the_settlements_around_are_kept(rates):
    rows = [(1_000 * (1 + at), rate) for at, rate in enumerate(rates)]
    kept, rejected = settled((-3_600_000, "0.5"), *rows, (3_600_000, "0.6"))
    assert kept == [(-3_600_000, "0.5"), (3_600_000, "0.6")]
    assert [json.loads(one.row) for one in rejected] == [
        {"time": NOON + at, "rate": rate, "kind": ""} for at, rate in rows
    ]
    reason = "the settlement of 2025-02-11 12:00 has two rates"
    assert {(one.key, one.reason) for one in rejected} == {("BTCUSDT", reason)}


def test_no_rows_are_no_settlements():
    assert settled() == ([], [])


def test_a_rate_that_is_no_number_is_left_for_the_table_to_refuse():
    assert settled((0, "NaN"), (3_600_000, "much"), (3_600_001, "much")) == ([(0, "NaN"), (3_600_000, "much")], [])


def test_a_rate_that_is_no_number_is_left_to_the_table():
    rows = [(0, "sNaN"), (100_000, "NaN"), (200_000, "0.1")]
    kept, rejected = one_each(rows, "A", lambda row: row[0], lambda row: row[1])
    assert (kept, rejected) == (rows, [])

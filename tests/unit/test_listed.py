"""Lists row by row: what is kept, what is rejected and why, what is counted, and what fails the whole answer."""

import json
from datetime import datetime, timezone
from decimal import Decimal

import msgspec
import pyarrow as pa
import pytest

from exchange_engine.columns import Whole, decimals
from exchange_engine.listed import Listed, ListReader, Rejected, as_snapshot, json_text, rejected_table, without_copies

NOON_US = 1_739_275_200_000_000  # 2025-02-11 12:00


class Row(msgspec.Struct, rename="camel"):
    """A row with a name, a number as text, and a whole one."""

    its_name: str
    price: str
    count: Whole = 0


PLAIN, WITHIN = ListReader(Row, "its_name"), ListReader(Row, "its_name", "data")


def row(name, price="1.5", **fields):
    return {"itsName": name, "price": price, **fields}


def read(*rows, names=None):
    return PLAIN.read(json.dumps(rows).encode(), names)


def said(rejected):
    return [(one.key, json.loads(one.row)) for one in rejected]


def names_of(found):
    return [one.its_name for one in found.rows]


def test_good_rows_come_in_their_order_and_unknown_fields_are_ignored():
    found = read(row("B", count=3, new=[1.5, None]), row("A"))
    assert found.rows == [Row("B", "1.5", 3), Row("A", "1.5", 0)]
    assert (found.rejected, found.unnamed) == ([], 0)


def test_the_list_may_be_a_field_of_the_answer():
    body = b'{"code":"0","data":[{"itsName":"A","price":"1"},{"itsName":"B"}],"more":{"data":[]}}'
    found = WITHIN.read(body)
    assert found.rows == [Row("A", "1")]
    assert said(found.rejected) == [("B", {"itsName": "B"})]


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ({"itsName": "X"}, "price"),
        (row("X", 1.5), "price"),
        (row("X", None), "price"),
        (row("X", count="7"), "count"),
        (row("X", count=2**70), "count"),
    ],
)
def test_a_row_that_cannot_be_read_is_rejected_and_the_others_are_kept(odd, reason):
    found = read(row("A"), odd, row("B"))
    assert names_of(found) == ["A", "B"]
    assert said(found.rejected) == [("X", odd)]
    assert reason in found.rejected[0].reason
    assert found.unnamed == 0


def test_a_rejected_row_is_the_text_that_the_venue_sent():
    odd = b'{ "itsName":"X" ,"price": 0.10000000000000000000005,  "note":"\\u00e9\xc3\xa9"}'
    [rejected] = PLAIN.read(b'[{"itsName":"A","price":"1"},' + odd + b"]").rejected
    assert rejected.row == odd.decode()


@pytest.mark.parametrize("odd", [{"price": "1"}, row(""), row(None), row(5), row(["A"]), 5, "A", None, [], ["A", "1"]])
def test_rows_without_a_name_are_counted_only(odd):
    found = read(odd, row("A"), odd)
    assert names_of(found) == ["A"]
    assert (found.rejected, found.unnamed) == ([], 2)


def test_identical_copies_are_one_row():
    found = read(row("A"), row("B"), row("A"), row("A", new="unknown, and not compared"))
    assert (names_of(found), found.rejected) == (["A", "B"], [])


def test_copies_that_differ_are_all_rejected():
    found = read(row("A"), row("B"), row("A", "2"), row("A"))
    assert names_of(found) == ["B"]
    assert said(found.rejected) == [("A", row("A")), ("A", row("A", "2")), ("A", row("A"))]
    assert {one.reason for one in found.rejected} == {"another row of the same name says something else"}


@pytest.mark.parametrize("is_first", [True, False])
def test_a_copy_that_cannot_be_read_takes_the_other_one_with_it_and_says_why(is_first):
    pair = [row("A"), {"itsName": "A"}]
    found = read(*(pair[::-1] if is_first else pair), row("B"))
    assert names_of(found) == ["B"]
    reasons = {one.row: one.reason for one in found.rejected}
    assert "price" in reasons[json.dumps(pair[1])]
    assert reasons[json.dumps(pair[0])] == "another row of the same name says something else"


def test_names_that_are_not_wanted_are_neither_kept_nor_rejected():
    rows = [row("A"), row("B"), {"itsName": "C"}, {"itsName": "D"}, 5]
    for whole in (rows, rows[:2]):
        found = read(*whole, names={"A", "C"})
        assert names_of(found) == ["A"]
        assert [one.key for one in found.rejected] == ["C"] * (len(whole) > 2)
    assert read(*rows, names={"A"}).unnamed == 1


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"{}", b"5", b'"[]"', b'[{"itsName":"A","price":"1"}', b'[{"itsName":"A","price":"1"},]',
        b'[{"itsName":"A","price":"1"},{"itsName":"B","price":NaN}]', b'[{"itsName":"A","price":"\xff"}]',
        b'[5,{"itsName":"\xff","price":"1"}]', b'[5,{"itsName":"A","price":"\xff"}]',
    ],
)  # fmt: skip
def test_broken_json_and_broken_text_fail_the_whole_answer(body):
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        PLAIN.read(body)


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"data":null}', b'{"data":{}}', b'{"data":[5', b'{"other":[]}'])
def test_an_answer_that_lacks_its_list_fails(body):
    with pytest.raises(msgspec.DecodeError):
        WITHIN.read(body)


def test_an_empty_list_has_no_rows():
    assert (PLAIN.read(b"[]").rows, WITHIN.read(b'{"data":[]}').rows) == ([], [])


def table_of(rows):
    names = [one.its_name for one in rows]
    return pa.table({"name": pa.array(names, pa.string()), "price": decimals([one.price for one in rows], "p", names)})


def snapshot_of(*rows):
    return as_snapshot(read(*rows), lambda one: one.its_name, table_of)


def test_a_number_that_does_not_fit_costs_its_own_row_wherever_it_stands():
    rows = [row(f"N{number:02}", f"{number}.25") for number in range(17)]
    for odd in ({0}, {16}, {8}, {7, 8}, {0, 5, 16}, set(range(16)), set(range(17))):
        made = [row(one["itsName"], "1e-9") if at in odd else one for at, one in enumerate(rows)]
        found = snapshot_of(*made)
        assert found.rows.to_pylist() == [
            {"name": f"N{at:02}", "price": Decimal(at) + Decimal("0.25")} for at in range(17) if at not in odd
        ]
        assert said(found.rejected) == [(f"N{at:02}", made[at]) for at in sorted(odd)]
        for one in found.rejected:
            assert one.reason == f"row {one.key}: p '1e-9' does not fit decimal128(28, 8) exactly"


def test_a_snapshot_names_what_could_not_be_read_and_what_does_not_fit():
    found = snapshot_of(row("A"), {"itsName": "B"}, row("C", "a lot"), 5, row("C", "a lot"))
    assert found.rows.to_pylist() == [{"name": "A", "price": Decimal("1.5")}]
    assert said(found.rejected) == [("B", {"itsName": "B"}), ("C", row("C", "a lot"))]
    assert found.unnamed == 1


def test_a_snapshot_of_nothing_has_the_tables_columns():
    assert as_snapshot(Listed([]), str, table_of).rows.column_names == ["name", "price"]


def test_rejected_rows_as_a_table():
    found = rejected_table(
        "okx", "okx_instruments", [Rejected("A", "odd", "{}"), Rejected(None, "why", "[1]")], NOON_US
    )
    assert found.to_pylist() == [
        {
            "venue": "okx", "dataset": "okx_instruments", "row_key": key, "reason": reason, "row_json": text,
            "rejected_at": datetime(2025, 2, 11, 12, tzinfo=timezone.utc),
        }
        for key, reason, text in (("A", "odd", "{}"), (None, "why", "[1]"))
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], []),
        ([(1, "a"), (2, "a")], [(1, "a"), (2, "a")]),
        ([(1, "a"), (1, "a"), (1, "a"), (2, "a"), (2, "a")], [(1, "a"), (2, "a")]),
        ([(1, "a"), (1, "b"), (1, "a")], [(1, "a"), (1, "b"), (1, "a")]),
        ([(1, "a"), (2, "a"), (1, "a")], [(1, "a"), (2, "a"), (1, "a")]),
    ],
    ids=["none", "no copies", "copies", "different ones", "apart"],
)
def test_copies_next_to_each_other_are_one_row(rows, expected):
    assert without_copies(rows, lambda one: one[0]) == expected


def test_a_row_as_json_text_keeps_its_names_and_digits():
    assert json.loads(json_text(Row("A", "0.10", 3))) == {"itsName": "A", "price": "0.10", "count": 3}

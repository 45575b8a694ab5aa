"""Rows that are arrays: new columns are ignored, and fewer of them are an error."""

import msgspec
import pytest

from exchange_engine.array_rows import ArrayRows
from exchange_engine.columns import Milliseconds

ROWS = ArrayRows(Milliseconds, str, msgspec.Raw)


def test_the_known_columns_are_read_in_their_order():
    assert ROWS.decode(b'[[1,"a",1e-7],[2,"b",{"x":[1]}]]') == [
        (1, "a", msgspec.Raw(b"1e-7")), (2, "b", msgspec.Raw(b'{"x":[1]}')),
    ]  # fmt: skip
    assert ROWS.decode(b"[]") == []
    assert ROWS.decode(msgspec.Raw(b'[[1,"a",0]]')) == [(1, "a", msgspec.Raw(b"0"))]


@pytest.mark.parametrize("new", [b"5", b'"x"', b"null", b"[[1],{}]", b'5,"x",null'])
def test_columns_at_the_end_are_ignored_in_all_rows_or_in_some(new):
    known = [(1, "a", msgspec.Raw(b"0.10")), (2, "b", msgspec.Raw(b"2E5"))]
    assert ROWS.decode(b'[[1,"a",0.10,' + new + b'],[2,"b",2E5]]') == known
    assert ROWS.decode(b'[[1,"a",0.10,' + new + b'],[2,"b",2E5,' + new + b"]]") == known


@pytest.mark.parametrize(
    "body",
    [
        b'[[1,"a"]]', b"[[]]", b'[[1,"a",0,5],[2,"b"]]', b'[["1","a",0]]', b'[["1","a",0,5]]', b'[[1,"a",0,5],[2,3,0]]',
        b"[5]", b'[[1,"a",0,5],{}]', b"{}", b"null", b"", b'[[1,"a",0,5]', b'[[1,"a",0,]]', b'[[-1,"a",0]]',
    ],
)  # fmt: skip
def test_other_rows_are_an_error(body):
    with pytest.raises(msgspec.DecodeError):
        ROWS.decode(body)


@pytest.mark.parametrize("body", [b'[[1,"\xff",0]]', b'[[1,"\xff",0,5]]'])
def test_text_that_is_not_utf8_is_an_error(body):
    with pytest.raises((UnicodeDecodeError, msgspec.DecodeError)):
        ROWS.decode(body)

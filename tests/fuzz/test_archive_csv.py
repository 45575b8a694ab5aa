"""CSV of the archive: rows that equal the text, whatever its form, or a named error."""

import io
import re

import pytest
from documents import ODD_TEXTS, booleans, damaged_bytes, decimal_texts, ids
from hypothesis import example, given
from hypothesis import strategies as st
from readings import boolean, csv_millisecond, csv_time, decimal, integer, rows_of

from binance_source.archive import rows as rows_module
from binance_source.archive.errors import ArchiveFileError
from binance_source.archive.file_kinds import ARCHIVE_DATASETS
from binance_source.archive.rows import OutOfOrderError, read_rows
from binance_source.archive.spans import IdSpans

LABELS = {"market": "spot", "symbol": "BTCUSDT", "source": "data/some.zip"}
FIELDS = {
    "klines": (
        ("open_time", csv_millisecond), ("open", decimal), ("high", decimal), ("low", decimal), ("close", decimal),
        ("volume", decimal), ("close_time", csv_millisecond), ("quote_volume", decimal), ("trade_count", integer),
        ("taker_buy_volume", decimal), ("taker_buy_quote_volume", decimal), ("ignore", None),
    ),
    "agg_trades": (
        ("agg_trade_id", integer), ("price", decimal), ("quantity", decimal), ("first_trade_id", integer),
        ("last_trade_id", integer), ("trade_time", csv_time), ("is_buyer_maker", boolean), ("is_best_match", None),
    ),
    "trades": (
        ("trade_id", integer), ("price", decimal), ("quantity", decimal), ("quote_quantity", decimal),
        ("trade_time", csv_time), ("is_buyer_maker", boolean), ("is_best_match", None),
    ),
}  # fmt: skip
SMALL_BLOCK = 1_500

milliseconds = st.integers(1_262_304_000_000, 1_893_456_000_000)
csv_times = milliseconds.map(str) | st.builds(
    lambda ms, more: str(ms * 1_000 + more), milliseconds, st.integers(0, 999)
)
words = st.sampled_from(["True", "False", "true", "false", "TRUE", "FALSE"])
VALUES = {decimal: decimal_texts(), integer: ids.map(str), boolean: words, csv_time: csv_times, None: words}


def constants(name):
    return {**LABELS, "interval": "1m"} if name == "klines" else LABELS


@st.composite
def lines_of(draw, name):
    """Rows of a file, each a list of texts, in the order of their keys."""
    fields = FIELDS[name]
    rows, key = [], draw(st.integers(0, 2**62))
    for at in range(draw(st.integers(1, 12))):
        row = [draw(VALUES.get(of, csv_times)) for _, of in fields]
        if name == "klines":
            opened = 1_700_006_400_000 + at * 60_000
            row[0] = draw(st.sampled_from([str(opened), str(opened * 1_000)]))
        else:
            key += draw(st.integers(1, 3))
            row[0] = str(key)
        rows.append(row)
    if name != "klines" and draw(booleans):
        rows = [row[:-1] for row in rows]
    return rows


@st.composite
def written(draw, name, rows):
    """The text of rows, with or without a header and with either line end."""
    end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    lines = [",".join(row) for row in rows]
    if draw(booleans):
        header = [column for column, _ in FIELDS[name]][: max(len(rows[0]), 1)]
        lines.insert(0, ",".join(header))
    return (end.join(lines) + draw(st.sampled_from(["", end]))).encode("utf-8", "surrogatepass")


@st.composite
def damaged_lines(draw, rows):
    rows = [list(row) for row in rows]
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(rows) - 1))
        kind = draw(st.sampled_from(["value", "value", "value", "lack", "more", "twice", "again", "order", "line"]))
        field = draw(st.integers(0, max(len(rows[at]) - 1, 0)))
        odd = draw(st.sampled_from(ODD_TEXTS) | st.text(max_size=4))
        if kind == "value" and rows[at]:
            rows[at][field] = odd
        elif kind == "lack" and rows[at]:
            del rows[at][field]
        elif kind == "more":
            rows[at].insert(field, odd)
        elif kind == "twice":
            rows.insert(draw(st.integers(0, len(rows))), list(rows[at]))
        elif kind == "again" and rows[at]:
            rows.insert(draw(st.integers(0, len(rows))), [rows[at][0], *rows[draw(st.integers(0, len(rows) - 1))][1:]])
        elif kind == "order":
            rows = draw(st.permutations(rows))
        elif kind == "line":
            rows.insert(at, [odd])
    return rows


names = st.sampled_from(sorted(FIELDS))


def files_of(change=None):
    """Files of any kind, as (kind, rows, text)."""

    def of(name):
        made = lines_of(name) if change is None else lines_of(name).flatmap(change)
        return made.flatmap(lambda rows: written(name, rows).map(lambda text: (name, text)))

    return names.flatmap(of)


def damaged_text(file):
    name, text = file
    return damaged_bytes(text).map(lambda damaged: (name, damaged))


def load(name, text):
    """The blocks of a file up to its end or its error, and that error."""
    for whole in (False, True):
        blocks = []
        try:
            for block in read_rows(io.BytesIO(text), ARCHIVE_DATASETS["spot", name], constants(name), whole):
                blocks.append(block)
        except OutOfOrderError:
            assert not whole, "a file that is sorted as a whole has an order"
        except ArchiveFileError as error:
            return blocks, error
        else:
            return blocks, None
    raise AssertionError("unreachable")


def read(name, text, most=None):
    """The rows of a text, by key: of copies one, of rows that contradict each other none."""
    lines = re.split("\r\n|\r|\n", text.decode("latin-1"))
    if lines[0][:1].isalpha() and not re.search(r"\d", lines[0]):
        lines = lines[1:]
    lines = [line for line in lines if line][:most]
    by_key = {}
    for line in lines:
        values = line.split(",")
        row = {
            **constants(name),
            **{column: of(value) for (column, of), value in zip(FIELDS[name], values, strict=False) if of is not None},
        }
        if row.get("first_trade_id", 0) != -1:
            by_key.setdefault(row[FIELDS[name][0][0]], []).append(row)
    return [rows[0] for _, rows in sorted(by_key.items()) if all(row == rows[0] for row in rows)], len(lines)


def assert_equal(name, text, blocks, is_whole):
    found = [row for block in blocks for row in rows_of(block.table)]
    count = sum(block.read for block in blocks)
    expected, lines = read(name, text, None if is_whole else count)
    assert (found, count) == (expected, lines)
    divisor = 1_000 if name == "klines" else 1
    assert [key for block in blocks for key in block.keys.to_pylist()] == [
        row[FIELDS[name][0][0]] // divisor for row in expected
    ]


@pytest.fixture(scope="module", params=[SMALL_BLOCK, rows_module.BLOCK_BYTES], ids=["small blocks", "one block"])
def block_bytes(request):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_module, "BLOCK_BYTES", request.param)
        yield request.param


@given(files_of())
@example(("trades", b"1,1.50000000,2,3,1735689600000,True,True\n" * 3))
@pytest.mark.usefixtures("block_bytes")
def test_valid_files_are_the_rows_that_they_say(file):
    name, text = file
    blocks, error = load(name, text)
    assert error is None
    assert_equal(name, text, blocks, is_whole=True)


AGG = b"%s,1.5,2,10,11,1735689600000,True,True\n"


@given(files_of(damaged_lines) | files_of().flatmap(damaged_text))
@example(("agg_trades", AGG % b"5" + (AGG % b"5").replace(b"1.5", b"1.6") + AGG % b"6"))
@example(("agg_trades", AGG % b"0x10" + AGG % b"17"))
@example(("agg_trades", AGG % b" 0X10" + AGG % b"17"))
@example(("agg_trades", b"x" + AGG % b"1" + AGG % b"2"))
@example(("agg_trades", AGG % b"5" + AGG % b"-9223372036854775808"))
@example(("agg_trades", AGG % b"-1" + AGG % b"9223372036854775807"))
@example(("agg_trades", b"1,1.5,2,-7,11,1735689600000,True,True\n"))
@example(("agg_trades", b"1,1.5,2,10,11,1735689600,True,True\n"))
@example(("agg_trades", AGG % b"1" + b"\r\r\n" + AGG % b"2"))
@example(("trades", b"1,1e-8,2,3,1735689600000,true,true\n"))
@pytest.mark.usefixtures("block_bytes")
def test_any_file_is_the_rows_that_it_says_or_a_named_error(file):
    name, text = file
    blocks, error = load(name, text)
    # What was given before an error stands in the file as well.
    assert_equal(name, text, blocks, is_whole=error is None)


@pytest.mark.parametrize("field", range(8), ids=[column for column, _ in FIELDS["agg_trades"]])
def test_each_odd_text_of_a_row_is_what_it_says_or_a_named_error(field):
    for odd in ODD_TEXTS:
        row = (AGG % b"5").decode().strip().split(",")
        row[field] = odd
        text = (",".join(row) + "\n").encode()
        blocks, error = load("agg_trades", text)
        assert_equal("agg_trades", text, blocks, is_whole=error is None)


@given(st.binary(max_size=300) | st.text("0123456789.,eE+-x\r\n TrueFals", max_size=200).map(str.encode), names)
@pytest.mark.usefixtures("block_bytes")
def test_raw_bytes_are_the_rows_that_they_say_or_a_named_error(text, name):
    blocks, error = load(name, text)
    if blocks:
        assert_equal(name, text, blocks, is_whole=error is None)


@given(st.lists(st.integers(0, 2**63 - 1) | st.integers(0, 40), min_size=1, max_size=12, unique=True))
@example([0, 2**63 - 1])
def test_ids_however_far_apart_are_covered_where_they_are_and_nowhere_else(keys):
    text = b"".join(AGG % str(key).encode() for key in keys)
    [block], error = load("agg_trades", text)
    assert error is None
    covered = IdSpans("trade_time").take(block.table, block.keys)
    assert sum(end - begin for begin, end, *_ in covered) == len(keys)
    assert all(any(begin <= key < end for begin, end, *_ in covered) for key in keys)

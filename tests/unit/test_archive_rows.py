"""CSV of the archive to rows: every digit and every time as the text has it, or a refusal; expectations by hand."""

import csv
import io
import random
import zipfile
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from binance_source.archive import rows as rows_module
from binance_source.archive.errors import ArchiveFileError
from binance_source.archive.file_kinds import ARCHIVE_DATASETS
from binance_source.archive.rows import OutOfOrderError, read_rows

KLINES = ARCHIVE_DATASETS["spot", "klines"]
AGG_TRADES = ARCHIVE_DATASETS["spot", "agg_trades"]
TRADES = ARCHIVE_DATASETS["spot", "trades"]
LABELS = {"market": "spot", "symbol": "BTCUSDT", "source": "data/some.zip"}
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

# 2023-03-01 00:00:00 UTC is 19,417 days after the epoch, 2025-01-01 is 20,089.
MARCH_MS = 19_417 * 86_400_000
JANUARY_2025_US = 20_089 * 86_400_000_000


def parsed(text, dataset=AGG_TRADES, whole=False):
    """All blocks of a CSV."""
    constants = {**LABELS, "interval": "1m"} if dataset is KLINES else LABELS
    content = text if isinstance(text, bytes) else text.encode()
    return list(read_rows(io.BytesIO(content), dataset, constants, whole))


def as_dicts(blocks):
    return [row for block in blocks for row in block.table.to_pylist()]


def agg(number, *, price="1.5", quantity="2", first=None, last=None, time=MARCH_MS, maker="True", best="True"):
    first = 10 * number if first is None else first
    last = 10 * number + 1 if last is None else last
    return f"{number},{price},{quantity},{first},{last},{time},{maker},{best}"


def kline(open_time, close_time, close="2"):
    return f"{open_time},1,3,1,{close},10,{close_time},20,5,4,8,0"


def at(microseconds):
    return EPOCH + timedelta(microseconds=microseconds)


@pytest.fixture
def small_blocks(monkeypatch):
    """Two or three rows of `agg` a block."""
    monkeypatch.setattr(rows_module, "BLOCK_BYTES", 120)


def test_a_row_is_in_the_staging_tables_columns_with_its_constants():
    [block] = parsed(agg(7, price="61000.12345678", first=70, last=75, time=MARCH_MS + 1, maker="False") + "\n")
    assert block.table.schema.equals(AGG_TRADES.table.schema)
    assert (block.keys.to_pylist(), block.read, block.contradictions) == ([7], 1, 0)
    assert as_dicts([block]) == [
        {
            "market": "spot",
            "symbol": "BTCUSDT",
            "agg_trade_id": 7,
            "price": Decimal("61000.12345678"),
            "quantity": Decimal(2),
            "first_trade_id": 70,
            "last_trade_id": 75,
            "trade_time": datetime(2023, 3, 1, 0, 0, 0, 1000, tzinfo=timezone.utc),
            "is_buyer_maker": False,
            "source": "data/some.zip",
        }
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.00000001", "0.00000001"),
        ("12345678901234567890.12345678", "12345678901234567890.12345678"),
        ("99999999999999999999.99999999", "99999999999999999999.99999999"),
        ("0", "0"),
        ("-1.50000000", "-1.5"),
        ("0.1000000000000", "0.1"),
        ("1e-7", "0.0000001"),
        ("1.5E+3", "1500"),
        ("0.1", "0.1"),
        ("0.3", "0.3"),
    ],
)
def test_every_digit_of_a_number_arrives(text, value):
    assert as_dicts(parsed(agg(1, price=text)))[0]["price"] == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "0.000000001",
        "1e-9",
        "61000.123456785",
        "123456789012345678901",
        "100000000000000000000.0",
        "-100000000000000000000",
        "1e20",
        "99999999999999999999999999999999999999",
        "1e40",
        "",
        "abc",
        "NaN",
        "Infinity",
        "0x10",
        "1_000",
        "1;5",
    ],
)
def test_a_number_that_does_not_fit_is_refused_and_never_rounded(text):
    with pytest.raises(ArchiveFileError):
        parsed("\n".join([agg(1), agg(2, price=text), agg(3)]))


@pytest.mark.parametrize("text", ["0.000000001", "123456789012345678901", "abc", ""])
def test_the_refusal_of_a_number_names_its_column(text):
    with pytest.raises(ArchiveFileError, match="price"):
        parsed("\n".join([agg(1), agg(2, price=text), agg(3)]))


def test_random_numbers_equal_their_texts():
    generator = random.Random(20261121)
    texts = []
    for _ in range(2_000):
        whole = str(generator.randrange(10 ** generator.randrange(1, 21)))
        fraction = "".join(generator.choices("0123456789", k=generator.randrange(9)))
        texts.append(f"{whole}.{fraction}" if fraction else whole)
    lines = [agg(number, price=text, quantity=text) for number, text in enumerate(texts)]
    found = as_dicts(parsed("\n".join(lines)))
    assert [row["price"] for row in found] == [Decimal(text) for text in texts]
    assert [row["quantity"] for row in found] == [Decimal(text) for text in texts]


@pytest.mark.parametrize("text", ["-", "1.5", "1e3", "", "abc", "9223372036854775808"])
@pytest.mark.parametrize("field", [0, 3, 5])
def test_an_id_or_time_that_is_no_whole_number_is_refused(text, field):
    values = agg(2).split(",")
    values[field] = text
    with pytest.raises(ArchiveFileError):
        parsed("\n".join([agg(1), ",".join(values), agg(3)]))


@pytest.mark.parametrize(("text", "value"), [*((t, True) for t in ("True", "true", "TRUE")), ("False", False)])
def test_booleans_in_any_case(text, value):
    assert as_dicts(parsed(agg(1, maker=text)))[0]["is_buyer_maker"] is value
    assert as_dicts(parsed(agg(1, maker=text.lower())))[0]["is_buyer_maker"] is value


@pytest.mark.parametrize("text", ["1", "0", "", "yes", "None"])
def test_what_is_no_boolean_is_refused(text):
    with pytest.raises(ArchiveFileError):
        parsed(agg(1, maker=text))


def test_milliseconds_and_microseconds_are_told_apart_value_by_value():
    last_ms, first_us = JANUARY_2025_US // 1000 - 1, JANUARY_2025_US
    text = "\n".join(
        [agg(1, time=last_ms), agg(2, time=first_us), agg(3, time=last_ms), agg(4, time=first_us + 123_457)]
    )
    assert [row["trade_time"] for row in as_dicts(parsed(text))] == [
        datetime(2024, 12, 31, 23, 59, 59, 999_000, tzinfo=timezone.utc),
        datetime(2025, 1, 1, tzinfo=timezone.utc),
        datetime(2024, 12, 31, 23, 59, 59, 999_000, tzinfo=timezone.utc),
        datetime(2025, 1, 1, 0, 0, 0, 123_457, tzinfo=timezone.utc),
    ]


def test_random_mixes_of_units_give_the_exact_times():
    generator = random.Random(7)
    expected, lines = [], []
    for number in range(1_000):
        microseconds = generator.randrange(1_500_000_000_000_000, 1_800_000_000_000_000)
        in_ms = generator.random() < 0.5
        lines.append(agg(number, time=microseconds // 1000 if in_ms else microseconds))
        expected.append(at(microseconds // 1000 * 1000 if in_ms else microseconds))
    assert [row["trade_time"] for row in as_dicts(parsed("\n".join(lines)))] == expected


@pytest.mark.parametrize(
    "time", [0, -1, 1_677_628_800, 999_999_999_999, 10**13, 170_000_000_000_000, 10**15 - 1, 10**16, 10**18]
)
def test_seconds_nanoseconds_and_other_units_are_refused(time):
    for others in ([], [agg(1)], [agg(1, time=JANUARY_2025_US)], [agg(0), agg(1, time=JANUARY_2025_US)]):
        with pytest.raises(ArchiveFileError, match="trade_time"):
            parsed("\n".join([*others, agg(2, time=time)]))


def test_a_close_time_in_microseconds_is_cut_to_the_millisecond_and_stays_in_its_day():
    midnight = JANUARY_2025_US + 86_400_000_000
    text = kline(midnight - 60_000_000, midnight - 1) + "\n" + kline(midnight, midnight + 59_999_999)
    found = as_dicts(parsed(text, KLINES))
    assert [row["open_time"].isoformat() for row in found] == ["2025-01-01T23:59:00+00:00", "2025-01-02T00:00:00+00:00"]
    assert [row["close_time"].isoformat() for row in found] == [
        "2025-01-01T23:59:59.999000+00:00",
        "2025-01-02T00:00:59.999000+00:00",
    ]


def test_klines_in_mixed_units_have_times_in_milliseconds_and_keys_too():
    minute = JANUARY_2025_US // 1000
    text = "\n".join([kline(minute - 60_000, minute - 1), kline(minute * 1000, minute * 1000 + 59_999_999)])
    [block] = parsed(text, KLINES)
    assert block.keys.to_pylist() == [minute - 60_000, minute]
    assert [row["close_time"].isoformat() for row in as_dicts([block])] == [
        "2024-12-31T23:59:59.999000+00:00",
        "2025-01-01T00:00:59.999000+00:00",
    ]


def test_trades_keep_their_microseconds():
    found = as_dicts(parsed(f"5,1.5,2,3,{JANUARY_2025_US + 86_399_999_999},true,true\n", TRADES))
    assert found[0]["trade_time"].isoformat() == "2025-01-01T23:59:59.999999+00:00"
    assert (found[0]["trade_id"], found[0]["quote_quantity"]) == (5, Decimal(3))


HEADER = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker,is_best_match"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("last_end", [False, True])
@pytest.mark.parametrize("width", [7, 8])
def test_header_line_ends_and_the_best_match_column_may_be_or_not(end, header, last_end, width):
    lines = [*([HEADER] if header else []), *(agg(number) for number in (1, 2, 3))]
    text = end.join(",".join(line.split(",")[:width]) for line in lines) + (end if last_end else "")
    blocks = parsed(text)
    assert [key for block in blocks for key in block.keys.to_pylist()] == [1, 2, 3]
    assert sum(block.read for block in blocks) == 3
    assert [row["is_buyer_maker"] for row in as_dicts(blocks)] == [True, True, True]


@pytest.mark.parametrize("text", ["", HEADER + "\n", HEADER + "\r\n"])
def test_an_empty_file_gives_no_rows(text):
    assert as_dicts(parsed(text)) == []


@pytest.mark.parametrize("before", ["\ufeff", " ", "+", '"', "\n", "\x00"])
def test_a_first_line_that_is_neither_header_nor_row_is_not_passed_over(before):
    """Either the row is read or the file is refused; its first row must not vanish as if it were a header."""
    try:
        found = as_dicts(parsed(before + "\n".join([agg(1), agg(2), agg(3)]) + "\n"))
    except ArchiveFileError:
        return
    assert [row["agg_trade_id"] for row in found] == [1, 2, 3]


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("at_line", [1, 2])
@pytest.mark.parametrize("change", [",", ",5", None])
def test_a_row_with_more_or_fewer_columns_than_the_others_is_refused(end, at_line, change):
    lines = [agg(1), agg(2), agg(3)]
    lines[at_line] = lines[at_line] + change if change else lines[at_line].rpartition(",")[0]
    with pytest.raises(ArchiveFileError):
        parsed("\n".join(lines) + end)


@pytest.mark.parametrize("width", [1, 6, 9, 12])
def test_a_file_of_another_width_is_refused(width):
    with pytest.raises(ArchiveFileError, match=f"{width} columns"):
        parsed(",".join(["1"] * width) + "\n")


def test_a_kline_file_without_its_ignored_column_is_refused():
    with pytest.raises(ArchiveFileError, match="11 columns"):
        parsed(kline(MARCH_MS, MARCH_MS + 59_999).rpartition(",")[0], KLINES)


def test_a_header_of_another_width_than_the_rows_is_refused():
    with pytest.raises(ArchiveFileError):
        parsed(HEADER.rpartition(",")[0] + "\n" + agg(1) + "\n")


def test_an_html_page_is_refused():
    with pytest.raises(ArchiveFileError):
        parsed("<html>\n<body>no such file</body>\n</html>\n")


def test_rows_out_of_order_within_a_block_are_sorted_each_with_its_own_values():
    numbers = list(range(300))
    random.Random(3).shuffle(numbers)
    [block] = parsed("\n".join(agg(number, price=f"{number}.25") for number in numbers))
    assert block.keys.to_pylist() == list(range(300))
    assert block.read == 300
    assert [row["price"] for row in as_dicts([block])] == [Decimal(number) + Decimal("0.25") for number in range(300)]


@pytest.mark.usefixtures("small_blocks")
def test_rows_in_order_come_block_by_block():
    blocks = parsed("\n".join(agg(number) for number in range(100, 150)))
    assert len(blocks) > 10
    assert [key for block in blocks for key in block.keys.to_pylist()] == list(range(100, 150))


@pytest.mark.usefixtures("small_blocks")
def test_rows_out_of_order_across_blocks_ask_for_the_whole_file():
    numbers = list(range(100, 160))
    random.Random(4).shuffle(numbers)
    text = "\n".join(agg(number, price=f"{number}.5") for number in numbers)
    with pytest.raises(OutOfOrderError):
        parsed(text)
    [block] = parsed(text, whole=True)
    assert block.keys.to_pylist() == list(range(100, 160))
    assert [row["price"] for row in as_dicts([block])] == [
        Decimal(number) + Decimal("0.5") for number in block.keys.to_pylist()
    ]
    assert block.read == 60


@pytest.mark.usefixtures("small_blocks")
def test_a_row_repeated_far_from_the_first_is_taken_once():
    lines = [agg(number) for number in range(100, 130)]
    text = "\n".join([*lines, lines[3]])
    with pytest.raises(OutOfOrderError):
        parsed(text)
    [block] = parsed(text, whole=True)
    assert block.keys.to_pylist() == list(range(100, 130))
    assert (block.read, block.contradictions) == (31, 0)


@pytest.mark.usefixtures("small_blocks")
def test_a_file_that_is_too_large_to_be_sorted_is_refused(monkeypatch):
    monkeypatch.setattr(rows_module, "MOST_SORTED_BYTES", 1_000)
    text = "\n".join(agg(number) for number in range(200, 100, -1))
    with pytest.raises(ArchiveFileError, match="1,000 bytes"):
        parsed(text, whole=True)


def test_identical_rows_are_one_row():
    [block] = parsed("\n".join([agg(1), agg(1), agg(2), agg(3), agg(3), agg(3)]))
    assert (block.keys.to_pylist(), block.read, block.contradictions) == ([1, 2, 3], 6, 0)


def test_rows_that_contradict_each_other_are_left_out_and_counted():
    lines = [agg(1), agg(2, price="1.5"), agg(2, price="1.6"), agg(3), agg(4, maker="True"), agg(4, maker="False")]
    [block] = parsed("\n".join(lines))
    assert (block.keys.to_pylist(), block.read, block.contradictions) == ([1, 3], 6, 2)


def test_two_alike_and_a_third_that_contradicts_them_are_all_left_out():
    for order in ([0, 0, 1], [0, 1, 0], [1, 0, 0]):
        lines = [agg(2, price="1.5"), agg(2, price="1.6")]
        [block] = parsed("\n".join([agg(1), *(lines[index] for index in order), agg(3)]))
        assert (block.keys.to_pylist(), block.contradictions) == ([1, 3], 1)


def test_a_file_of_contradictions_alone_gives_no_rows():
    [block] = parsed("\n".join([agg(2, price="1.5"), agg(2, price="1.6")]))
    assert (block.table.num_rows, block.keys.to_pylist(), block.contradictions) == (0, [], 1)


def test_two_klines_whose_times_differ_below_the_millisecond_are_one():
    opened = JANUARY_2025_US
    [block] = parsed(kline(opened, opened + 59_999_999) + "\n" + kline(opened // 1000, opened // 1000 + 59_999), KLINES)
    assert (block.keys.to_pylist(), block.contradictions) == ([opened // 1000], 0)


def test_tombstones_are_left_out_and_counted_as_read():
    [block] = parsed("\n".join([agg(1), agg(2, price="0", quantity="0", first=-1, last=-1), agg(3), agg(3)]))
    assert (block.keys.to_pylist(), block.read, block.tombstones) == ([1, 3], 4, 1)


def test_a_file_of_tombstones_alone_gives_no_rows():
    blocks = parsed(agg(2, first=-1, last=-1))
    assert as_dicts(blocks) == []
    assert sum(block.read for block in blocks) == 1


@pytest.mark.usefixtures("small_blocks")
def test_random_files_equal_a_reading_by_hand():
    """Shuffled, with copies, contradictions and tombstones, in small blocks."""
    generator = random.Random(11)
    for _ in range(40):
        versions = {}
        lines = []
        for number in generator.sample(range(1_000), generator.randrange(1, 60)):
            kind = generator.choice(["one", "one", "one", "copies", "contradiction", "tombstone"])
            first = agg(number, price=f"{number}.1")
            again = {"copies": [first], "contradiction": [agg(number, price=f"{number}.2")]}.get(kind, [])
            new = [agg(number, first=-1, last=-1)] if kind == "tombstone" else [first, *again]
            lines += new
            if kind in ("one", "copies"):
                versions[number] = Decimal(f"{number}.1")
        generator.shuffle(lines)
        text = "\n".join(lines)
        try:
            blocks = parsed(text)
        except OutOfOrderError:
            blocks = parsed(text, whole=True)
        found = [(row["agg_trade_id"], row["price"]) for row in as_dicts(blocks)]
        assert found == sorted(versions.items())
        assert sum(block.read for block in blocks) == len(lines)


FOLDERS = {
    "daily, ms": "klines_1m/vision_spot_daily/BTCUSDT/BTCUSDT-1m-2023-03-24.zip",
    "monthly, with a header": "klines_1h/vision_spot_monthly/BTCUSDT-1h-2023-03.csv",
    "the last month in ms": "klines_1h/vision_spot_monthly_ms_to_us/BTCUSDT-1h-2024-12.csv",
    "the first month in us": "klines_1h/vision_spot_monthly_ms_to_us/BTCUSDT-1h-2025-01.csv",
}


@pytest.mark.parametrize("path", FOLDERS.values(), ids=FOLDERS.keys())
def test_recorded_files_equal_their_text(recordings, path):
    content = (recordings / path).read_bytes()
    if path.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = archive.read(archive.namelist()[0])
    numbers = ("open", "high", "low", "close", "volume")
    expected = []
    for row in csv.reader(io.StringIO(content.decode())):
        if row[0].isdigit():
            opened, closed = (int(row[index][:13]) for index in (0, 6))
            expected.append(
                {
                    "market": "spot",
                    "symbol": "BTCUSDT",
                    "interval": "1m",
                    "open_time": at(opened * 1000),
                    **{name: Decimal(text) for name, text in zip(numbers, row[1:6], strict=True)},
                    "close_time": at(closed * 1000),
                    "quote_volume": Decimal(row[7]),
                    "trade_count": int(row[8]),
                    "taker_buy_volume": Decimal(row[9]),
                    "taker_buy_quote_volume": Decimal(row[10]),
                    "source": "data/some.zip",
                }
            )
    assert len(expected) > 500
    assert as_dicts(parsed(content, KLINES)) == expected

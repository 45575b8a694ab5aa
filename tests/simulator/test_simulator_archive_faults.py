"""Faults of the archive on demand: each kind, and which files they strike."""

import hashlib
import io
import random
import time
import zipfile
from decimal import Decimal

import pytest
import requests
from urllib3.exceptions import ProtocolError

FOLDER = "data/spot/daily/klines/BTCUSDT/1h/"
KEY = f"{FOLDER}BTCUSDT-1h-2025-01-10.zip"
CSV_NAME = "BTCUSDT-1h-2025-01-10.csv"
MONTH = "data/spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2025-01.zip"
TRADES = "data/spot/daily/trades/SPARSEUSDT/SPARSEUSDT-trades-2025-01-10.zip"
AGGREGATES = "data/spot/daily/aggTrades/SPARSEUSDT/SPARSEUSDT-aggTrades-2024-12-20.zip"


@pytest.fixture(scope="module")
def shared(start_for_module, archive_of):
    return archive_of(start_for_module(market="tests", clock="2025-02-05T12:00:00", clock_mode="frozen"))


@pytest.fixture
def faulty(shared, times):
    """An archive without faults and with the clock of the start."""
    shared.simulator.clear_archive_faults()
    shared.simulator.clear_faults()
    shared.simulator.clock_set(times.utc_ms(2025, 2, 5, 12))
    return shared


def agreed(archive, key):
    """The content of a zip that its CHECKSUM and its listing agree with."""
    answer = archive.get(key)
    name = key.rpartition("/")[2]
    assert archive.get(f"{key}.CHECKSUM").text == f"{hashlib.sha256(answer.content).hexdigest()}  {name}"
    entry = archive.entry(key)
    assert (entry.size, entry.etag) == (len(answer.content), answer.headers["ETag"])
    return answer.content


def test_a_missing_file_is_neither_listed_nor_served(faulty):
    before = faulty.zips(FOLDER)
    faulty.simulator.add_archive_fault("missing", path=KEY)
    assert [faulty.get(key).status_code for key in (KEY, f"{KEY}.CHECKSUM")] == [404, 404]
    assert set(before) - set(faulty.zips(FOLDER)) == {"BTCUSDT-1h-2025-01-10.zip"}
    faulty.simulator.clear_archive_faults()
    assert faulty.zips(FOLDER) == before
    assert faulty.get(KEY).status_code == 200


def test_a_folder_of_missing_files_is_gone_too(faulty):
    faulty.simulator.add_archive_fault("missing", path="data/spot/*/trades/ETHUSDT/*")
    assert "ETHUSDT" not in faulty.folders("data/spot/daily/trades/")
    assert {"ETHBTC", "BTCUSDT"} <= set(faulty.folders("data/spot/daily/trades/"))
    assert "ETHUSDT" in faulty.folders("data/spot/daily/aggTrades/")
    faulty.simulator.add_archive_fault("missing", path="data/spot/monthly/trades/")
    assert faulty.folders("data/spot/monthly/") == ["aggTrades", "klines"]


def test_what_is_gone_is_listed_and_a_404(faulty):
    faulty.simulator.add_archive_fault("gone", path=KEY)
    assert "BTCUSDT-1h-2025-01-10.zip" in faulty.zips(FOLDER)
    assert [faulty.get(key).status_code for key in (KEY, f"{KEY}.CHECKSUM")] == [404, 404]
    faulty.simulator.clear_archive_faults()
    faulty.simulator.add_archive_fault("gone", path=KEY, times=2)
    assert [faulty.get(KEY).status_code for _ in range(3)] == [404, 404, 200]


def test_nothing_since_a_day_is_published(faulty):
    faulty.simulator.add_archive_fault("not_published", since="2025-01-29")
    assert faulty.zips(FOLDER)[-1] == "BTCUSDT-1h-2025-01-28.zip"
    assert faulty.get(f"{FOLDER}BTCUSDT-1h-2025-01-29.zip").status_code == 404
    assert faulty.get(f"{FOLDER}BTCUSDT-1h-2025-01-28.zip").status_code == 200
    # A month is as late as its last day.
    assert faulty.zips("data/spot/monthly/klines/BTCUSDT/1h/") == ["BTCUSDT-1h-2024-12.zip"]
    faulty.simulator.clear_archive_faults()
    faulty.simulator.add_archive_fault("not_published", path="*/daily/*", since="2025-02-01")
    assert faulty.zips(FOLDER)[-1] == "BTCUSDT-1h-2025-01-31.zip"
    assert len(faulty.zips("data/spot/monthly/klines/BTCUSDT/1h/")) == 2


def test_a_wrong_checksum_is_one_of_other_bytes(faulty):
    right = faulty.get(f"{KEY}.CHECKSUM").text
    faulty.simulator.add_archive_fault("wrong_checksum", path=KEY, times=2)
    wrong = [faulty.get(f"{KEY}.CHECKSUM").text for _ in range(3)]
    assert wrong[0] == wrong[1] != right == wrong[2]
    assert wrong[0][64:] == right[64:] == "  BTCUSDT-1h-2025-01-10.zip"
    assert int(wrong[0][:64], 16)
    assert faulty.entry(f"{KEY}.CHECKSUM").size == len(wrong[0])
    assert len(faulty.lines(KEY)) == 24
    assert [rule["hits"] for rule in faulty.simulator.archive_faults()] == [2]


def test_no_checksum_for_good_or_at_first(faulty):
    faulty.simulator.add_archive_fault("no_checksum", path=KEY)
    assert [faulty.get(key).status_code for key in (KEY, f"{KEY}.CHECKSUM")] == [200, 404]
    assert f"{KEY}.CHECKSUM" not in faulty.keys(FOLDER)
    assert KEY in faulty.keys(FOLDER)
    faulty.simulator.clear_archive_faults()
    faulty.simulator.add_archive_fault("no_checksum", path=KEY, times=1)
    assert f"{KEY}.CHECKSUM" in faulty.keys(FOLDER)
    assert [faulty.get(f"{KEY}.CHECKSUM").status_code for _ in range(2)] == [404, 200]


def test_a_cut_zip_ends_before_its_length(faulty):
    whole = faulty.get(KEY).content
    faulty.simulator.add_archive_fault("cut_zip", path=KEY, times=2)
    for _ in range(2):
        with faulty.session.get(f"{faulty.simulator.archive_url}/{KEY}", stream=True, timeout=10) as answer:
            assert (answer.status_code, int(answer.headers["Content-Length"])) == (200, len(whole))
            read = answer.raw.read(len(whole) // 2)
            assert read == whole[: len(whole) // 2]
            with pytest.raises(ProtocolError, match="IncompleteRead"):
                answer.raw.read(1)
    assert agreed(faulty, KEY) == whole
    faulty.simulator.add_archive_fault("cut_zip", path=KEY, bytes=0)
    with pytest.raises(requests.RequestException):
        faulty.get(KEY)


def test_a_corrupt_zip_has_one_other_byte(faulty):
    whole = faulty.get(KEY).content
    faulty.simulator.add_archive_fault("corrupt_zip", path=KEY, times=1)
    corrupt = faulty.get(KEY).content
    assert len(corrupt) == len(whole)
    assert sum(a != b for a, b in zip(corrupt, whole, strict=True)) == 1
    with zipfile.ZipFile(io.BytesIO(corrupt)) as archive, pytest.raises((zipfile.BadZipFile, zipfile.zlib.error)):
        archive.read(CSV_NAME)
    assert agreed(faulty, KEY) == whole


def test_a_short_zip_is_consistently_cut(faulty):
    whole = faulty.get(KEY).content
    faulty.simulator.add_archive_fault("short_zip", path=KEY)
    assert agreed(faulty, KEY) == whole[: len(whole) // 2]
    faulty.simulator.clear_archive_faults()
    faulty.simulator.add_archive_fault("short_zip", path=KEY, bytes=100)
    assert agreed(faulty, KEY) == whole[:100]
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(whole[:100]))


def test_two_members_and_absurd_names(faulty):
    text = faulty.zip(KEY)[CSV_NAME]
    faulty.simulator.add_archive_fault("two_members", path=KEY)
    assert faulty.zip(KEY) == {CSV_NAME: text, f"copy-of-{CSV_NAME}": text}
    faulty.simulator.clear_archive_faults()
    faulty.simulator.add_archive_fault("absurd_name", path=KEY)
    assert faulty.zip(KEY) == {"../../evil.csv": text}


def test_a_bomb_inflates_to_its_bytes_and_is_small(faulty):
    first = faulty.lines(KEY)[0]
    began = time.monotonic()
    faulty.simulator.add_archive_fault("bomb", path=KEY, bytes=100_000_000)
    content = agreed(faulty, KEY)
    assert time.monotonic() - began < 20
    assert len(content) < 2_000_000
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.getinfo(CSV_NAME).file_size == 100_000_000
        with archive.open(CSV_NAME) as file:
            assert file.readline().decode() == file.readline().decode() == ",".join(first) + "\n"
    assert faulty.simulator.archive_faults()[0]["bytes"] == 100_000_000


def test_what_is_not_a_zip(faulty):
    faulty.simulator.add_archive_fault("not_a_zip", path=KEY)
    content = agreed(faulty, KEY)
    assert content.startswith(b"<html>")
    assert not zipfile.is_zipfile(io.BytesIO(content))


@pytest.mark.parametrize(
    ("key", "header"),
    [
        (
            KEY,
            "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
            "taker_buy_quote_volume,ignore",
        ),
        (TRADES, "id,price,qty,quote_qty,time,is_buyer_maker,is_best_match"),
        (
            AGGREGATES,
            "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker,is_best_match",
        ),
    ],
)
def test_a_header_is_one_more_line(faulty, key, header):
    lines = faulty.lines(key)
    faulty.simulator.add_archive_fault("header", path=key)
    assert faulty.lines(key) == [header.split(","), *lines]


@pytest.mark.parametrize(("key", "time_column", "unit"), [(KEY, 0, 1000), (TRADES, 4, 1000), (AGGREGATES, 5, 1)])
def test_rows_of_a_time_are_dropped(faulty, key, time_column, unit):
    lines = faulty.lines(key)
    dropped = lines[3:10]
    start, end = (int(lines[index][time_column]) // unit for index in (3, 10))
    faulty.simulator.add_archive_fault("drop_rows", path=key, from_ms=start, to_ms=end)
    left = faulty.lines(key)
    assert left == [line for line in lines if not start <= int(line[time_column]) // unit < end]
    assert len(lines) - len(left) >= len(dropped) - 1


def test_rows_are_doubled(faulty):
    lines = faulty.lines(KEY)
    faulty.simulator.add_archive_fault("duplicate_rows", path=KEY, every=5)
    doubled = faulty.lines(KEY)
    assert len(doubled) == 24 + 4
    assert [line for line in lines if doubled.count(line) == 2] == [lines[4], lines[9], lines[14], lines[19]]
    assert doubled[:7] == [*lines[:5], lines[4], lines[5]]


def test_rows_are_shuffled_always_alike(faulty):
    lines = faulty.lines(KEY)
    faulty.simulator.add_archive_fault("unsorted", path=KEY)
    shuffled = faulty.lines(KEY)
    assert shuffled != lines
    assert sorted(shuffled) == lines
    faulty.simulator.clear_archive_faults()
    faulty.simulator.add_archive_fault("unsorted", path=KEY, seed=0)
    assert faulty.lines(KEY) == shuffled
    expected = list(lines)
    random.Random(0).shuffle(expected)
    assert shuffled == expected


def test_a_month_that_disagrees_with_its_days(faulty):
    lines = faulty.lines(MONTH)
    faulty.simulator.add_archive_fault("change_rows", path="data/spot/monthly/*", every=100)
    changed = faulty.lines(MONTH)
    differing = [index for index, line in enumerate(lines) if line != changed[index]]
    assert differing == [99, 199, 299, 399, 499, 599, 699]
    for index in differing:
        before, after = lines[index], changed[index]
        close = Decimal(before[4]) + Decimal("0.01")
        assert (after[4], len(after[4])) == (f"{close:.8f}", len(before[4]))
        assert Decimal(after[2]) == max(close, Decimal(before[2]))
        assert [*after[:2], after[3], *after[5:]] == [*before[:2], before[3], *before[5:]]
    assert faulty.lines(KEY) == lines[9 * 24 : 10 * 24]


def test_a_trade_that_changed(faulty):
    lines = faulty.lines(TRADES)
    faulty.simulator.add_archive_fault("change_rows", path=TRADES, every=len(lines))
    changed = faulty.lines(TRADES)
    assert changed[:-1] == lines[:-1]
    assert Decimal(changed[-1][1]) > Decimal(lines[-1][1])
    assert changed[-1][:1] + changed[-1][2:] == lines[-1][:1] + lines[-1][2:]


def test_a_bad_number(faulty):
    lines = faulty.lines(KEY)
    faulty.simulator.add_archive_fault("bad_number", path=KEY, row=7, column=5, text="1e5x")
    spoilt = faulty.lines(KEY)
    assert spoilt[7][5] == "1e5x"
    assert spoilt[7][:5] + spoilt[7][6:] == lines[7][:5] + lines[7][6:]
    assert spoilt[:7] + spoilt[8:] == lines[:7] + lines[8:]


def test_a_file_is_published_anew(faulty, times):
    lines, modified = faulty.lines(KEY), faulty.entry(KEY).modified
    at = times.utc_ms(2025, 2, 5, 14, 30)
    start = times.utc_ms(2025, 1, 10, 18)
    faulty.simulator.add_archive_fault("republished", path=KEY, at_ms=at, from_ms=start, to_ms=at)
    assert faulty.lines(KEY) == lines[:18]
    assert faulty.entry(KEY).modified == modified == "2025-01-11T05:00:00.000Z"
    faulty.simulator.clock_set(at - 1)
    etag = faulty.entry(KEY).etag
    assert faulty.lines(KEY) == lines[:18]
    faulty.simulator.clock_set(at)
    assert faulty.lines(KEY) == lines
    assert faulty.entry(KEY).modified == "2025-02-05T14:30:00.000Z"
    assert faulty.entry(KEY).etag != etag
    assert faulty.get(KEY).headers["Last-Modified"] == "Wed, 05 Feb 2025 14:30:00 GMT"
    assert faulty.get(f"{KEY}.CHECKSUM").headers["Last-Modified"] == "Wed, 05 Feb 2025 14:30:00 GMT"


def test_a_file_published_anew_had_other_numbers_before(faulty, times):
    lines, at = faulty.lines(KEY), times.utc_ms(2025, 2, 6)
    faulty.simulator.add_archive_fault("republished", path=KEY, at_ms=at, every=12)
    before = faulty.lines(KEY)
    assert [index for index, line in enumerate(lines) if line != before[index]] == [11, 23]
    faulty.simulator.clock_set(at)
    assert faulty.lines(KEY) == lines


def test_faults_add_up(faulty):
    lines = faulty.lines(KEY)
    faulty.simulator.add_archive_fault("duplicate_rows", path=KEY, every=24)
    faulty.simulator.add_archive_fault("header", path=KEY)
    faulty.simulator.add_archive_fault("two_members", path=KEY)
    faulty.simulator.add_archive_fault("wrong_checksum", path=KEY, times=1)
    members = faulty.get(KEY).content
    with zipfile.ZipFile(io.BytesIO(members)) as archive:
        assert len(archive.namelist()) == 2
        assert len(archive.read(CSV_NAME).splitlines()) == 1 + 24 + 1
        assert archive.read(CSV_NAME).decode().splitlines()[-1] == ",".join(lines[-1])


def test_the_two_lists_of_faults_are_cleared_apart(faulty):
    faulty.simulator.add_archive_fault("gone", path=KEY)
    faulty.simulator.add_fault("http_503_html", path=f"/{MONTH}", count=None)
    faulty.simulator.clear_faults()
    assert (faulty.get(KEY).status_code, faulty.get(MONTH).status_code) == (404, 200)
    faulty.simulator.add_fault("http_503_html", path=f"/{MONTH}", count=None)
    faulty.simulator.clear_archive_faults()
    assert (faulty.get(KEY).status_code, faulty.get(MONTH).status_code) == (200, 503)
    assert faulty.simulator.archive_faults() == []


def test_a_path_is_a_beginning_or_a_pattern(faulty):
    faulty.simulator.add_archive_fault("gone", path="/data/spot/monthly/klines")
    faulty.simulator.add_archive_fault("gone", path="*-2025-01-1[0-2].zip")
    later = f"{FOLDER}BTCUSDT-1h-2025-01-13.zip"
    assert [faulty.get(key).status_code for key in (MONTH, KEY, TRADES, later)] == [404, 404, 404, 200]
    assert [rule["hits"] for rule in faulty.simulator.archive_faults()] == [1, 2]


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"kind": "melted"}, "kind 'melted' is not one of missing, not_published, gone"),
        ({"kind": "missing", "times": 2}, "missing takes no times; those that do are gone, no_checksum"),
        ({"kind": "gone", "times": 0}, "times = 0 is less than 1"),
        ({"kind": "gone", "path": 3}, "path = 3 has the wrong type"),
        ({"kind": "gone", "every": 3}, "unknown key 'every'; known for gone are path, times"),
        ({"kind": "drop_rows", "from_ms": 3}, "drop_rows needs to_ms"),
        ({"kind": "republished", "at_ms": 3, "from_ms": 3}, "from_ms and to_ms go together"),
        ({"kind": "not_published"}, "not_published needs since"),
        ({"kind": "not_published", "since": "soon"}, "since = 'soon' is not a date such as 2025-01-31"),
        ({"kind": "bomb", "bytes": 1 << 31}, "bytes = 2147483648 is more than 2147483647"),
        ({"kind": "change_rows", "every": 0}, "every = 0 is less than 1"),
        ({"kind": "change_rows", "every": True}, "every = True has the wrong type"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_in_one_line(faulty, description, message):
    with pytest.raises(ValueError, match="^" + message.replace("(", r"\(")) as error:
        faulty.simulator.add_archive_fault(**description)
    assert "\n" not in str(error.value)
    assert faulty.simulator.archive_faults() == []

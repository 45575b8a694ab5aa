"""Zips as an adversary or a bad disk makes them: the one right member as a stream, or a refusal."""

import io
import itertools
import random
import struct
import zipfile

import pytest

from binance_source.archive import rows as rows_module
from binance_source.archive.errors import ArchiveFileError
from binance_source.archive.file_kinds import ARCHIVE_DATASETS
from binance_source.archive.rows import read_rows
from binance_source.archive.zips import open_member

NAME = "BTCUSDT-aggTrades-2024-05-07.csv"
AGG_TRADES = ARCHIVE_DATASETS["spot", "agg_trades"]
CONTENT = b"".join(
    b"%d,%d.5,0.25,%d,%d,17150400%05d,True,True\n" % (n, 60_000 + n % 7, 2 * n, 2 * n + 1, n) for n in range(300)
)


def zipped(members, compression=zipfile.ZIP_DEFLATED):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name, (2024, 5, 8, 0, 0, 0)), content, compression)
    return target.getvalue()


def content_of(data, size=None):
    """What comes out, read in pieces."""
    with open_member(io.BytesIO(data), len(data) if size is None else size, NAME) as stream:
        pieces = []
        while piece := stream.read(1_000):
            pieces.append(piece)
        return b"".join(pieces)


def refused(data, match=None):
    with pytest.raises(ArchiveFileError, match=match) as caught:
        content_of(data)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_the_one_right_member_is_read_as_it_is(compression):
    assert content_of(zipped([(NAME, CONTENT)], compression)) == CONTENT


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
@pytest.mark.parametrize("size", [1, 7, 4_096, 10**7, -1])
def test_it_can_be_read_in_pieces_of_any_size(compression, size):
    whole = zipped([(NAME, CONTENT * 50)], compression)
    with open_member(io.BytesIO(whole), len(whole), NAME) as stream:
        pieces = list(itertools.takewhile(bool, (stream.read(size) for _ in range(2_000_000))))
    assert b"".join(pieces) == CONTENT * 50
    assert all(len(piece) == size for piece in pieces[:-1])


def test_an_empty_member_is_empty():
    assert content_of(zipped([(NAME, b"")])) == b""


@pytest.mark.parametrize(
    "names",
    [
        [NAME, "other.csv"],
        ["other.csv", NAME],
        ["BTCUSDT-aggTrades-2024-05-08.csv"],
        [NAME.upper()],
        ["../" + NAME],
        ["../../../../etc/cron.d/x"],
        ["/" + NAME],
        ["./" + NAME],
        ["folder/" + NAME],
        [NAME + "/"],
        ["..\\" + NAME],
        ["x" * 5_000],
        ["a\nb"],
        [],
    ],
)
def test_any_other_members_are_refused(names):
    refused(zipped([(name, CONTENT) for name in names]))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_right_member_twice_is_refused():
    refused(zipped([(NAME, CONTENT), (NAME, b"1,2,3\n")]), "2 members")


def test_a_bomb_that_says_its_size_is_refused_before_it_is_read():
    bomb = zipped([(NAME, bytes(8 * 2**20))])
    assert len(bomb) < 10_000
    with pytest.raises(ArchiveFileError, match="inflate"), open_member(io.BytesIO(bomb), len(bomb), NAME):
        pytest.fail("it was opened")


def test_a_bomb_that_lies_about_its_size_gives_no_more_than_it_says():
    bomb = bytearray(zipped([(NAME, bytes(8 * 2**20))]))
    directory = bomb.rindex(b"PK\x01\x02")
    for position in (22, directory + 24):  # sizes in the local header and in the central directory
        struct.pack_into("<I", bomb, position, 1_000)
    pieces = []
    with pytest.raises(ArchiveFileError), open_member(io.BytesIO(bytes(bomb)), len(bomb), NAME) as stream:
        pieces.extend(iter(lambda: stream.read(64), b""))
    assert sum(map(len, pieces)) <= 1_000


@pytest.mark.parametrize("content", [b"", b"PK", b"<html>busy</html>", bytes(1_000), CONTENT])
def test_what_is_no_zip_is_refused(content):
    refused(content, "not a whole zip")


def test_a_truncated_zip_is_refused_wherever_it_ends():
    whole = zipped([(NAME, CONTENT)])
    for end in range(0, len(whole), 7):
        refused(whole[:end])


def test_a_zip_that_lost_its_beginning_is_refused():
    whole = zipped([(NAME, CONTENT)])
    for start in (1, 20, 40, 200, len(whole) // 2):
        refused(whole[start:])


def test_an_encrypted_member_is_refused():
    locked = bytearray(zipped([(NAME, CONTENT)]))
    directory = locked.rindex(b"PK\x01\x02")
    locked[6] |= 1
    locked[directory + 8] |= 1
    refused(bytes(locked))


@pytest.mark.parametrize("method", [1, 6, 9, 93, 97, 99])
def test_an_unknown_compression_is_refused(method):
    strange = bytearray(zipped([(NAME, CONTENT)]))
    directory = strange.rindex(b"PK\x01\x02")
    struct.pack_into("<H", strange, 8, method)
    struct.pack_into("<H", strange, directory + 10, method)
    refused(bytes(strange))


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_flipped_byte_anywhere_is_refused_or_does_not_matter(compression):
    """A byte of a date or a comment does not matter; one of the content always does."""
    whole = zipped([(NAME, CONTENT)], compression)
    generator = random.Random(compression)
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << generator.randrange(8)
        try:
            found = content_of(bytes(damaged))
        except ArchiveFileError:
            continue
        assert found == CONTENT, position


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_no_row_comes_out_of_a_file_of_one_block_with_a_flipped_byte(compression):
    """The zip's own checksum is reached before the first row is given."""
    whole = zipped([(NAME, CONTENT)], compression)
    start, end = 30 + len(NAME), whole.rindex(b"PK\x01\x02")
    for position in range(start, end, 11):
        damaged = bytearray(whole)
        damaged[position] ^= 0x55
        given = []
        with pytest.raises(ArchiveFileError), open_member(io.BytesIO(damaged), len(damaged), NAME) as stream:
            given.extend(read_rows(stream, AGG_TRADES, {"market": "spot", "symbol": "BTCUSDT", "source": "x"}))
        assert given == []


def test_rows_given_before_a_flipped_byte_in_the_last_block_are_the_right_ones(monkeypatch):
    monkeypatch.setattr(rows_module, "BLOCK_BYTES", 2_000)
    content = b"".join(b"%d,1.5,2,%d,%d,1715040000000,True,True\n" % (n, n, n) for n in range(20_000))
    damaged = bytearray(zipped([(NAME, content)], zipfile.ZIP_STORED))
    damaged[30 + len(NAME) + len(content) - 12] ^= 1  # "True" of the last row
    given = []
    with pytest.raises(ArchiveFileError), open_member(io.BytesIO(damaged), len(damaged), NAME) as stream:
        given.extend(read_rows(stream, AGG_TRADES, {"market": "spot", "symbol": "BTCUSDT", "source": "x"}))
    keys = [key for block in given for key in block.keys.to_pylist()]
    assert keys == list(range(len(keys)))
    assert 0 < len(keys) < 20_000

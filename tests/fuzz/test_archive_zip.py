"""Zips of any structure: the content that was packed, or a named error; never much memory."""

import io
import struct
import tracemalloc
import zipfile

import pytest
from documents import booleans, damaged_bytes
from hypothesis import assume, example, given
from hypothesis import strategies as st

from binance_source.archive.errors import ArchiveFileError
from binance_source.archive.zips import ALLOWANCE_BYTES, MOST_INFLATED, open_member

NAME = "BTCUSDT-trades-2024-05-07.csv"
OTHER = "BTCUSDT-trades-2024-05-08.csv"
PIECE = 4_096
LOCAL, DIRECTORY, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
EDGES = (0, 1, 2, 8, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)

contents = st.binary(max_size=200) | st.builds(
    lambda row, times: row * times, st.binary(min_size=1, max_size=30), st.integers(1, 3_000)
)


@st.composite
def zips(draw, members=1):
    """A zip as a tool might write it: any method, zip64 or not, with a comment or with something before it."""
    target = io.BytesIO(draw(st.sampled_from([b"", b"", b"MZ something before"])))
    target.seek(0, io.SEEK_END)
    packed = draw(contents)
    with zipfile.ZipFile(target, "w") as archive:
        for number in range(members):
            info = zipfile.ZipInfo(NAME if number == 0 else draw(st.sampled_from([OTHER, "../" + NAME, "", "é.csv"])))
            info.compress_type = draw(st.sampled_from([zipfile.ZIP_DEFLATED] * 3 + [zipfile.ZIP_STORED]))
            with archive.open(info, "w", force_zip64=draw(booleans)) as member:
                member.write(packed)
        archive.comment = draw(st.sampled_from([b"", b"", b"a comment", DIRECTORY + LOCAL, b"x" * 65_535]))
    return packed, target.getvalue()


@st.composite
def with_edges(draw, made):
    """Numbers of its headers set to the edges of what they can hold."""
    packed, whole = made
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        sign, length = draw(st.sampled_from([(LOCAL, 30), (DIRECTORY, 46), (END, 22), (b"PK\x06\x06", 56)]))
        at = data.rfind(sign)
        form = draw(st.sampled_from(["<H", "<I", "<Q"]))
        offset = at + draw(st.integers(4, length - 1))
        if at >= 0 and offset + struct.calcsize(form) <= len(data):
            value = draw(st.sampled_from(EDGES) | st.integers(0, 2**64 - 1))
            struct.pack_into(form, data, offset, value % 256 ** struct.calcsize(form))
    return packed, bytes(data)


def content_of(data):
    with open_member(io.BytesIO(data), len(data), NAME) as stream:
        pieces = []
        while piece := stream.read(PIECE):
            pieces.append(piece)
            assert len(piece) <= PIECE
        return b"".join(pieces)


@given(zips())
def test_a_zip_of_the_one_member_is_read_as_it_was_packed(made):
    packed, data = made
    assume(len(packed) <= len(data) * MOST_INFLATED + ALLOWANCE_BYTES)
    assert content_of(data) == packed


@given(st.integers(2, 4).flatmap(zips))
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_of_more_members_is_refused(made):
    with pytest.raises(ArchiveFileError, match="members"):
        content_of(made[1])


def with_offset(offset):
    """A zip whose directory places its member, by a zip64 field, at this offset."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(NAME, b"content")
    data = target.getvalue()
    start, end = data.rindex(DIRECTORY), data.rindex(END)
    entry, tail = bytearray(data[start:end]), bytearray(data[end:])
    entry += struct.pack("<HHQ", 1, 8, offset)
    struct.pack_into("<H", entry, 30, 12)
    struct.pack_into("<I", entry, 42, 0xFFFFFFFF)
    struct.pack_into("<I", tail, 12, len(entry))
    return b"content", data[:start] + bytes(entry) + bytes(tail)


@given(zips().flatmap(with_edges) | zips().flatmap(lambda made: st.tuples(st.just(made[0]), damaged_bytes(made[1]))))
@example(with_offset(0))
@example(with_offset(2**62))
@example(with_offset(2**63))
@example(with_offset(2**64 - 1))
def test_a_damaged_zip_gives_what_was_packed_or_a_named_error(made):
    packed, data = made
    try:
        found = content_of(data)
    except ArchiveFileError:
        return
    assert found == packed


@given(st.binary(max_size=400) | st.binary(max_size=200).map(lambda data: data + END + bytes(18)))
def test_bytes_that_are_no_zip_are_refused(data):
    with pytest.raises(ArchiveFileError):
        content_of(data)


def many_members(count):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(NAME, b"content")
    data = target.getvalue()
    start, end = data.rindex(DIRECTORY), data.rindex(END)
    entry, tail = data[start:end], bytearray(data[end:])
    struct.pack_into("<HHI", tail, 8, count & 0xFFFF, count & 0xFFFF, count * len(entry))
    return data[:start] + entry * count + bytes(tail)


def inflating(size, said):
    """Zeros, packed a thousandfold, that are said to be fewer."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(NAME, bytes(size))
    data = bytearray(target.getvalue())
    for position in (22, data.rindex(DIRECTORY) + 24):
        struct.pack_into("<I", data, position, said)
    return bytes(data)


BOMBS = {
    "two hundred thousand members": lambda: many_members(200_000),
    "64 MB of zeros": lambda: inflating(64 * 2**20, 64 * 2**20),
    "64 MB of zeros that are said to be 4 GB": lambda: inflating(64 * 2**20, 2**32 - 2),
    "64 MB of zeros that are said to be 1 MB": lambda: inflating(64 * 2**20, 2**20),
    "a comment without end": lambda: many_members(1) + b"x" * 2**20,
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_takes_little_memory(bomb):
    data = bomb()
    tracemalloc.start()
    try:
        with pytest.raises(ArchiveFileError):
            content_of(data)
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()

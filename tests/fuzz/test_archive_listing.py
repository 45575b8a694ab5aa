"""The archive's listing and CHECKSUM files: the files that they name, or a named error; never much memory."""

import re
import tracemalloc
from datetime import date
from xml.dom import Node, minidom
from xml.sax.saxutils import escape

import pytest
from documents import ODD_TEXTS, booleans, damaged_bytes
from hypothesis import example, given
from hypothesis import strategies as st
from readings import iso

from binance_source.archive.host import ArchiveFile
from exchange_engine.http.errors import SourceError

PREFIX = "data/spot/daily/klines/BTCUSDT/1m/"
DAY_MS = 86_400_000
FILE = ArchiveFile(f"{PREFIX}BTCUSDT-1m-2024-05-07.zip", 18, 0, (0, DAY_MS))
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'

stamps = st.datetimes().map(lambda moment: moment.isoformat(timespec="milliseconds") + "Z")
dates = st.dates(date(2017, 1, 1), date(2030, 1, 1)).map(lambda day: f"BTCUSDT-1m-{day:%Y-%m-%d}.zip")
odd = st.sampled_from([one for one in ODD_TEXTS if len(one) < 1_000]) | st.text(max_size=5)
odd_names = st.sampled_from(
    ["BTCUSDT-1m-2024-05.zip", "BTCUSDT-1m-2024-13.zip", "BTCUSDT-1m-2024-02-30.zip", "BTCUSDT-1m-0000-01-01.zip",
     "../x-2024-05-07.zip", "a/b-2024-05-07.zip", "\xe9-2024-05-07.zip", ".zip"]
)  # fmt: skip
sizes = st.integers(0, 10**15 - 1).map(str)
nothing = st.just("")


def element(name, text):
    return f"<{name}>{escape(text)}</{name}>"


@st.composite
def pages(draw, name=dates, size=sizes, stamp=stamps, more=nothing):
    entries = "".join(
        f"<Contents>{draw(more)}{element('Key', PREFIX + draw(name))}{element('LastModified', draw(stamp))}"
        f"<ETag>&quot;d4&quot;</ETag>{element('Size', draw(size))}</Contents>"
        for _ in range(draw(st.integers(0, 4)))
    )
    return (
        f'{DECLARATION}\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>x</Name>'
        f"<Prefix>{PREFIX}</Prefix><Marker></Marker><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>"
    )


def text_of(parent, name):
    """The text of the first child of this name, up to an element within it; comments are no text."""
    for child in parent.childNodes:
        if child.nodeType == Node.ELEMENT_NODE and child.nodeName.rpartition(":")[2] == name:
            parts = []
            for node in child.childNodes:
                if node.nodeType == Node.ELEMENT_NODE:
                    break
                if node.nodeType in (Node.TEXT_NODE, Node.CDATA_SECTION_NODE):
                    parts.append(node.data)
            return "".join(parts)
    raise KeyError(name)


def period(name):
    """The days that a file's name says, in milliseconds since 1970, or None."""
    found = re.search(r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2}))?\.zip$", name)
    try:
        year, month, day = (int(part or 1) for part in found.groups())
        begin = date(year, month, day).toordinal()
        end = begin + 1 if found[3] else date(year + month // 12, month % 12 + 1, 1).toordinal()
    except (ValueError, AttributeError):
        return None
    return tuple((day - date(1970, 1, 1).toordinal()) * DAY_MS for day in (begin, end))


def read(body):
    files = []
    for entry in minidom.parseString(body).documentElement.childNodes:
        if entry.nodeType == Node.ELEMENT_NODE and entry.nodeName.rpartition(":")[2] == "Contents":
            key = text_of(entry, "Key")
            if re.fullmatch(re.escape(PREFIX) + r"[\w-]+\.zip", key) and period(key) is not None:
                size, modified = int(text_of(entry, "Size")), iso(text_of(entry, "LastModified"))
                files.append(ArchiveFile(key, size, modified, period(key)))
    return files


@given(pages())
def test_a_valid_page_names_the_files_that_it_says(archive, page):
    body = page.encode()
    assert archive.play(body).files(PREFIX) == read(body)


markup = st.sampled_from(
    ["", "<!-- <Key>x</Key> -->", "<Key>first</Key>", "<x><Key>y</Key></x>", "<?pi x?>", "&lt;", "&#0;", "&x;"]
)
odd_pages = pages(dates | odd_names | odd, odd | st.just("18"), stamps | odd, markup)
ENTRY = element("Key", f"{PREFIX}BTCUSDT-1m-2024-05-07.zip") + element("LastModified", "2024-05-08T00:00:00Z")


def page(*entries, before=DECLARATION):
    return (
        f"{before}<ListBucketResult><Prefix>{PREFIX}</Prefix><Marker></Marker>"
        + "".join(f"<Contents>{entry}</Contents>" for entry in entries)
        + "</ListBucketResult>"
    ).encode()


MOST_MEMORY = 12 * 2**20
"""What a page of 0.1 MB may take, or one that is too large to be read."""

LAUGHS = "<!DOCTYPE x [<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY {chr(98 + level)} '{f'&{chr(97 + level)};' * 10}'>" for level in range(9)
) + "]>"  # fmt: skip


@given(
    odd_pages.map(lambda text: text.encode("utf-8", "replace"))
    | pages().flatmap(lambda text: damaged_bytes(text.encode()))
)
@example(page(ENTRY + element("Size", "9" * 5_000)))
@example(page(ENTRY + element("Size", "\u0661\u0662")))
@example(page(before='<?xml version="1.0" encoding="no-such"?>'))
@example(page(before='<?xml version="1.0" encoding="utf-7"?>'))
@example(page(before='<?xml version="1.0" encoding="idna"?>'))
@example(page(before="<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"))
def test_any_page_names_the_files_that_it_says_or_is_a_named_error(archive, body):
    try:
        found = archive.play(body).files(PREFIX)
    except SourceError:
        return
    assert found == read(body)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_listing_are_a_named_error(archive, body):
    with pytest.raises(SourceError):
        archive.play(body).files(PREFIX)


BOMBS = {
    "entities of entities": page("&j;", before=LAUGHS),
    "one long entity, often": page("&a;" * 100_000, before=f"<!DOCTYPE x [<!ENTITY a '{'x' * 100_000}'>]>"),
    "without end": page(ENTRY) + b" " * 2**27,
    "millions of elements": page("<a/>" * 4_000_000),
    "cut off": page("<a/>" * 20_000)[:-20],
    "deep": page("<a>" * 10_000 + "</a>" * 10_000)[:-20],
}


@pytest.mark.parametrize("body", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_takes_little_memory(archive, body):
    tracemalloc.start()
    try:
        with pytest.raises(SourceError):
            archive.play(body).files(PREFIX)
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()


sums = st.text("0123456789abcdefABCDEF", min_size=64, max_size=64)
checksums = st.builds(
    lambda digest, blank, star, name, end: f"{digest}{blank}{star}{name}{end}",
    sums | st.text("0123456789abcdefg\u0661", max_size=70),
    st.sampled_from([" ", "  ", "\t", "", "\n", "\u2003"]),
    st.sampled_from(["", "*", "**"]),
    st.sampled_from([FILE.name, FILE.name.lower(), FILE.name + ".x", "../" + FILE.name, PREFIX + FILE.name, ""]),
    st.sampled_from(["", "\n", "\r\n", "\n\n", " x", "\x00", "\n" + "0" * 64 + "  other.zip"]),
)


@given(sums, st.sampled_from(["", "\n", "\r\n"]), booleans)
def test_a_valid_checksum_is_the_one_that_it_says(archive, digest, end, is_binary):
    body = f"{digest} {'*' if is_binary else ' '}{FILE.name}{end}".encode()
    assert archive.play(body).checksum(FILE) == digest.lower()


@given(
    checksums.map(str.encode) | checksums.flatmap(lambda text: damaged_bytes(text.encode())) | st.binary(max_size=100)
)
@example(b"\xff" * 64 + b"  " + FILE.name.encode())
def test_any_checksum_is_the_one_that_it_says_or_a_named_error(archive, body):
    try:
        found = archive.play(body).checksum(FILE)
    except SourceError:
        return
    digest, name = body.decode().split()
    assert (found, FILE.name) == (digest.lower(), name.removeprefix("*"))
    assert re.fullmatch("[0-9a-f]{64}", found)

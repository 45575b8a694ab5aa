"""Pages of the archive's listing that take long to make."""

from types import SimpleNamespace
from xml.etree import ElementTree as Xml

import pytest

from exchange_simulator.archive import listing

S3 = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class SlowContents:
    """Twenty zips, of which each takes a second."""

    def __init__(self):
        self.now = 0.0

    def folders(self, _folder):
        return []

    def zips(self, _folder, first):
        for number in range(20):
            name = f"A-{number:02d}.zip"
            if name >= first:
                self.now += 1.0
                yield name, SimpleNamespace(size=1, etag="e", modified=0, checksum_size=2), True


@pytest.fixture
def slow(monkeypatch):
    contents = SlowContents()
    monkeypatch.setattr(listing, "time", SimpleNamespace(monotonic=lambda: contents.now))
    return contents


def test_a_page_ends_early_and_the_pages_join_to_the_whole(slow):
    keys, sizes, marker = [], [], ""
    while True:
        request = listing.ListingRequest.of({"prefix": "data/", "delimiter": "/", "marker": marker})
        page = Xml.fromstring(listing.listing_page(slow, request))
        found = [element.text for element in page.findall(f"{S3}Contents/{S3}Key")]
        keys += found
        sizes.append(len(found))
        if page.findtext(f"{S3}IsTruncated") == "false":
            break
        marker = page.findtext(f"{S3}NextMarker")
        assert marker == found[-1]
    names = [f"data/A-{number:02d}.zip" for number in range(20)]
    assert keys == [key for name in names for key in (name, f"{name}.CHECKSUM")]
    assert len(sizes) > 3
    assert max(sizes) <= 12

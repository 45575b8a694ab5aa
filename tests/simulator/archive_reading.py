"""A plain reading of the simulated archive: raw XML, zipfile and csv, as anybody would do it."""

import csv
import hashlib
import io
import zipfile
from datetime import datetime, timezone
from decimal import Decimal
from types import SimpleNamespace
from xml.etree import ElementTree as Xml

S3 = "{http://s3.amazonaws.com/doc/2006-03-01/}"
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def microseconds(moment):
    """Microseconds since 1970 of a datetime, exactly."""
    elapsed = moment - EPOCH
    return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds


def as_number(text):
    """A cell as what it means: a boolean, or an exact number."""
    return {"True": True, "False": False}[text] if text in ("True", "False") else Decimal(text)


class Archive:
    """The archive of a simulator."""

    def __init__(self, client):
        self.session, self.simulator = client.session, client.simulator

    def get(self, key, method="GET"):
        return self.session.request(method, f"{self.simulator.archive_url}/{key}", timeout=60)

    def zip(self, key):
        """The members of a zip whose download, CHECKSUM and listing agree: name to text."""
        answer = self.get(key)
        assert answer.status_code == 200, (key, answer.status_code)
        name = key.rpartition("/")[2]
        assert self.get(f"{key}.CHECKSUM").text == f"{hashlib.sha256(answer.content).hexdigest()}  {name}"
        entry = self.entry(key)
        assert (entry.size, entry.etag) == (len(answer.content), answer.headers["ETag"])
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.testzip() is None
            return {member: archive.read(member).decode() for member in archive.namelist()}

    def lines(self, key):
        """The cells of the one member of a zip, which bears the zip's name."""
        members = self.zip(key)
        assert list(members) == [key.rpartition("/")[2].replace(".zip", ".csv")]
        text = next(iter(members.values()))
        assert text.endswith("\n")
        return list(csv.reader(io.StringIO(text)))

    def rows(self, key):
        """The lines as numbers and booleans."""
        return [[as_number(cell) for cell in cells] for cells in self.lines(key)]

    def page(self, **query):
        query = {name.replace("_", "-"): value for name, value in query.items()}
        answer = self.session.get(self.simulator.archive_listing_url, params={"delimiter": "/", **query}, timeout=60)
        assert answer.status_code == 200, answer.text
        root = Xml.fromstring(answer.content)
        fields = ("Key", "Size", "ETag", "LastModified")
        raw = [[entry.findtext(S3 + field) for field in fields] for entry in root.findall(f"{S3}Contents")]
        prefixes = [entry.findtext(f"{S3}Prefix") for entry in root.findall(f"{S3}CommonPrefixes")]
        return SimpleNamespace(
            entries=[SimpleNamespace(key=k, size=int(s), etag=e, modified=m) for k, s, e, m in raw],
            prefixes=prefixes,
            next_marker=root.findtext(f"{S3}NextMarker"),
            is_truncated=root.findtext(f"{S3}IsTruncated") == "true",
        )

    def entry(self, key):
        """What the listing says about one key."""
        return next(entry for entry in self.page(prefix=key).entries if entry.key == key)

    def keys(self, folder, marker=""):
        """All keys of a folder, page by page."""
        found = []
        while True:
            page = self.page(prefix=folder, marker=marker)
            found += [entry.key for entry in page.entries]
            if not page.is_truncated:
                return found
            marker = page.next_marker

    def zips(self, folder):
        """The names of the zips of a folder; each has its CHECKSUM right behind it."""
        keys = self.keys(folder)
        assert keys == sorted(keys, key=str.encode)
        assert [f"{key}.CHECKSUM" for key in keys[::2]] == keys[1::2]
        return [key.rpartition("/")[2] for key in keys[::2]]

    def folders(self, folder):
        """The names of the folders in a folder, page by page: a busy server ends a page early."""
        found, marker = [], ""
        while True:
            page = self.page(prefix=folder, marker=marker)
            found += [prefix.removeprefix(folder).removesuffix("/") for prefix in page.prefixes]
            if not page.is_truncated:
                return found
            marker = page.next_marker

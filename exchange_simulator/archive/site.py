"""The archive's web pages: zips, CHECKSUM files and the listing. They have no weights or limits."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from pathlib import Path
from typing import Final

from exchange_simulator.archive.base import (
    CHECKSUM_SUFFIX,
    ROOT,
    ZIP_SUFFIX,
    ArchiveStore,
    ArchiveZip,
    checksum_etag,
)
from exchange_simulator.archive.faults import ArchiveFaults, is_over
from exchange_simulator.archive.generated import Publication
from exchange_simulator.archive.listing import ListingError, ListingRequest, error_document, listing_page
from exchange_simulator.archive.spoiling import corrupted, cut_length, spoilt, wrong_checksum
from exchange_simulator.archive.zips import ZipCache
from exchange_simulator.clock import Clock
from exchange_simulator.faults import Answer

LISTING_PATH: Final = "/s3"
_XML_TYPE: Final = "application/xml"
_ZIP_TYPE: Final = "application/zip"
_CHECKSUM_TYPE: Final = "binary/octet-stream"
_MICROSECONDS_PER_MILLISECOND: Final = 1000


class _ClosedError(Exception):
    """The server was stopped while a page was being made."""


def is_archive_path(path: str) -> bool:
    """Return whether a request goes to the archive rather than the API."""
    return path.startswith(f"/{ROOT}") or path.rstrip("/") == LISTING_PATH


class ArchiveSite:
    """Serves the files of an archive and its listing, in a thread of its own.

    One page of a listing can need hundreds of zips; meanwhile the API must respond. There is only one thread, so store
    and cache need no locks.
    """

    def __init__(self, store: ArchiveStore, clock: Clock, publication: Publication, cache: ZipCache) -> None:
        self.faults = ArchiveFaults()
        self.publication = publication
        self._store = store
        self._clock = clock
        self._cache = cache
        self._thread = ThreadPoolExecutor(1)
        self._is_closed = False

    def close(self) -> None:
        """Stop what is being made."""
        self._is_closed = True
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def answer(self, path: str, query: list[tuple[str, str]]) -> Answer:
        """Return the response to a GET of a percent-decoded path under /data/, or of /s3."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._answer, path, query)
        except _ClosedError:
            return Answer(0, b"", delivery="reset", shown_weight=0.0)

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders in a folder; hidden files make no folder."""
        names = self._store.folders(folder, self._clock.now())
        if not self.faults.hides_any:
            return list(names)
        return [name for name in names if self._shows_any(f"{folder}{name}/")]

    def zips(self, folder: str, first: str) -> Iterator[tuple[str, ArchiveZip, bool]]:
        """Yield name and zip of each zip in a folder, in order from a name on, and whether its CHECKSUM is listed."""
        for name in self._store.zips(folder, first, self._clock.now()):
            if self._is_closed:
                raise _ClosedError
            found = self._find(folder + name)
            if found is not None:
                yield name, found, self.faults.lists_checksum(folder + name)

    def _shows_any(self, folder: str) -> bool:
        now = self._clock.now()
        if any(not self.faults.hides(folder + name) for name in self._store.zips(folder, "", now)):
            return True
        return any(self._shows_any(f"{folder}{name}/") for name in self._store.folders(folder, now))

    def _find(self, key: str) -> ArchiveZip | None:
        """Return the zip of a key, changed by the active faults, or None if it does not exist or is hidden."""
        now = self._clock.now()
        found = None if self.faults.hides(key) else self._store.find(key, now)
        rules = self.faults.of_content(key)
        if found is None or not rules:
            return found
        body, name = found.body, key.rpartition("/")[2]
        in_force = [rule for rule in rules if not is_over(rule, now)]
        put_right = [rule.settings["at_ms"] * _MICROSECONDS_PER_MILLISECOND for rule in rules if is_over(rule, now)]

        def make() -> bytes:
            original = _loaded(body())
            return spoilt(original, key, in_force) if in_force else original

        cache_key = (key, found.etag, tuple(rule.id for rule in in_force))
        return self._cache.get(cache_key, name, max([found.modified, *put_right]), make)

    def _answer(self, path: str, query: list[tuple[str, str]]) -> Answer:
        if not path.startswith(f"/{ROOT}"):
            return self._listing(dict(query))
        asked = path.removeprefix("/")
        key = asked.removesuffix(CHECKSUM_SUFFIX)
        found = self._find(key) if key.endswith(ZIP_SUFFIX) else None
        if found is None or self.faults.strike("gone", key):
            return _missing(asked)
        return self._zip(key, found) if asked == key else self._checksum(key, found)

    def _zip(self, key: str, found: ArchiveZip) -> Answer:
        self.faults.count_content(key)
        answer = _answer_of(found.body(), _ZIP_TYPE, found, found.etag)
        if self.faults.strike("corrupt_zip", key):
            answer = _answer_of(corrupted(_loaded(found.body())), _ZIP_TYPE, found, found.etag)
        cut = self.faults.strike("cut_zip", key)
        return answer if cut is None else answer.loaded().cut(cut_length(found.size, cut.settings))

    def _checksum(self, key: str, found: ArchiveZip) -> Answer:
        if self.faults.strike("no_checksum", key):
            return _missing(key + CHECKSUM_SUFFIX)
        is_wrong = self.faults.strike("wrong_checksum", key)
        content = wrong_checksum(key.rpartition("/")[2]) if is_wrong else found.checksum()
        return _answer_of(content, _CHECKSUM_TYPE, found, checksum_etag(found))

    def _listing(self, query: dict[str, str]) -> Answer:
        try:
            page = listing_page(self, ListingRequest.of(query))
        except ListingError as error:
            return Answer(400, error_document("InvalidArgument", str(error)), _XML_TYPE, shown_weight=0.0)
        return Answer(200, page, _XML_TYPE, shown_weight=0.0)


def _answer_of(body: bytes | Path, content_type: str, found: ArchiveZip, etag: str) -> Answer:
    headers = {"Last-Modified": formatdate(found.modified // 1_000_000, usegmt=True), "ETag": f'"{etag}"'}
    if isinstance(body, Path):
        return Answer(200, b"", content_type, headers=headers, shown_weight=0.0, file=body)
    return Answer(200, body, content_type, headers=headers, shown_weight=0.0)


def _loaded(body: bytes | Path) -> bytes:
    return body.read_bytes() if isinstance(body, Path) else body


def _missing(key: str) -> Answer:
    page = error_document("NoSuchKey", "The specified key does not exist.", key)
    return Answer(404, page, _XML_TYPE, shown_weight=0.0)

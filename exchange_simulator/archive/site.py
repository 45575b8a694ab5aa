"""The archive's web pages: zips, CHECKSUM files and the listing. Nothing of it is weighted or limited."""

from collections.abc import Iterator
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
from exchange_simulator.archive.listing import ListingError, ListingRequest, error_document, listing_page
from exchange_simulator.clock import Clock
from exchange_simulator.faults import Answer

LISTING_PATH: Final = "/s3"
_XML_TYPE: Final = "application/xml"
_ZIP_TYPE: Final = "application/zip"
_CHECKSUM_TYPE: Final = "binary/octet-stream"


def is_archive_path(path: str) -> bool:
    """Tell whether a request goes to the archive and not to the API."""
    return path.startswith(f"/{ROOT}") or path.rstrip("/") == LISTING_PATH


class ArchiveSite:
    """Answers requests for files of an archive and for its listing."""

    def __init__(self, store: ArchiveStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def answer(self, path: str, query: list[tuple[str, str]]) -> Answer:
        """Answer a GET of a path, percent-decoded, under /data/ or of /s3."""
        if not path.startswith(f"/{ROOT}"):
            return self._listing(dict(query))
        key = path.removeprefix("/")
        if key.endswith(CHECKSUM_SUFFIX):
            found = self._find(key.removesuffix(CHECKSUM_SUFFIX))
            return _missing(key) if found is None else _checksum_answer(found)
        found = self._find(key)
        return _missing(key) if found is None else _zip_answer(found)

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders in a folder."""
        return list(self._store.folders(folder, self._clock.now()))

    def zips(self, folder: str, first: str) -> Iterator[tuple[str, ArchiveZip, bool]]:
        """Yield name and zip of each zip in a folder from a name on, in order, and whether its CHECKSUM is listed."""
        for name in self._store.zips(folder, first, self._clock.now()):
            found = self._find(folder + name)
            if found is not None:
                yield name, found, True

    def _find(self, key: str) -> ArchiveZip | None:
        return self._store.find(key, self._clock.now()) if key.endswith(ZIP_SUFFIX) else None

    def _listing(self, query: dict[str, str]) -> Answer:
        try:
            page = listing_page(self, ListingRequest.of(query))
        except ListingError as error:
            return Answer(400, error_document("InvalidArgument", str(error)), _XML_TYPE, shows_weight=False)
        return Answer(200, page, _XML_TYPE, shows_weight=False)


def _headers(found: ArchiveZip, etag: str) -> dict[str, str]:
    return {"Last-Modified": formatdate(found.modified // 1_000_000, usegmt=True), "ETag": f'"{etag}"'}


def _zip_answer(found: ArchiveZip) -> Answer:
    body, headers = found.body(), _headers(found, found.etag)
    if isinstance(body, Path):
        return Answer(200, b"", _ZIP_TYPE, headers=headers, shows_weight=False, file=body)
    return Answer(200, body, _ZIP_TYPE, headers=headers, shows_weight=False)


def _checksum_answer(found: ArchiveZip) -> Answer:
    headers = _headers(found, checksum_etag(found))
    return Answer(200, found.checksum(), _CHECKSUM_TYPE, headers=headers, shows_weight=False)


def _missing(key: str) -> Answer:
    page = error_document("NoSuchKey", "The specified key does not exist.", key)
    return Answer(404, page, _XML_TYPE, shows_weight=False)

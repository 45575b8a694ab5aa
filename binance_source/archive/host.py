"""Requests to the archive: its S3 listing, checksums, and downloads that are hashed as they arrive."""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TypeVar
from urllib.parse import quote
from xml.etree.ElementTree import Element

import requests
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from exchange_engine.http.errors import StoppedError
from exchange_engine.http.session import (
    FIRST_CONTACT_ATTEMPTS,
    open_session,
    pause_seconds,
    pieces,
    transport_error,
    whole_body,
)
from exchange_engine.times import microseconds

from ..settings import BinanceConfiguration
from .errors import ArchiveFileError, ArchiveUnreachableError, MissingFileError, PassingFileError
from .file_kinds import period_of

T = TypeVar("T")

ENDING = ".zip"
LISTING_BYTES = 4 * 2**20
"""The largest page of a listing. A page of a thousand keys has 0.4 MB, and its parsed tree can take twenty times
that."""

CHECKSUM_BYTES = 4096
PIECE_BYTES = 2**20

_NO_XML = (ParseError, DefusedXmlException, LookupError, ValueError)
"""What parsing raises for a text that is not XML; the last two for encodings in its declaration."""

_SIZE = re.compile(r"[0-9]{1,15}")
_FILE = re.compile(r"[\w-]+\.zip")
_FOLDER = re.compile(r"[\w-]+")
_CHECKSUM = re.compile(r"([0-9a-fA-F]{64})\s+\*?(\S+)\s*")


@dataclass(frozen=True)
class ArchiveFile:
    """A zip of the archive, as listed.

    Attributes:
        key: Path, such as "data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-05-07.zip".
        size: Size in bytes.
        last_modified_us: Microseconds since 1970.
        period: The period [from, to) in its name, in milliseconds since 1970.
    """

    key: str
    size: int
    last_modified_us: int
    period: tuple[int, int]

    @property
    def name(self) -> str:
        """The file's name, with its ending."""
        return self.key.rpartition("/")[2]

    @property
    def member(self) -> str:
        """The name of the CSV in it."""
        return f"{self.name.removesuffix(ENDING)}.csv"


@dataclass(frozen=True)
class Download:
    """Result of a download: number of bytes, and their SHA-256 in hex."""

    size: int
    sha256: str


class ArchiveHost:
    """Sends requests to the archive, with retries where they may help; for any number of threads.

    Args:
        configuration: Hosts, timeouts, retries.
        stop: Set to make every thread that waits or downloads raise StoppedError.
    """

    def __init__(self, configuration: BinanceConfiguration, stop: threading.Event) -> None:
        self._configuration = configuration
        self._stop = stop
        self._session = open_session(configuration.archive_url, configuration.archive_connections)
        self._has_answered = False

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def files(self, prefix: str, marker: str = "", last: str | None = None) -> list[ArchiveFile]:
        """List the zips of a folder, in the order of their names.

        Args:
            prefix: A folder, with a slash at its end.
            marker: Only keys after this one.
            last: Only keys up to this one.
        """
        found: list[ArchiveFile] = []
        for page in self._pages(prefix, marker):
            for entry in _children(page, "Contents"):
                key = _text(entry, "Key")
                if last is not None and key > last:
                    return found
                period = period_of(key.removesuffix(ENDING))
                # The key becomes a path if zips are kept, so keys that lead out of the folder are ignored.
                is_inside = key.startswith(prefix) and _FILE.fullmatch(key.removeprefix(prefix))
                if is_inside and period is not None:
                    found.append(ArchiveFile(key, *_size_and_time(entry), period))
        return found

    def folders(self, prefix: str) -> list[str]:
        """List the names of the folders in a folder, such as all symbols."""
        found = []
        for page in self._pages(prefix, ""):
            for entry in _children(page, "CommonPrefixes"):
                folder = _text(entry, "Prefix").removeprefix(prefix).rstrip("/")
                if _FOLDER.fullmatch(folder):
                    found.append(folder)
        return found

    def checksum(self, file: ArchiveFile) -> str:
        """Return the SHA-256 that the archive promises for a file, in hex.

        Raises:
            ArchiveFileError: There is no CHECKSUM, or it belongs to another file.
        """

        def read(response: requests.Response) -> str:
            body = whole_body(response, self._configuration.timeout_seconds, CHECKSUM_BYTES)
            said = body.decode("utf-8", "replace").strip()
            found = _CHECKSUM.fullmatch(said)
            if not found or found[2] != file.name:
                raise PassingFileError(f"its CHECKSUM says {said[:100]!r}, which is not a SHA-256 and {file.name}")
            return found[1].lower()

        return self._get(f"{self._configuration.archive_url}/{quote(file.key)}.CHECKSUM", {}, read)

    def download(self, file: ArchiveFile, target: IO[bytes]) -> Download:
        """Download a file and hash it as it arrives.

        Args:
            file: The file as listed; a body that is much larger is cut off and refused.
            target: Where the bytes go; emptied first.

        Raises:
            ArchiveFileError: The download failed.
            StoppedError: The run was stopped.
        """

        def read(response: requests.Response) -> Download:
            target.seek(0)
            target.truncate()
            digest, size, most = hashlib.sha256(), 0, 2 * file.size + PIECE_BYTES
            for piece in pieces(response, self._configuration.timeout_seconds):
                size += len(piece)
                if size > most:
                    raise PassingFileError(f"more than {most:,} bytes came, and the listing says {file.size:,}")
                if self._stop.is_set():
                    raise StoppedError
                digest.update(piece)
                target.write(piece)
            target.flush()
            return Download(size, digest.hexdigest())

        return self._get(f"{self._configuration.archive_url}/{quote(file.key)}", {}, read)

    def _pages(self, prefix: str, marker: str) -> Iterator[Element]:
        """Yield the pages of a listing (S3 ListObjects, version 1: 1,000 keys and prefixes a page)."""
        while True:
            page = self._page(prefix, marker)
            yield page
            if _text(page, "IsTruncated", "false") != "true":
                return
            last = [_text(entry, "Key") for entry in _children(page, "Contents")]
            last += [_text(entry, "Prefix") for entry in _children(page, "CommonPrefixes")]
            following = _text(page, "NextMarker", max(last, default=""))
            if following <= marker:
                raise ArchiveFileError(f"the listing of {prefix} does not go on after {marker!r}")
            marker = following

    def _page(self, prefix: str, marker: str) -> Element:
        def read(response: requests.Response) -> Element:
            try:
                page: Element = fromstring(whole_body(response, self._configuration.timeout_seconds, LISTING_BYTES))
            except _NO_XML as error:
                raise PassingFileError(f"a listing in XML was expected ({error})") from error
            answered = (_text(page, "Prefix", ""), _text(page, "Marker", ""))
            if _name(page) != "ListBucketResult" or answered != (prefix, marker):
                raise PassingFileError(f"the listing of {prefix!r} after {marker!r} was answered with {answered}")
            return page

        query = {"delimiter": "/", "prefix": prefix, "marker": marker}
        return self._get(self._configuration.archive_listing_url, query, read)

    def _get(self, url: str, query: dict[str, str], read: Callable[[requests.Response], T]) -> T:
        attempt = 0
        while True:
            try:
                return self._attempt(url, query, read)
            except (requests.RequestException, PassingFileError) as error:
                attempt += 1
                allowed = self._configuration.max_attempts if self._has_answered else FIRST_CONTACT_ATTEMPTS
                if attempt >= allowed:
                    raise self._give_up(url, error, attempt) from error
            if self._stop.wait(pause_seconds(self._configuration, attempt)):
                raise StoppedError

    def _attempt(self, url: str, query: dict[str, str], read: Callable[[requests.Response], T]) -> T:
        if self._stop.is_set():
            raise StoppedError
        with self._session.get(url, params=query, timeout=self._configuration.timeout_seconds, stream=True) as response:
            if response.status_code == 404:
                raise MissingFileError(f"HTTP 404 for {url}")
            if response.status_code != 200:
                raise PassingFileError(f"HTTP {response.status_code} for {url}")
            result = read(response)
            self._has_answered = True
            return result

    def _give_up(self, url: str, error: Exception, attempts: int) -> Exception:
        said = f"{transport_error(error)} ({attempts} attempts)"
        if self._has_answered:
            return ArchiveFileError(said)
        return ArchiveUnreachableError(
            f"the archive does not answer at {url.split('?')[0]}: {said}; check the network, or "
            "sources.binance.archive_url and archive_listing_url, or use --source rest"
        )


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _children(element: Element, name: str) -> list[Element]:
    return [child for child in element if _name(child) == name]


def _text(element: Element, name: str, default: str | None = None) -> str:
    for child in _children(element, name):
        return child.text or ""
    if default is None:
        raise PassingFileError(f"a listing entry without {name}")
    return default


def _size_and_time(entry: Element) -> tuple[int, int]:
    size, modified = _text(entry, "Size"), _text(entry, "LastModified")
    try:
        moment = datetime.fromisoformat(modified.replace("Z", "+00:00"))
        if not _SIZE.fullmatch(size) or moment.tzinfo is None:
            raise ValueError
    except ValueError:
        raise ArchiveFileError(f"the listing says {size!r} bytes, modified {modified!r}, of a file") from None
    return int(size), microseconds(moment)

"""The archive's listing: the ListBucketResult of S3's first listing API (GET Bucket, version 1), page by page."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final, Protocol
from xml.sax.saxutils import escape

from exchange_simulator.archive.base import CHECKSUM_SUFFIX, ZIP_SUFFIX, ArchiveZip, checksum_etag

_BUCKET: Final = "data.binance.vision"
_NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"
_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_MOST_KEYS: Final = 1000
_PATIENCE_SECONDS: Final = 5.0
_PARAMETERS: Final = frozenset({"delimiter", "prefix", "marker", "max-keys"})


class ListingError(ValueError):
    """An invalid request for a listing; the text is S3's message."""


class Contents(Protocol):
    """What to list: an ArchiveStore at one moment, with the active faults."""

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders in a folder."""

    def zips(self, folder: str, first: str) -> Iterator[tuple[str, ArchiveZip, bool]]:
        """Yield name and zip of each zip in a folder, in order from a name on, and whether its CHECKSUM is listed."""


@dataclass(frozen=True)
class _Key:
    """A key, or a common prefix of keys with a slash at its end, and its XML."""

    key: str
    xml: str


@dataclass(frozen=True)
class ListingRequest:
    """The query of a listing."""

    prefix: str
    delimiter: str
    marker: str
    max_keys: int

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "ListingRequest":
        """Return the request in a query. Raises ListingError for what S3 or this server does not support."""
        unknown = sorted(set(query) - _PARAMETERS)
        if unknown:
            raise ListingError(f"This server does not know the parameter {unknown[0]}.")
        delimiter, most = query.get("delimiter", ""), query.get("max-keys", str(_MOST_KEYS))
        if delimiter not in ("", "/"):
            raise ListingError("This server knows no delimiter but /.")
        if not most.isascii() or not most.isdigit():
            raise ListingError("Provided max-keys not an integer or within integer range")
        return cls(query.get("prefix", ""), delimiter, query.get("marker", ""), int(most))


def listing_page(contents: Contents, request: ListingRequest) -> bytes:
    """Return one page: the first keys and common prefixes after the marker, in the order of their UTF-8 bytes.

    As in S3, NextMarker is given only with a delimiter. Only the entries of the page are computed, and one more. A page
    that needs many large zips to be made ends early, as S3 may end one, so that the client does not time out.
    """
    patience_ends = time.monotonic() + _PATIENCE_SECONDS
    most = min(request.max_keys, _MOST_KEYS)
    found: list[_Key] = []
    is_truncated = False
    for entry in _walk(contents, request, request.prefix.rpartition("/")[0]) if most else ():
        is_truncated = len(found) == most or (bool(found) and time.monotonic() > patience_ends)
        if is_truncated:
            break
        found.append(entry)
    keys = [entry.xml for entry in found if not entry.key.endswith("/")]
    prefixes = [entry.xml for entry in found if entry.key.endswith("/")]
    parts = [
        f'{_DECLARATION}<ListBucketResult xmlns="{_NAMESPACE}">',
        _element("Name", _BUCKET),
        _element("Prefix", request.prefix),
        _element("Marker", request.marker),
        _element("NextMarker", found[-1].key) if is_truncated and request.delimiter else "",
        _element("MaxKeys", str(most)),
        _element("Delimiter", request.delimiter) if request.delimiter else "",
        _element("IsTruncated", str(is_truncated).lower()),
        *keys,
        *prefixes,
        "</ListBucketResult>",
    ]
    return "".join(parts).encode()


def error_document(code: str, message: str, key: str | None = None) -> bytes:
    """Return S3's XML for an error."""
    parts = [_element("Code", code), _element("Message", message), "" if key is None else _element("Key", key)]
    return f"{_DECLARATION}<Error>{''.join(parts)}</Error>".encode()


def _walk(contents: Contents, request: ListingRequest, parent: str) -> Iterator[_Key]:
    """Yield the contents of a folder, in order: Python sorts texts by code points, as their UTF-8 bytes sort."""
    folder = f"{parent}/" if parent else ""
    if request.marker > folder and not request.marker.startswith(folder):
        return
    waiting = sorted(f"{folder}{name}/" for name in contents.folders(folder))
    waiting.reverse()
    for entry in _files(contents, request, folder):
        while waiting and waiting[-1] < entry.key:
            yield from _folder(contents, request, waiting.pop())
        yield entry
    while waiting:
        yield from _folder(contents, request, waiting.pop())


def _folder(contents: Contents, request: ListingRequest, folder: str) -> Iterator[_Key]:
    """Yield a folder as a common prefix, or its contents if there is no delimiter."""
    if not folder.startswith(request.prefix):
        return
    if not request.delimiter:
        yield from _walk(contents, request, folder.removesuffix("/"))
    elif folder > request.marker:
        yield _Key(folder, f"<CommonPrefixes>{_element('Prefix', folder)}</CommonPrefixes>")


def _files(contents: Contents, request: ListingRequest, folder: str) -> Iterator[_Key]:
    """Yield the requested zips of a folder, and the CHECKSUM after each."""
    first = max(request.marker, request.prefix, folder).removeprefix(folder)
    # The CHECKSUM of a zip in the marker is still to come, so the names begin with that zip.
    for name, found, has_checksum in contents.zips(folder, first.partition(ZIP_SUFFIX)[0]):
        key = folder + name
        if not key.startswith(request.prefix) and not request.prefix.startswith(key):
            return
        entries = [_contents(key, found.modified, found.etag, found.size)]
        if has_checksum:
            key += CHECKSUM_SUFFIX
            entries.append(_contents(key, found.modified, checksum_etag(found), found.checksum_size))
        yield from (entry for entry in entries if entry.key > request.marker and entry.key.startswith(request.prefix))


def _contents(key: str, modified: int, etag: str, size: int) -> _Key:
    moment = datetime.fromtimestamp(modified // 1_000_000, timezone.utc)
    parts = (
        _element("Key", key),
        _element("LastModified", f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"),
        f"<ETag>&quot;{etag}&quot;</ETag>",
        _element("Size", str(size)),
        _element("StorageClass", "STANDARD"),
    )
    return _Key(key, f"<Contents>{''.join(parts)}</Contents>")


def _element(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>"

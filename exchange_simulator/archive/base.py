"""What the archive's pages need of a store of zip files. Times in microseconds since 1970-01-01 UTC."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

ROOT: Final = "data/"
ZIP_SUFFIX: Final = ".zip"
CHECKSUM_SUFFIX: Final = ".CHECKSUM"
_SHA256_HEX_DIGITS: Final = 64


class ArchiveZip(Protocol):
    """One zip file of the archive and the CHECKSUM beside it."""

    @property
    def size(self) -> int:
        """Return the size of the zip in bytes."""

    @property
    def etag(self) -> str:
        """Return the ETag, without its quotes."""

    @property
    def modified(self) -> int:
        """Return when it was published, or last published again."""

    @property
    def checksum_size(self) -> int:
        """Return the size of the CHECKSUM file in bytes."""

    def body(self) -> bytes | Path:
        """Return the zip, or the file that holds it."""

    def checksum(self) -> bytes:
        """Return the content of the CHECKSUM file."""


class ArchiveStore(Protocol):
    """Zip files under keys such as data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2025-01-01.zip.

    `folder` is a prefix of keys, empty or with a slash at its end. `now` is the simulated time: files published later
    do not exist.
    """

    def folders(self, folder: str, now: int) -> Iterable[str]:
        """Return the names of the folders in a folder, in any order; each holds a zip at some depth."""

    def zips(self, folder: str, first: str, now: int) -> Iterable[str]:
        """Return the names of the zips that a folder may hold, in order, from the name `first` on."""

    def find(self, key: str, now: int) -> ArchiveZip | None:
        """Return the zip of a key, or None if there is none."""


def checksum_text(sha256: str, name: str) -> bytes:
    """Return a CHECKSUM file: the hash of the zip, two spaces, the zip's name, and no newline."""
    return f"{sha256}  {name}".encode()


def checksum_text_size(name: str) -> int:
    """Return the size of the CHECKSUM file of a zip with this name, in bytes."""
    return len(checksum_text("0" * _SHA256_HEX_DIGITS, name))


def checksum_etag(found: ArchiveZip) -> str:
    """Return the ETag of a zip's CHECKSUM file, without its quotes; it changes whenever the zip does."""
    return f"{found.etag}-1"

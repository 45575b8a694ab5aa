"""Zip files made on demand: always with the same bytes, and kept while there is room."""

import hashlib
import io
import zipfile
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

from exchange_simulator.archive.base import checksum_text, checksum_text_size
from exchange_simulator.market.cache import ByteLru

# The fastest level: other levels hardly shrink rows of numbers, and a listing waits for many zips.
_COMPRESSION_LEVEL = 1


@dataclass(frozen=True)
class _Facts:
    """What a listing says about a zip; kept after the zip itself is dropped."""

    size: int
    etag: str
    sha256: str


@dataclass(frozen=True)
class _Content:
    data: bytes

    @property
    def nbytes(self) -> int:
        return len(self.data)


@dataclass(frozen=True)
class MadeZip:
    """A zip made on demand; see ArchiveZip."""

    name: str
    modified: int
    facts: _Facts
    load: Callable[[], bytes]

    @property
    def size(self) -> int:
        """Return the size of the zip in bytes."""
        return self.facts.size

    @property
    def etag(self) -> str:
        """Return the MD5 of the zip, as S3 does."""
        return self.facts.etag

    @property
    def checksum_size(self) -> int:
        """Return the size of the CHECKSUM file in bytes."""
        return checksum_text_size(self.name)

    def body(self) -> bytes:
        """Return the zip."""
        return self.load()

    def checksum(self) -> bytes:
        """Return the content of the CHECKSUM file."""
        return checksum_text(self.facts.sha256, self.name)


class ZipCache:
    """Keeps made zips up to `limit` bytes, and for good what the listing says about each."""

    def __init__(self, limit: int) -> None:
        self._contents = ByteLru(limit)
        self._facts: dict[Hashable, _Facts] = {}

    def get(self, key: Hashable, name: str, modified: int, make: Callable[[], bytes]) -> MadeZip:
        """Return the zip that `make` makes; `key` distinguishes it from all others, whatever their content."""

        def load() -> bytes:
            return self._contents.get(key, lambda: _Content(make())).data

        if key not in self._facts:
            content = load()
            md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
            self._facts[key] = _Facts(len(content), md5, hashlib.sha256(content).hexdigest())
        return MadeZip(name, modified, self._facts[key], load)


def make_zip(members: Iterable[tuple[str, Iterable[bytes]]]) -> bytes:
    """Return a zip of (name, pieces of the content), all dated 1980-01-01, so that its bytes depend on nothing else."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION_LEVEL) as archive:
        for name, pieces in members:
            # With a name instead of a ZipInfo, zipfile uses the archive's compression level and this date.
            with archive.open(name, "w") as file:
                for piece in pieces:
                    file.write(piece)
    return buffer.getvalue()

"""A file of the archive that matches its checksum; nothing of it is read before that is proven."""

import hashlib
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from exchange_engine.http.errors import StoppedError

from .errors import ArchiveFileError
from .host import PIECE_BYTES, ArchiveFile, ArchiveHost

ATTEMPTS = 3
"""How often a file and its checksum are fetched before a mismatch counts as final."""

IN_MEMORY_BYTES = 8 * 2**20
"""Files below this size are kept in memory rather than on disk."""


@dataclass(frozen=True)
class Verified:
    """A whole file.

    Attributes:
        content: Its bytes.
        size: Number of bytes.
        sha256: Their SHA-256 in hex, as the archive promises it.
        downloaded: Whether it was downloaded just now rather than kept from before.
    """

    content: IO[bytes]
    size: int
    sha256: str
    downloaded: bool


class Downloads:
    """Downloads files and their checksums, for any number of threads.

    Args:
        host: The archive.
        keep: Folder in which the zips are kept, under their paths in the archive, or None.
        stop: Set to end early.
        pause_seconds: Pause before a file is downloaded again.
    """

    def __init__(self, host: ArchiveHost, keep: Path | None, stop: threading.Event, pause_seconds: float) -> None:
        self._host = host
        self._keep = keep
        self._stop = stop
        self._pause = pause_seconds

    @contextmanager
    def verified(self, file: ArchiveFile) -> Iterator[Verified]:
        """Open a file whose bytes match its checksum.

        Raises:
            ArchiveFileError: It cannot be downloaded, or never matches its checksum.
            StoppedError: The run was stopped.
        """
        attempt = 0
        while True:
            attempt += 1
            promised = self._host.checksum(file)
            kept = self._kept(file, promised)
            if kept is not None:
                with kept.content:
                    yield kept
                return
            with self._target(file) as target:
                download = self._host.download(file, target)
                if download.sha256 == promised:
                    self._put_away(file, target)
                    target.seek(0)
                    yield Verified(target, download.size, download.sha256, downloaded=True)
                    return
            if attempt == ATTEMPTS:
                raise ArchiveFileError(
                    f"its SHA-256 is {download.sha256} and its CHECKSUM says {promised} ({attempt} attempts)"
                )
            if self._stop.wait(self._pause):
                raise StoppedError

    def _path(self, file: ArchiveFile) -> Path | None:
        return None if self._keep is None else self._keep / file.key

    def _kept(self, file: ArchiveFile, promised: str) -> Verified | None:
        path = self._path(file)
        if path is None or not path.exists():
            return None
        digest = hashlib.sha256()
        content = path.open("rb")
        while piece := content.read(PIECE_BYTES):
            digest.update(piece)
        if digest.hexdigest() != promised:
            content.close()
            return None
        content.seek(0)
        return Verified(content, path.stat().st_size, promised, downloaded=False)

    @contextmanager
    def _target(self, file: ArchiveFile) -> Iterator[IO[bytes]]:
        path = self._path(file)
        if path is None:
            with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES) as spooled:
                yield cast("IO[bytes]", spooled)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        # Under another name until it is complete: a file with the final name is always complete.
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as part:
            try:
                yield cast("IO[bytes]", part)
            finally:
                Path(part.name).unlink(missing_ok=True)

    def _put_away(self, file: ArchiveFile, target: IO[bytes]) -> None:
        path = self._path(file)
        if path is not None:
            os.replace(target.name, path)

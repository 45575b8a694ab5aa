"""An archive of existing files: a folder laid out like the archive's keys."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from exchange_simulator.archive.base import (
    CHECKSUM_SUFFIX,
    ROOT,
    ZIP_SUFFIX,
    checksum_text,
    checksum_text_size,
)

_NANOSECONDS_PER_MICROSECOND = 1000
_READ_BYTES = 1 << 20


class ArchiveFolderError(ValueError):
    """The folder cannot be served; the text says why."""


@dataclass(frozen=True)
class FolderZip:
    """A zip file on disk. Its CHECKSUM is the file beside it, or is computed on the first request."""

    path: Path
    size: int
    modified_ns: int
    hashes: dict[tuple[Path, int, int], str]
    """Hashes computed before, by path, size and time."""

    @property
    def modified(self) -> int:
        """Return the file's modification time."""
        return self.modified_ns // _NANOSECONDS_PER_MICROSECOND

    @property
    def etag(self) -> str:
        """Return what distinguishes versions of the file, in the form of aiohttp when it sends the file."""
        return f"{self.modified_ns:x}-{self.size:x}"

    @property
    def checksum_size(self) -> int:
        """Return the size of the CHECKSUM file in bytes."""
        beside = self._checksum_path()
        return beside.stat().st_size if beside.is_file() else checksum_text_size(self.path.name)

    def body(self) -> Path:
        """Return the file."""
        return self.path

    def checksum(self) -> bytes:
        """Return the content of the CHECKSUM file."""
        beside = self._checksum_path()
        if beside.is_file():
            return beside.read_bytes()
        key = (self.path, self.size, self.modified_ns)
        if key not in self.hashes:
            self.hashes[key] = _sha256(self.path)
        return checksum_text(self.hashes[key], self.path.name)

    def _checksum_path(self) -> Path:
        return self.path.with_name(self.path.name + CHECKSUM_SUFFIX)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_READ_BYTES):
            digest.update(piece)
    return digest.hexdigest()


class FolderArchive:
    """The zips of a folder; see ArchiveStore for the methods. All are published, whatever the simulated time is."""

    def __init__(self, folder: Path) -> None:
        if not (folder / ROOT).is_dir():
            raise ArchiveFolderError(f"{folder} holds no folder {ROOT.rstrip('/')} as the archive's keys begin with")
        self._folder = folder
        self._hashes: dict[tuple[Path, int, int], str] = {}

    def folders(self, folder: str, now: int) -> Iterator[str]:  # noqa: ARG002 - files on disk have no publication
        """Return the names of the folders in a folder that hold a zip."""
        return (entry.name for entry in self._entries(folder) if entry.is_dir() and _holds_zip(Path(entry.path)))

    def zips(self, folder: str, first: str, now: int) -> list[str]:  # noqa: ARG002
        """Return the names of the zips in a folder."""
        names = (entry.name for entry in self._entries(folder) if entry.is_file())
        return sorted(name for name in names if name.endswith(ZIP_SUFFIX) and name >= first)

    def find(self, key: str, now: int) -> FolderZip | None:  # noqa: ARG002
        """Return the zip of a key."""
        path = self._path(key)
        if path is None or not key.endswith(ZIP_SUFFIX) or not path.is_file():
            return None
        status = path.stat()
        return FolderZip(path, status.st_size, status.st_mtime_ns, self._hashes)

    def _path(self, key: str) -> Path | None:
        """Return where a key is, or None if it does not look like a key: nothing outside data/ is served."""
        if key and not key.startswith(ROOT):
            return None
        parts = key.removesuffix("/").split("/")
        if any(part in ("", ".", "..") for part in parts[1:]) or "\0" in key:
            return None
        return self._folder.joinpath(*parts)

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        if folder == "":
            with os.scandir(self._folder) as entries:
                return [entry for entry in entries if entry.name + "/" == ROOT]
        path = self._path(folder)
        if path is None or not path.is_dir():
            return []
        with os.scandir(path) as entries:
            return list(entries)


def _holds_zip(folder: Path) -> bool:
    return any(name.endswith(ZIP_SUFFIX) for _, _, names in os.walk(folder) for name in names)

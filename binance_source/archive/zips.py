"""A zip as untrusted input: one member of the expected name, of bounded size, read as a stream and never unpacked."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from .errors import ArchiveFileError

MOST_INFLATED = 100
"""How many times larger than the zip its content may be: real files have a factor of 2 to 30, a bomb up to 1,032."""

ALLOWANCE_BYTES = 2**20

_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError)
"""What reading a damaged zip raises."""


class _Member(io.RawIOBase):
    """A member's stream whose errors say that the zip is damaged."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            return self._stream.read(size)
        except _BROKEN as error:
            raise ArchiveFileError(f"it is a damaged zip: {error}") from error


@contextmanager
def open_member(zipped: IO[bytes], size: int, name: str) -> Iterator[IO[bytes]]:
    """Open the one member of a zip.

    Args:
        zipped: The zip.
        size: Its bytes.
        name: The name that its member must have.

    Raises:
        ArchiveFileError: It is no zip, or holds anything else than this one member, or too much; also while reading.
    """
    try:
        archive = zipfile.ZipFile(zipped)
    except _BROKEN as error:
        raise ArchiveFileError(f"it is not a whole zip: {error}") from error
    with archive:
        members = archive.infolist()
        if [member.filename for member in members] != [name]:
            names = ", ".join(repr(member.filename[:80]) for member in members[:3])
            raise ArchiveFileError(f"it holds {len(members)} members ({names}) where {name} alone was expected")
        most = size * MOST_INFLATED + ALLOWANCE_BYTES
        if members[0].file_size > most:
            raise ArchiveFileError(f"it would inflate to {members[0].file_size:,} bytes; {most:,} are believed")
        try:
            # zipfile reads no more than a member's declared size, and checks its CRC at the end.
            stream = archive.open(members[0])
        except (*_BROKEN, RuntimeError) as error:  # RuntimeError: it is encrypted
            raise ArchiveFileError(f"it is a damaged zip: {error}") from error
        with stream:
            yield _Member(stream)  # type: ignore[misc]

"""Read a zip as untrusted input: one member of the expected name, of bounded size, streamed and never unpacked."""

import io
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from zlib_ng import zlib_ng

from .errors import ArchiveFileError

MOST_INFLATED = 100
"""How many times larger than the zip its content may be. Real files have a factor of 2 to 30, a bomb up to 1,032."""

ALLOWANCE_BYTES = 2**20

MOST_DIRECTORY_BYTES = 2**17
"""The largest directory that is read. With one member it has some hundred bytes, possibly followed by a comment of 64
KB."""

PIECE_BYTES = 2**18
"""Compressed bytes read at once."""

_BROKEN = (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, OverflowError, struct.error)
"""What zipfile raises for a damaged zip.

The offsets, sizes, versions and texts in its directory may be anything: zipfile seeks, unpacks and decodes them before
it checks them."""

_LOCAL_HEADER = struct.Struct("<26xHH")
_ENCRYPTED = 1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class _Directory:
    """What zipfile may read to open a zip; bounded, because a directory takes eight times its size in memory."""

    def __init__(self, zipped: IO[bytes]) -> None:
        self._zipped = zipped
        self.seek, self.tell = zipped.seek, zipped.tell

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, or all that are left.

        Raises:
            zipfile.BadZipFile: There are too many.
        """
        read = self._zipped.read(min(size, MOST_DIRECTORY_BYTES + 1) if size >= 0 else MOST_DIRECTORY_BYTES + 1)
        if len(read) > MOST_DIRECTORY_BYTES:
            raise zipfile.BadZipFile("its directory is too large for one member")
        return read


class _Member(io.RawIOBase):
    """The content of a member. zipfile's own stream takes twice as long, because the standard library inflates it."""

    def __init__(self, zipped: IO[bytes], member: zipfile.ZipInfo) -> None:
        zipped.seek(member.header_offset)
        name, extra = _LOCAL_HEADER.unpack(zipped.read(_LOCAL_HEADER.size))
        zipped.seek(name + extra, io.SEEK_CUR)
        self._zipped = zipped
        self._member = member
        self._left = member.compress_size
        self._given = 0
        self._crc = 0
        self._inflater = zlib_ng.decompressobj(-zlib_ng.MAX_WBITS) if member.compress_type else None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, or all that are left; at the end nothing, if length and CRC are right.

        Raises:
            ArchiveFileError: The content is not what was packed.
        """
        pieces = []
        wanted = self._member.file_size - self._given
        if size >= 0:
            wanted = min(size, wanted)
        while wanted > 0 and (piece := self._piece(wanted)):
            pieces.append(piece)
            wanted -= len(piece)
            self._given += len(piece)
            self._crc = zlib_ng.crc32(piece, self._crc)
        if wanted > 0 or (self._given == self._member.file_size and self._crc != self._member.CRC):
            raise ArchiveFileError("it is a damaged zip: its content is not what was packed")
        return b"".join(pieces)

    def _piece(self, most: int) -> bytes:
        if self._inflater is None:
            return self._taken(most)
        while not self._inflater.eof:
            packed = self._inflater.unconsumed_tail or self._taken(PIECE_BYTES)
            try:
                piece: bytes = self._inflater.decompress(packed, most)
            except zlib_ng.error as error:  # type: ignore[misc]
                raise ArchiveFileError(f"it is a damaged zip: {error}") from error
            if piece or not packed:
                return piece
        return b""

    def _taken(self, most: int) -> bytes:
        packed = self._zipped.read(min(most, self._left))
        self._left -= len(packed)
        return packed


@contextmanager
def open_member(zipped: IO[bytes], size: int, name: str) -> Iterator[IO[bytes]]:
    """Open the only member of a zip.

    Args:
        zipped: The zip.
        size: Its size in bytes.
        name: The name that its member must have.

    Raises:
        ArchiveFileError: It is not a zip, or holds anything but this one member, or too much; also raised while
            reading.
    """
    try:
        archive = zipfile.ZipFile(_Directory(zipped))
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
        if members[0].flag_bits & _ENCRYPTED or members[0].compress_type not in _METHODS:
            raise ArchiveFileError("it is encrypted, or packed in a way that the archive does not use")
        try:
            stream = _Member(zipped, members[0])
        except _BROKEN as error:
            raise ArchiveFileError(f"it is a damaged zip: {error}") from error
        yield stream  # type: ignore[misc]

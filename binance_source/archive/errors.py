"""What can be wrong with a file of the archive; its series goes on with other files, or with REST."""

from exchange_engine.http.errors import RunError, SourceError


class ArchiveUnreachableError(RunError):
    """The archive's host does not respond, or what responds is not the archive."""


class ArchiveFileError(SourceError):
    """A file cannot be used; the message says why."""


class PassingFileError(ArchiveFileError):
    """A download failed or does not match its checksum: file and checksum are worth fetching again."""


class MissingFileError(ArchiveFileError):
    """The archive has no such file (HTTP 404), whatever its listing says."""

"""What can be wrong with a file of the archive; the series goes on with other files, or with REST."""

from exchange_engine.http.errors import RunError, SourceError


class ArchiveUnreachableError(RunError):
    """The archive's host does not answer, or what answers is not the archive."""


class ArchiveFileError(SourceError):
    """A file cannot be used; the message says why."""


class PassingFileError(ArchiveFileError):
    """A file could not be had as its checksum promises: worth fetching again, together with its checksum."""


class MissingFileError(ArchiveFileError):
    """The archive has no such file (HTTP 404), whatever its listing says."""

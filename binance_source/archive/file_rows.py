"""The rows of a verified file, as far as they are wanted of its series."""

import threading
from collections.abc import Iterator

from exchange_engine.http.errors import StoppedError

from .host import ArchiveFile
from .rows import Rows, read_rows
from .series import ArchiveSeries, clipped
from .verified import Verified
from .zips import open_member


def file_rows(
    series: ArchiveSeries, file: ArchiveFile, verified: Verified, whole: bool, now_us: int, stop: threading.Event
) -> Iterator[Rows]:
    """Parse a file from its beginning, block by block.

    Args:
        series: What it is of, and what of it is wanted.
        file: The file.
        verified: Its bytes.
        whole: Sort it as a whole (see read_rows).
        now_us: The run's "now", in microseconds since 1970.
        stop: Set to end.

    Raises:
        ArchiveFileError: It cannot be read to its end.
        OutOfOrderError: It has to be read as a whole.
        StoppedError: The run was stopped.
    """
    verified.content.seek(0)
    with open_member(verified.content, verified.size, file.member) as stream:
        for rows in read_rows(stream, series.dataset, series.constants(file), whole):
            if stop.is_set():
                raise StoppedError
            yield clipped(rows, series, file, now_us)

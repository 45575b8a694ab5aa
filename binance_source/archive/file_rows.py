"""The rows of a verified file, as far as its series needs them."""

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
    """Yield the rows of a file from its beginning, block by block.

    Args:
        series: The series of the file, with the requested times.
        file: The file.
        verified: Its content.
        whole: Whether to sort it as a whole (see read_rows).
        now_us: The run's "now", in microseconds since 1970.
        stop: Set to end early.

    Raises:
        ArchiveFileError: It cannot be read to its end.
        OutOfOrderError: It has to be read again as a whole.
        StoppedError: The run was stopped.
    """
    verified.content.seek(0)
    with open_member(verified.content, verified.size, file.member) as stream:
        for rows in read_rows(stream, series.dataset, series.constants(file), whole):
            if stop.is_set():
                raise StoppedError
            yield clipped(rows, series, file, now_us)

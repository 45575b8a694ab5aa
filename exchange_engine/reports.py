"""What a run has done, by series."""

import time
from dataclasses import dataclass, field

from .http.transport import Tally


@dataclass
class SeriesReport:
    """What a run did for one series.

    Attributes:
        tally: Requests, weight and waiting.
        rows: Rows handed to dlt.
        files: Files of the archive that were loaded.
        downloaded_bytes: Size of the downloads for these files.
        dropped: Rows left out because they stand for nothing, such as tombstones.
        rounded: Numbers that were rounded.
        newest_us: Time of the newest row, in microseconds since 1970, or None.
        began: When the report was created, as monotonic time in seconds.
        seconds: Seconds from then to the last page.
    """

    tally: Tally = field(default_factory=Tally)
    rows: int = 0
    files: int = 0
    downloaded_bytes: int = 0
    dropped: int = 0
    rounded: int = 0
    newest_us: int | None = None
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0

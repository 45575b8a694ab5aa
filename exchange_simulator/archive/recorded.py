"""The archive of recorded files: recorded zips as they are, and recorded CSV files zipped again."""

import re
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Final

from exchange_simulator.archive.base import ArchiveZip
from exchange_simulator.archive.folder import FolderZip
from exchange_simulator.archive.keys import DAILY, KLINES, MONTHLY, SPOT, Period, Series
from exchange_simulator.archive.zips import ZipCache, make_zip

# The folders of the recordings with files of the archive, and whether these are daily or monthly.
_FOLDERS: Final = {
    "klines_*/vision_spot_daily/**/*.zip": DAILY,
    "klines_*/vision_spot_daily_with_checksum/*.zip": DAILY,
    "klines_*/vision_spot_monthly/*.csv": MONTHLY,
    "klines_*/vision_spot_monthly_ms_to_us/*.csv": MONTHLY,
}
_STEM: Final = re.compile(r"(?P<symbol>[^-/]+)-(?P<interval>[^-/]+)-(?P<period>\d{4}-\d\d(-\d\d)?)")
_NANOSECONDS_PER_MICROSECOND = 1000


class RecordedArchive:
    """Recorded files under their keys in the archive; see ArchiveStore for the methods.

    All are published, whatever the simulated time is. A recorded CHECKSUM is served as it is.
    """

    def __init__(self, recordings: Path, cache: ZipCache) -> None:
        self._cache = cache
        self._files = {
            key: path
            for pattern, frequency in _FOLDERS.items()
            for path in sorted(recordings.glob(pattern))
            if (key := _key_of(path, frequency)) is not None
        }
        self._keys = sorted(self._files)
        self._hashes: dict[tuple[Path, int, int], str] = {}

    def folders(self, folder: str, now: int) -> Set[str]:  # noqa: ARG002 - recordings have no publication
        """Return the names of the folders in a folder."""
        inside = (key.removeprefix(folder) for key in self._keys if key.startswith(folder))
        return {rest.partition("/")[0] for rest in inside if "/" in rest}

    def zips(self, folder: str, first: str, now: int) -> Iterator[str]:  # noqa: ARG002
        """Yield the names of the zips of a folder."""
        for key in self._keys:
            parent, _, name = key.rpartition("/")
            if f"{parent}/" == folder and name >= first:
                yield name

    def find(self, key: str, now: int) -> ArchiveZip | None:  # noqa: ARG002
        """Return the zip of a key, or None if none was recorded."""
        path = self._files.get(key)
        if path is None:
            return None
        status = path.stat()
        if path.suffix == ".zip":
            return FolderZip(path, status.st_size, status.st_mtime_ns, self._hashes)
        modified = status.st_mtime_ns // _NANOSECONDS_PER_MICROSECOND
        name = key.rpartition("/")[2]
        return self._cache.get(key, name, modified, lambda: make_zip([(path.name, [path.read_bytes()])]))


def _key_of(path: Path, frequency: str) -> str | None:
    """Return the key of a recorded kline file, or None if the archive has no such name."""
    match = _STEM.fullmatch(path.stem)
    period = match and Period.named(frequency, match["period"])
    if not match or period is None or match["interval"] not in SPOT.intervals(frequency):
        return None
    series = Series(frequency, KLINES, match["symbol"], match["interval"])
    return series.folder + series.file_name(period)

"""Kline intervals and the grid of their open times. Times in milliseconds since 1970-01-01 UTC."""

from typing import Final

import numpy as np

from exchange_simulator.market.hashing import Ints

SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
MINUTE_US: Final = MINUTE * 1_000
DAY_US: Final = DAY * 1_000

MONTH: Final = "1M"
FIXED_INTERVALS: Final[dict[str, int]] = {
    "1s": SECOND,
    "1m": MINUTE,
    "3m": 3 * MINUTE,
    "5m": 5 * MINUTE,
    "15m": 15 * MINUTE,
    "30m": 30 * MINUTE,
    "1h": HOUR,
    "2h": 2 * HOUR,
    "4h": 4 * HOUR,
    "6h": 6 * HOUR,
    "8h": 8 * HOUR,
    "12h": 12 * HOUR,
    "1d": DAY,
    "3d": 3 * DAY,
    "1w": 7 * DAY,
}
INTERVALS: Final = (*FIXED_INTERVALS, MONTH)
# 1970-01-01 was a Thursday, and weekly klines open on Mondays.
_GRID_ORIGIN: Final[dict[str, int]] = {"1w": 4 * DAY}
_LONGEST_MONTH: Final = 31 * DAY


def longest_length(interval: str) -> int:
    """Return the length of the interval; for 1M that of the longest month."""
    return FIXED_INTERVALS.get(interval, _LONGEST_MONTH)


def grid_edges(interval: str, first: int, last: int, zone_offset: int = 0) -> Ints:
    """Return the open times of the klines that cover `first` to `last` (both inclusive), and the end of the last one.

    `zone_offset` is what the timeZone parameter adds to UTC: it moves the boundaries, but times remain in UTC.
    """
    if interval == MONTH:
        months = np.array([first + zone_offset, last + zone_offset], dtype="datetime64[ms]").astype("datetime64[M]")
        opens = np.arange(months[0], months[1] + 2).astype("datetime64[ms]").astype(np.int64)
        return opens - zone_offset
    length = FIXED_INTERVALS[interval]
    origin = _GRID_ORIGIN.get(interval, 0) - zone_offset
    start = (first - origin) // length * length + origin
    return np.arange(start, last + length + 1, length, dtype=np.int64)[: (last - start) // length + 2]


def grid_open(interval: str, time: int, zone_offset: int = 0) -> int:
    """Return the open time of the kline that contains `time`."""
    return int(grid_edges(interval, time, time, zone_offset)[0])

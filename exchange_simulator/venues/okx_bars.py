"""The candles that OKX offers, and the grids on which they open. Times in microseconds since 1970-01-01 UTC."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from exchange_simulator.market.hashing import Ints
from exchange_simulator.market.intervals import DAY_US, MINUTE_US

_HOUR_US: Final = 60 * MINUTE_US
_BEIJING_US: Final = 8 * _HOUR_US
_LONGEST_MONTH_US: Final = 31 * DAY_US
# 1970-01-01 was a Thursday, and a week begins on Monday.
_FIRST_MONDAY_US: Final = 4 * DAY_US


@dataclass(frozen=True)
class Bar:
    """One kind of candle: of a fixed length, or of whole months."""

    length: int = 0
    months: int = 0
    zone_offset: int = 0
    """How far the time zone of its open times is ahead of UTC."""
    origin: int = 0
    """One of its open times, in that zone."""

    @property
    def longest(self) -> int:
        """Return its longest duration."""
        return self.length or self.months * _LONGEST_MONTH_US

    def edges(self, first: int, last: int) -> Ints:
        """Return the open times of the candles that cover `first` to `last`, inclusive, and the end of the last one."""
        if self.months:
            bounds = np.array([first + self.zone_offset, last + self.zone_offset], dtype="datetime64[us]")
            low, high = (int(month) // self.months for month in bounds.astype("datetime64[M]").astype(np.int64))
            opens = np.arange(low, high + 2, dtype=np.int64) * self.months
            return opens.astype("datetime64[M]").astype("datetime64[us]").astype(np.int64) - self.zone_offset
        origin = self.origin - self.zone_offset
        low, high = (first - origin) // self.length, (last - origin) // self.length
        return np.arange(low, high + 2, dtype=np.int64) * self.length + origin


_FIXED: Final = {
    "1m": Bar(MINUTE_US),
    "3m": Bar(3 * MINUTE_US),
    "5m": Bar(5 * MINUTE_US),
    "15m": Bar(15 * MINUTE_US),
    "30m": Bar(30 * MINUTE_US),
    "1H": Bar(_HOUR_US),
    "2H": Bar(2 * _HOUR_US),
    "4H": Bar(4 * _HOUR_US),
}
# Candles that open on days of UTC+8, or of UTC if their name ends in "utc": length, months, origin.
_OF_A_ZONE: Final = {
    "6H": (6 * _HOUR_US, 0, 0),
    "12H": (12 * _HOUR_US, 0, 0),
    "1D": (DAY_US, 0, 0),
    "2D": (2 * DAY_US, 0, 0),
    "3D": (3 * DAY_US, 0, 0),
    "1W": (7 * DAY_US, 0, _FIRST_MONDAY_US),
    "1M": (0, 1, 0),
    "3M": (0, 3, 0),
}
BARS: Final = {
    **_FIXED,
    **{
        f"{name}{suffix}": Bar(length, months, zone_offset, origin)
        for name, (length, months, origin) in _OF_A_ZONE.items()
        for suffix, zone_offset in (("", _BEIJING_US), ("utc", 0))
    },
}
# Binance's names for them.
INTERVALS: Final = {
    **{name.lower(): bar for name, bar in _FIXED.items()},
    **{name.lower(): BARS[f"{name}utc"] for name in ("6H", "12H", "1D", "2D", "3D", "1W")},
    "1M": BARS["1Mutc"],
}

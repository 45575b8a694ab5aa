"""When a symbol trades: its listing, its end, dead stretches and outages. Times in microseconds UTC."""

from dataclasses import dataclass

import numpy as np

from exchange_simulator.market.hashing import Flags, Ints
from exchange_simulator.market.intervals import DAY_US, MINUTE_US

FOREVER_US = 1 << 62
MINUTES_PER_DAY = DAY_US // MINUTE_US


@dataclass(frozen=True)
class Outage:
    """A stretch without any data: [start, end). With `early_close`, the kline that it cuts closes when it begins."""

    start: int
    end: int
    early_close: bool = True


@dataclass(frozen=True)
class Calendar:
    """The times at which one symbol can trade."""

    listed: int
    ends: int = FOREVER_US
    """Delisting: no kline opens from here on."""
    halted: int = FOREVER_US
    """From here on nothing trades, but flat klines continue."""
    dead: tuple[tuple[int, int], ...] = ()
    """Stretches without trades: klines are flat."""
    outages: tuple[Outage, ...] = ()
    """Stretches without klines."""

    def quiet(self) -> list[tuple[int, int]]:
        """Return every stretch without trades: [start, end)."""
        stretches = [(-FOREVER_US, self.listed), (min(self.ends, self.halted), FOREVER_US), *self.dead]
        return stretches + [(outage.start, outage.end) for outage in self.outages]

    def live_spans(self, day: int) -> tuple[Ints, Ints]:
        """Return, for each minute of the day (days since 1970), when trading in it starts and how long it lasts."""
        minute_start = day * DAY_US + np.arange(MINUTES_PER_DAY, dtype=np.int64) * MINUTE_US
        first = minute_start.copy()
        last = minute_start + MINUTE_US
        for start, end in self.quiet():
            if start < (day + 1) * DAY_US and end > day * DAY_US:
                begins_quiet = first >= start
                first = np.where(begins_quiet & (first < end), end, first)
                last = np.where(~begins_quiet & (last > start), start, last)
        return first - minute_start, np.maximum(last - first, 0)

    def live_microseconds(self, days: Ints) -> Ints:
        """Return how long trading lasts on each of the days."""
        live = np.full(len(days), DAY_US, dtype=np.int64)
        boundaries = sorted({edge for stretch in self.quiet() for edge in stretch})
        touched = np.zeros(len(days), dtype=bool)
        for edge in boundaries:
            touched |= days == edge // DAY_US
        for start, end in self.quiet():
            live[(days * DAY_US >= start) & ((days + 1) * DAY_US <= end)] = 0
        for index in np.flatnonzero(touched):
            live[index] = int(self.live_spans(int(days[index]))[1].sum())
        return live

    def rows_exist(self, opens: Ints, ends: Ints) -> Flags:
        """Return which stretches [open, end) have a kline: listed, not ended, and not entirely within an outage."""
        exist = (ends > self.listed) & (opens < self.ends)
        for outage in self.outages:
            exist &= ~((opens >= outage.start) & (ends <= outage.end))
        return exist

    def close_times(self, opens: Ints, ends: Ints) -> Ints:
        """Return the last millisecond of each kline [open, end), as a time in microseconds; an outage cuts it short."""
        closes = ends - 1_000
        for outage in self.outages:
            if outage.early_close:
                is_cut = (opens < outage.start) & (outage.start < ends) & (outage.end >= ends)
                closes = np.where(is_cut, (outage.start // 1_000) * 1_000 - 1_000, closes)
        return closes

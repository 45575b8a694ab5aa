"""Candles of another venue, made from the minutes of a spot symbol. Times in microseconds UTC.

Each minute of the spot market becomes one of the other venue, with prices shifted by a few basis points and a share of
the volume; some minutes are left out. All candles are merged from these minutes and agree to the last digit.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

import numpy as np

from exchange_simulator.clock import to_microseconds
from exchange_simulator.market.bars import Bars, fill_flat, join_bars, merge_bars
from exchange_simulator.market.cache import ByteLru
from exchange_simulator.market.calendar import FOREVER_US, Calendar, Outage
from exchange_simulator.market.generated import GeneratedSymbol
from exchange_simulator.market.hashing import Ints, bits, hashes, stream_key
from exchange_simulator.market.intervals import DAY_US, MINUTE_US

_HOUR_US = 60 * MINUTE_US
_BASIS_ONE = 1_000_000
_SHARE_ONE = 1_000
_WOBBLE_BITS = 7
_ALL_MINUTES = 256
_HUNDREDTHS = 100


@dataclass(frozen=True)
class Contract:
    """The value of one contract of a derivative."""

    value: str
    value_asset: str
    settle_asset: str
    is_inverse: bool = False
    """Whether its value is fixed in the quote asset."""


@dataclass(frozen=True)
class Listing:
    """One product of another venue."""

    name: str
    source: str
    """The symbol of the spot market that it follows."""
    base_asset: str
    quote_asset: str
    tick_decimals: int
    step_decimals: int
    """Decimals of volumes in the base asset; for a linear contract a step is 1/100 of the contract."""
    basis: int = 0
    """How far its prices are from those of the spot market, in millionths."""
    share: int = 300
    """Its volume, in thousandths of the spot market's."""
    busy: int = _ALL_MINUTES
    """In how many of 256 minutes it trades, if the spot market does."""
    listed: int = -FOREVER_US
    ends: int = FOREVER_US
    """From here on nothing trades, and there are no candles."""
    suspended: int = FOREVER_US
    """From here on nothing trades, but flat candles continue."""
    contract: Contract | None = None


class Follower:
    """The candles of one product. In its bars, `count` holds hundredths of contracts."""

    def __init__(
        self, venue: str, listing: Listing, source: GeneratedSymbol, outages: tuple[Outage, ...], cache: ByteLru
    ) -> None:
        self.listing = listing
        of_source = source.spec.calendar
        self.calendar = Calendar(
            max(listing.listed, of_source.listed),
            min(listing.ends, of_source.ends),
            min(listing.suspended, of_source.halted),
            outages=outages,
        )
        self._source = source
        self._finer_decimals = listing.tick_decimals - source.spec.tick_decimals
        self._finer_steps = listing.step_decimals - source.spec.step_decimals
        self._key = stream_key(venue, listing.name)
        self._cache = cache
        self._hours: dict[int, Bars] = {}

    @property
    def ever_trades(self) -> bool:
        """Whether it can trade at any time."""
        return self.calendar.listed < min(self.calendar.ends, self.calendar.halted)

    def traded(self, edges: Ints, now: int) -> Bars:
        """Return the stretches between `edges`, which are whole minutes, in which anything was traded by `now`."""
        start, end = max(int(edges[0]), self.calendar.listed), min(int(edges[-1]), now, self.calendar.ends)
        if start >= end:
            return join_bars([])
        by_hours = not np.any(edges % _HOUR_US)
        return merge_bars(self._by_hours(start, end) if by_hours else self._by_minutes(start, end), edges)

    def filled(self, edges: Ints, now: int) -> Bars:
        """Return all stretches between `edges` that exist by `now`; those without trades are flat."""
        opens, ends = edges[:-1], edges[1:]
        exist = (opens < now) & self._since_first_trade.rows_exist(opens, np.minimum(ends, now))
        return fill_flat(self.traded(edges, now), opens[exist], self._close_before)

    @cached_property
    def _since_first_trade(self) -> Calendar:
        day, last_day = self.calendar.listed // DAY_US, self.calendar.ends // DAY_US
        while day < last_day and len(self._minutes(day).time) == 0:
            day += 1
        return replace(self.calendar, listed=int(min([*self._minutes(day).time[:1], self.calendar.ends])))

    def _close_before(self, time: int) -> int:
        """Return the price of the last trade before `time`, in ticks."""
        time = min(time, self.calendar.halted)
        for day in range((time - 1) // DAY_US, self.calendar.listed // DAY_US - 1, -1):
            before = self._minutes(day).between(day * DAY_US, time)
            if len(before.time):
                return int(before.close[-1])
        raise LookupError(f"{self.listing.name} has no trade before {time}")

    def _by_hours(self, start: int, end: int) -> Bars:
        """Return the hours, and the finer pieces around them, that make up [start, end)."""
        first, last = -(-start // _HOUR_US) * _HOUR_US, end // _HOUR_US * _HOUR_US
        if first >= last:
            return self._by_minutes(start, end)
        hours = _of_days(self._hours_of, first, last)
        return join_bars([self._by_minutes(start, first), hours, self._by_minutes(last, end)])

    def _by_minutes(self, start: int, end: int) -> Bars:
        """Return the minutes that make up [start, end); the last one only up to `end`."""
        whole = end // MINUTE_US * MINUTE_US
        minutes = _of_days(self._minutes, start, whole)
        if whole == end:
            return minutes
        under_way = self._source.klines.window(whole, end)
        return join_bars([minutes, self._followed(under_way)])

    def _minutes(self, day: int) -> Bars:
        """Return the minutes of a day in which anything was traded."""
        key = (self._key, day)
        return self._cache.get(key, lambda: self._followed(self._source.klines.minutes_of(day)))

    def _hours_of(self, day: int) -> Bars:
        """Return the hours of a day in which anything was traded. They are kept for good: a day has at most 2 KB."""
        if day not in self._hours:
            edges = np.arange(day * DAY_US, (day + 1) * DAY_US + 1, _HOUR_US, dtype=np.int64)
            self._hours[day] = merge_bars(self._minutes(day), edges)
        return self._hours[day]

    def _followed(self, spot: Bars) -> Bars:
        """Return the minutes of the spot market, converted to this product."""
        chance = hashes(self._key, spot.time // MINUTE_US)
        is_traded = bits(chance, 0, 8) < self.listing.busy
        for start, end in self.calendar.quiet():
            is_traded &= (spot.time < start) | (spot.time >= end)
        spot, chance = spot.rows(is_traded), chance[is_traded]
        before, after = (self._basis(spot.time // MINUTE_US + edge) for edge in (0, 1))
        first, last = self._price(spot.open, before), self._price(spot.close, after)
        high = np.maximum(self._price(spot.high, np.maximum(before, after)), np.maximum(first, last))
        low = np.minimum(self._price(spot.low, np.minimum(before, after)), np.minimum(first, last))
        share = self.listing.share * (32 + bits(chance, 8, 6))
        volume = np.maximum(_scaled(spot.volume * share, self._finer_steps) // (64 * _SHARE_ONE), 1)
        quote = volume * ((first + high + low + last) // 4)
        contracts, contract = np.zeros_like(volume), self.listing.contract
        if contract is not None and contract.is_inverse:
            worth = int(contract.value) * 10 ** (self.listing.tick_decimals + self.listing.step_decimals)
            contracts = np.maximum(quote // worth, 1) * _HUNDREDTHS
            quote = contracts // _HUNDREDTHS * worth
        elif contract is not None:
            contracts = volume
        nothing = np.zeros_like(volume)
        return Bars(spot.time, first, high, low, last, volume, quote, contracts, nothing, nothing)

    def _basis(self, minute: Ints) -> Ints:
        """Return the distance of the prices from the spot market's at the start of a minute, in millionths."""
        wobble = bits(hashes(stream_key(self._key, "basis"), minute), 0, _WOBBLE_BITS)
        return self.listing.basis + wobble - (1 << (_WOBBLE_BITS - 1))

    def _price(self, ticks: Ints, basis: Ints) -> Ints:
        return np.maximum(_scaled(ticks * (_BASIS_ONE + basis), self._finer_decimals) // _BASIS_ONE, 1)


def utc(text: str) -> int:
    """Return an ISO datetime, taken as UTC, in microseconds since 1970."""
    return to_microseconds(datetime.fromisoformat(text))


def _scaled(values: Ints, decimals: int) -> Ints:
    return values * int(10**decimals) if decimals >= 0 else values // int(10**-decimals)


def _of_days(of_day: Callable[[int], Bars], start: int, end: int) -> Bars:
    """Return the parts of the days of [start, end)."""
    days = range(start // DAY_US, (end - 1) // DAY_US + 1)
    return join_bars([of_day(day) for day in days]).between(start, end) if start < end else join_bars([])

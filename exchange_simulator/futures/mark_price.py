"""The mark price of a contract, sampled every ten seconds. Times in microseconds since 1970-01-01 UTC."""

from typing import Final

import numpy as np

from exchange_simulator.market.bars import Trades
from exchange_simulator.market.cache import ByteLru
from exchange_simulator.market.calendar import MINUTES_PER_DAY, Calendar
from exchange_simulator.market.config import ContractSpec
from exchange_simulator.market.hashing import Ints, bits, hashes, stream_key
from exchange_simulator.market.intervals import DAY_US, MINUTE_US
from exchange_simulator.market.price_path import Path, basis_waves, price_waves

MARK_DECIMALS: Final = 8
SAMPLE_US: Final = 10_000_000
_SAMPLES_PER_DAY: Final = DAY_US // SAMPLE_US
_SAMPLES_PER_MINUTE: Final = _SAMPLES_PER_DAY // MINUTES_PER_DAY
_JITTER_BITS: Final = 12


class MarkPrices:
    """Samples of the mark price, in the form of trades without quantity, so that klines can be made from them.

    The price is near the spot market's, in 1/10**8. It continues through dead stretches and outages of trading.
    """

    def __init__(self, contract: ContractSpec, seed: int, cache: ByteLru) -> None:
        spec = contract.symbol
        self.name = f"mark price {spec.name}"
        self.calendar = Calendar(spec.calendar.listed, spec.calendar.ends)
        self.first_day = spec.calendar.listed // DAY_US
        key = stream_key(seed, self.name)
        waves = price_waves(stream_key(seed, contract.terms.follows))
        base = spec.base_price * 10 ** (MARK_DECIMALS - spec.tick_decimals)
        self._path = Path(base, spec.volatility, waves + basis_waves(key))
        self._jitter_key = stream_key(key, "jitter")
        self._cache = cache

    def day(self, day: int) -> Trades:
        """Return the samples of a day (days since 1970)."""
        return self._cache.get((self.name, "samples", day), lambda: self._make_day(day))

    def trades(self, start: int, end: int) -> list[Trades]:
        """Return the samples of [start, end), one part a day."""
        last_day = (end - 1) // DAY_US
        return [self.day(day).between(start, end) for day in range(max(start // DAY_US, self.first_day), last_day + 1)]

    def price_before(self, time: int) -> int:
        """Return the last price before `time`. Raises LookupError if there is none."""
        if time <= self.calendar.listed:
            raise LookupError(f"{self.name}: nothing before {time}")
        return int(self.at(np.array([min(time, self.calendar.ends) - 1], dtype=np.int64))[0])

    def at(self, times: Ints) -> Ints:
        """Return the prices at ascending times, none of which is before the listing."""
        minutes = times // MINUTE_US
        return self._samples(times // SAMPLE_US, self._path.at(minutes), self._path.at(minutes + 1))

    def _make_day(self, day: int) -> Trades:
        path = self._path.at(day * MINUTES_PER_DAY + np.arange(MINUTES_PER_DAY + 1, dtype=np.int64))
        numbers = day * _SAMPLES_PER_DAY + np.arange(_SAMPLES_PER_DAY, dtype=np.int64)
        left, right = np.repeat(path[:-1], _SAMPLES_PER_MINUTE), np.repeat(path[1:], _SAMPLES_PER_MINUTE)
        price, nothing = self._samples(numbers, left, right), np.zeros(len(numbers), dtype=np.int64)
        samples = Trades(0, numbers * SAMPLE_US, price, nothing, nothing > 0, nothing == 0)
        return samples.between(self.calendar.listed, self.calendar.ends)

    def _samples(self, numbers: Ints, left: Ints, right: Ints) -> Ints:
        """Return samples, numbered since 1970, from the path at the minutes around each."""
        price = left + (right - left) * (numbers % _SAMPLES_PER_MINUTE) // _SAMPLES_PER_MINUTE
        chance = bits(hashes(self._jitter_key, numbers), 0, _JITTER_BITS + 1) - (1 << _JITTER_BITS)
        jittered: Ints = np.maximum(price + chance * np.maximum(price >> 25, 1), 1)
        return jittered

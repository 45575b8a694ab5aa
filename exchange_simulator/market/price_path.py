"""Paths of prices and other wandering quantities: value noise on many scales, computed for any time on its own.

A path is a base and its swing in each minute. Paths that share waves move together, as futures follow the spot market.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from exchange_simulator.market.hashing import Ints, bits, hashes, stream_key

# (period in minutes, swing in 1/100,000 of the base); the swing grows roughly with the square root of the period, as in
# a random walk.
_PRICE_WAVES: Final = (
    (2, 100),
    (5, 120),
    (13, 160),
    (34, 240),
    (89, 400),
    (233, 650),
    (610, 1100),
    (1597, 1900),
    (4181, 3000),
    (10946, 4500),
    (28657, 6000),
    (75025, 8000),
    (196418, 11000),
)
# The distance of a futures price from the spot price.
_BASIS_WAVES: Final = ((3, 4), (21, 8), (377, 20), (2584, 30))
_SWING_ONE: Final = 100_000
_NOISE_BITS: Final = 16


@dataclass(frozen=True)
class Wave:
    """One scale of the noise."""

    period: int
    """In minutes."""
    size: int
    key: int


def price_waves(key: int) -> list[Wave]:
    """Return the waves of a price."""
    return [Wave(period, size, stream_key(key, "wave", period)) for period, size in _PRICE_WAVES]


def basis_waves(key: int) -> list[Wave]:
    """Return the waves of the distance between two prices that follow each other: some basis points."""
    return [Wave(period, size, stream_key(key, "basis", period)) for period, size in _BASIS_WAVES]


@dataclass(frozen=True)
class Path:
    """A quantity around `base` that swings by `volatility` percent of the waves."""

    base: int
    volatility: int
    waves: Sequence[Wave]

    def at(self, minutes: Ints) -> Ints:
        """Return the quantity at ascending minutes since 1970."""
        swing = np.zeros(len(minutes), dtype=np.int64)
        for wave in self.waves:
            lattice = minutes // wave.period
            phase = minutes - lattice * wave.period
            first = int(lattice[0])
            points = np.arange(first, int(lattice[-1]) + 2, dtype=np.int64)
            value = bits(hashes(wave.key, points), 0, _NOISE_BITS + 1) - (1 << _NOISE_BITS)
            left = value[lattice - first]
            right = value[lattice - first + 1]
            swing += (left + (right - left) * phase // wave.period) * wave.size
        per_base = (swing >> _NOISE_BITS) * self.volatility // 100
        return self.base + self.base * per_base // _SWING_ONE

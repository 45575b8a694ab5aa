"""Precomputed patterns of 512 consecutive trades, from which the trades of a day are assembled.

A pattern defines which trades belong to one taker order, which of them share a price (one aggregate trade), how the
orders are spread over time, on which side they take, and how large the trades are. A day chooses its patterns by hash.
This makes a day's trades cheap to generate, and the number of its aggregate trades known without generating them.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from exchange_simulator.market.hashing import Flags, Ints, bits, hashes, stream_key

TILE = 512
PATTERNS = 256
POSITION_BITS = 16
QUANTITY_ONE = 1024
JITTER_ONE = 1024
_MAX_LEVEL = 2


@dataclass(frozen=True)
class Tiles:
    """The patterns; every array has PATTERNS rows and one column per trade."""

    position: Ints
    """Position in time of the trade's taker order, in trades << POSITION_BITS; column TILE holds the end."""
    level: Ints
    """How many price levels the taker order has climbed before this trade."""
    is_buy: Flags
    """Whether the taker buys."""
    starts_aggregate: Flags
    """Whether the trade is the first one of an aggregate trade."""
    aggregates_before: Ints
    """Number of aggregate trades begun before this trade; column TILE holds the total."""
    quantity: Ints
    """Size relative to the symbol's usual trade, in QUANTITY_ONE-ths."""
    jitter: Ints
    """Distance of the order from the price path, in JITTER_ONE-ths of the symbol's jitter."""
    first_order_length: Ints
    """Number of trades in the pattern's first taker order (one value per pattern)."""


@cache
def trade_tiles() -> Tiles:
    """Return the patterns, built once per process."""
    cells = np.arange(PATTERNS * TILE, dtype=np.int64)
    structure = hashes(stream_key("tiles", "structure"), cells).reshape(PATTERNS, TILE)
    amounts = hashes(stream_key("tiles", "amounts"), cells).reshape(PATTERNS, TILE)

    starts_order = bits(structure, 0, 10) < 635
    starts_order[:, 0] = True
    changes_level = bits(structure, 10, 10) < 400
    level = np.zeros((PATTERNS, TILE), dtype=np.int64)
    for column in range(1, TILE):
        previous = level[:, column - 1]
        climbed = np.minimum(previous + changes_level[:, column], _MAX_LEVEL)
        level[:, column] = np.where(starts_order[:, column], 0, climbed)
    starts_aggregate = starts_order.copy()
    starts_aggregate[:, 1:] |= level[:, 1:] > level[:, :-1]

    columns = np.broadcast_to(np.arange(TILE, dtype=np.int64), (PATTERNS, TILE))
    order_start = np.maximum.accumulate(np.where(starts_order, columns, 0), axis=1)

    def of_order(values: Ints) -> Ints:
        return np.take_along_axis(values, order_start, axis=1)

    begun = np.zeros((PATTERNS, TILE + 1), dtype=np.int64)
    np.cumsum(starts_aggregate, axis=1, out=begun[:, 1:])
    return Tiles(
        position=_positions(structure, starts_order),
        level=level,
        is_buy=of_order(bits(structure, 20, 1)) == 1,
        starts_aggregate=starts_aggregate,
        aggregates_before=begun,
        quantity=_quantities(bits(amounts, 0, 16)),
        jitter=of_order(bits(amounts, 16, 11) - JITTER_ONE),
        first_order_length=np.where(starts_order[:, 1:].any(axis=1), starts_order[:, 1:].argmax(axis=1) + 1, TILE),
    )


def _positions(structure: npt.NDArray[np.uint64], starts_order: Flags) -> Ints:
    """Spread the taker orders over the pattern's time: long-tailed gaps, a quarter of them nearly none (bursts)."""
    chance = bits(structure, 21, 16) / 65536.0
    gap = (chance / (1.4 - chance) * 4096.0).astype(np.int64) + 1
    gap = np.where(bits(structure, 37, 2) == 0, 0, gap) * starts_order
    gap[:, 0] += 64
    reached = np.cumsum(gap, axis=1)
    whole = reached[:, -1:] + 4096
    position = np.empty((PATTERNS, TILE + 1), dtype=np.int64)
    position[:, :-1] = reached * (TILE << POSITION_BITS) // whole
    position[:, -1] = TILE << POSITION_BITS
    return position


def _quantities(chance_16_bits: Ints) -> Ints:
    """Return long-tailed sizes with a mean of about QUANTITY_ONE: many small trades, few that are 18 times the mean."""
    chance = chance_16_bits / 65536.0
    shape = 0.15 + 0.9 * chance * chance + 0.02 / (1.002 - chance)
    return (shape * (QUANTITY_ONE / 0.574)).astype(np.int64)

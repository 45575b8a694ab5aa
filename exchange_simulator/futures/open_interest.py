"""The open interest of a contract, every five minutes. Times in microseconds since 1970-01-01 UTC."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from exchange_simulator.futures.mark_price import MARK_DECIMALS, MarkPrices
from exchange_simulator.market.config import ContractSpec
from exchange_simulator.market.hashing import Ints, bits, hashes, stream_key
from exchange_simulator.market.intervals import MINUTE_US
from exchange_simulator.market.price_path import Path, price_waves

PERIODS: Final = {
    "5m": 5,
    "15m": 15,
    "30m": 30,
    "1h": 60,
    "2h": 120,
    "4h": 240,
    "6h": 360,
    "12h": 720,
    "1d": 1440,
}
POINT_US: Final = 5 * MINUTE_US
_SHARE_OF_A_DAY: Final = 3
_VOLATILITY: Final = 150


@dataclass(frozen=True)
class OpenInterest:
    """The open interest at one moment."""

    time: int
    steps: int
    """In the contract's steps of quantity."""
    value: int
    """In 1/10**8 of the quote asset."""


class OpenInterestSeries:
    """The open interest of one contract."""

    def __init__(self, contract: ContractSpec, mark: MarkPrices, seed: int) -> None:
        spec = contract.symbol
        self.symbol = spec.name
        self.step_decimals = spec.step_decimals
        self._calendar = spec.calendar
        self._mark = mark
        key = stream_key(seed, "open interest", spec.name)
        self._path = Path(
            max(spec.usual_quantity * spec.trades_per_day // _SHARE_OF_A_DAY, 1), _VOLATILITY, price_waves(key)
        )
        self._ratio_key = stream_key(key, "ratios")

    def points(self, period: str, start: int, end: int) -> Ints:
        """Return the moments of a period's grid in [start, end] since the listing."""
        step = PERIODS[period] * MINUTE_US
        first = -(-max(start, self._calendar.listed) // step) * step
        return np.arange(first, min(end + 1, self._calendar.ends), step, dtype=np.int64)

    def at(self, points: Ints) -> list[OpenInterest]:
        """Return the open interest at ascending moments."""
        if len(points) == 0:
            return []
        steps = np.maximum(self._path.at(points // MINUTE_US), 1).tolist()
        marks = self._mark.at(points).tolist()
        one = 10**self.step_decimals
        return [
            OpenInterest(time, number, number * mark // one)
            for time, number, mark in zip(points.tolist(), steps, marks, strict=True)
        ]

    def ratios(self, points: Ints) -> list[list[str]]:
        """Return the four ratios that the archive has besides open interest; a few of them are blank."""
        columns = []
        for number in range(4):
            chance = bits(hashes(stream_key(self._ratio_key, number), points), 0, 32)
            columns.append(
                ["" if value % 97 == 0 else f"0.{value % 10**MARK_DECIMALS:08d}" for value in chance.tolist()]
            )
        return [list(row) for row in zip(*columns, strict=True)]

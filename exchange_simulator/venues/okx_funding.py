"""The funding rates of the simulated OKX. Times in microseconds UTC, except in rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa

from exchange_simulator.hidden_rows import Span
from exchange_simulator.market.calendar import FOREVER_US
from exchange_simulator.market.hashing import bits, hashes, stream_key
from exchange_simulator.market.intervals import DAY_US, MINUTE_US
from exchange_simulator.market.truth import TIMESTAMP
from exchange_simulator.venues.base import EXACT, MILLISECOND
from exchange_simulator.venues.follower import Follower, utc
from exchange_simulator.venues.okx_listings import FUNDING, FundingPeriod

_HOUR_US: Final = 60 * MINUTE_US
_KEPT_US: Final = 90 * DAY_US
# How much later than the first row of a settlement the odd second one is.
_SECOND_ROW_US: Final = 5_000_000
_RATE_DECIMALS: Final = 16
_RATE_BITS: Final = 42
_FORECAST_BITS: Final = 38
# Since then, the rate is that of the period it is paid for, and is known only at its end.
_CURRENT_PERIOD_SINCE: Final = utc("2025-01-01T00:00")
_INSTRUMENT_TYPE: Final = "SWAP"
_NEVER: Final = FundingPeriod(FOREVER_US, 0)


@dataclass(frozen=True)
class _Funding:
    time: int
    realized: Decimal
    predicted: Decimal
    method: str


def rows(
    product: Follower, after: int, before: int, limit: int, now: int, lost: Sequence[Span], is_odd: bool = False
) -> list[dict[str, str]]:
    """Return the newest `limit` rates of the last three months between two times, both exclusive, newest first.

    If `is_odd`, a settlement at 08:00 has two rows.
    """
    first, last = max(before + 1, now - _KEPT_US), min(after - 1, now)
    # The first row of a settlement may be before these times, and the second one within them.
    settled = list(_fundings(product, first - _SECOND_ROW_US, last))
    if is_odd:
        again = [row for row in settled if row.time % DAY_US == 8 * _HOUR_US]
        settled += [replace(row, time=row.time + _SECOND_ROW_US) for row in again]
    found = [
        funding
        for funding in sorted(settled, key=lambda row: row.time)
        if first <= funding.time <= last
        and not any(span.start * MILLISECOND <= funding.time < span.end * MILLISECOND for span in lost)
    ]
    return [
        {
            "formulaType": "noRate",
            "fundingRate": f"{funding.predicted:f}",
            "fundingTime": str(funding.time // MILLISECOND),
            "instId": product.listing.name,
            "instType": _INSTRUMENT_TYPE,
            "method": funding.method,
            "realizedRate": f"{funding.realized:f}",
        }
        for funding in reversed(found[-limit:])
    ]


def table(product: Follower, start: int, end: int, now: int) -> pa.Table:
    """Return all rates of [start, end] by now, including those that are no longer served."""
    found = list(_fundings(product, start, min(end, now)))
    return pa.table(
        {
            "symbol": pa.repeat(product.listing.name, len(found)),
            "funding_time": pa.array([funding.time for funding in found], pa.int64()).cast(TIMESTAMP),
            "funding_rate": pa.array([funding.realized for funding in found], EXACT),
            "predicted_rate": pa.array([funding.predicted for funding in found], EXACT),
            "method": pa.array([funding.method for funding in found], pa.string()),
        }
    )


def _fundings(product: Follower, first: int, last: int) -> Iterator[_Funding]:
    """Yield the rates of [first, last], oldest first."""
    for period, following in pairwise((*FUNDING.get(product.listing.name, ()), _NEVER)):
        length = period.hours * _HOUR_US
        low = max(period.start, product.calendar.listed + 1, first)
        high = min(following.start - 1, last, product.calendar.halted)
        for time in range(-(-low // length) * length, high + 1, length):
            yield _funding(product.listing.name, time)


def _funding(name: str, time: int) -> _Funding:
    chance = hashes(stream_key("okx funding", name), 2 * (time // MINUTE_US) + np.arange(2))
    realized = int(bits(chance[:1], 0, _RATE_BITS)[0]) - (1 << _RATE_BITS) // 3
    predicted = realized + int(bits(chance[1:], 0, _FORECAST_BITS)[0]) - (1 << (_FORECAST_BITS - 1))
    method = "current_period" if time >= _CURRENT_PERIOD_SINCE else "next_period"
    exact, forecast = (Decimal(rate).scaleb(-_RATE_DECIMALS) for rate in (realized, predicted))
    return _Funding(time, exact, forecast, method)

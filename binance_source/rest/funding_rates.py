"""Funding rates of perpetual futures: GET /fapi/v1/fundingRate."""

import msgspec
import pyarrow as pa

from exchange_engine.columns import Milliseconds, build, decimals, times_from_ms
from exchange_engine.coverage import split_key
from exchange_engine.http.errors import BadResponseError
from exchange_engine.http.transport import Params
from exchange_engine.listed import Rejected
from exchange_engine.settlements import one_each
from exchange_engine.times import HOUR_MS

from ..schemas import FUNDING_RATES
from .timed_rows import TimedSeries

SECOND_MS = 1000


class FundingRate(msgspec.Struct, rename="camel"):
    """A row of GET /fapi/v1/fundingRate; the mark price is there since November 2023, the type since July 2026."""

    symbol: str
    funding_rate: str
    funding_time: Milliseconds
    mark_price: str = ""
    rate_type: str | None = None


_DECODER = msgspec.json.Decoder(list[FundingRate])


class FundingSeries(TimedSeries[FundingRate]):
    """The funding rates of one symbol. Their interval is 8 hours as a rule, and 4 or 1 for some, for a time."""

    endpoint = "fundingRate"
    page_rows = 1000
    least_step_ms = HOUR_MS
    may_meet = True

    def params(self) -> Params:
        """Return what is asked for beside the times."""
        return {"symbol": split_key(self.key)[1]}

    def decode(self, body: bytes) -> list[FundingRate]:
        """Read an answer, of this symbol alone."""
        rows = _DECODER.decode(body)
        if any(row.symbol != split_key(self.key)[1] for row in rows):
            raise BadResponseError(f"fundingRate {self.key} was answered with another symbol")
        return rows

    def time_of(self, row: FundingRate) -> int:
        """Return the row's time as the exchange has it, off by some milliseconds."""
        return row.funding_time

    def settled(self, rows: list[FundingRate]) -> tuple[list[FundingRate], list[Rejected]]:
        """Return one row for each settlement, and those whose rates contradict each other."""
        return one_each(rows, split_key(self.key)[1], self.time_of, lambda row: row.funding_rate)

    def table(self, rows: list[FundingRate]) -> pa.Table:
        """Turn rows into the staging table, with times rounded to the second."""
        times = [rounded(row.funding_time) for row in rows]
        return build(
            FUNDING_RATES,
            len(rows),
            {
                "symbol": split_key(self.key)[1],
                "funding_time": times_from_ms(times),
                "funding_rate": decimals([row.funding_rate for row in rows], f"{self.key} funding_rate", times),
                "mark_price": decimals([row.mark_price or None for row in rows], f"{self.key} mark_price", times),
                "funding_interval_hours": [None] * len(rows),
                "rate_type": [row.rate_type for row in rows],
                "source": "rest",
            },
        )


def rounded(time_ms: int) -> int:
    """Round a time in milliseconds to the second."""
    return (time_ms + SECOND_MS // 2) // SECOND_MS * SECOND_MS

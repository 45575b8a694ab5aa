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
    """A row of GET /fapi/v1/fundingRate. The mark price exists since November 2023, the type since July 2026."""

    symbol: str
    funding_rate: str
    funding_time: Milliseconds
    mark_price: str = ""
    rate_type: str | None = None


_DECODER = msgspec.json.Decoder(list[FundingRate])


class FundingSeries(TimedSeries[FundingRate]):
    """The funding rates of one symbol. The interval is usually 8 hours; some symbols have had 4 or 1 for a time."""

    endpoint = "fundingRate"
    page_rows = 1000
    least_step_ms = HOUR_MS
    may_meet = True

    def params(self) -> Params:
        """Return the symbol."""
        return {"symbol": split_key(self.key)[1]}

    def decode(self, body: bytes) -> list[FundingRate]:
        """Return the rows of a response; those of another symbol are refused."""
        rows = _DECODER.decode(body)
        if any(row.symbol != split_key(self.key)[1] for row in rows):
            raise BadResponseError(f"fundingRate {self.key} was answered with another symbol")
        return rows

    def time_of(self, row: FundingRate) -> int:
        """Return the row's time in milliseconds since 1970, which is off by some milliseconds."""
        return row.funding_time

    def settled(self, rows: list[FundingRate]) -> tuple[list[FundingRate], list[Rejected]]:
        """Return one row per settlement, and the rows whose rates contradict each other."""
        return one_each(rows, split_key(self.key)[1], self.time_of, lambda row: row.funding_rate)

    def table(self, rows: list[FundingRate]) -> pa.Table:
        """Return rows as the staging table, with times rounded to the second."""
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
    """Return a time in milliseconds rounded to the second."""
    return (time_ms + SECOND_MS // 2) // SECOND_MS * SECOND_MS

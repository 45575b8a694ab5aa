"""Open interest of futures: GET /futures/data/openInterestHist, which reaches back thirty days."""

from typing import Any

import msgspec
import pyarrow as pa

from exchange_engine.columns import Milliseconds, build, decimals, times_from_ms
from exchange_engine.coverage import split_key
from exchange_engine.http.errors import BadResponseError
from exchange_engine.http.transport import Params
from exchange_engine.tables import WIDE_DECIMAL
from exchange_engine.times import INTERVAL_MS

from ..schemas import OPEN_INTEREST
from .timed_rows import TimedSeries


class OpenInterest(msgspec.Struct, rename="camel"):
    """A row of GET /futures/data/openInterestHist; its time has also come as text."""

    symbol: str
    sum_open_interest: str
    sum_open_interest_value: str
    timestamp: Milliseconds


_DECODER = msgspec.json.Decoder(list[OpenInterest], strict=False)


class OpenInterestSeries(TimedSeries[OpenInterest]):
    """The open interest of one symbol, at the times of one period such as 5m."""

    endpoint = "openInterestHist"
    page_rows = 500

    def __init__(self, *where: Any) -> None:
        super().__init__(*where)
        _, self._symbol, self._period = split_key(self.key)
        self.least_step_ms = INTERVAL_MS[self._period]

    def params(self) -> Params:
        """Return symbol and period."""
        return {"symbol": self._symbol, "period": self._period}

    def decode(self, body: bytes) -> list[OpenInterest]:
        """Return the rows of a response; those of another symbol or period are refused."""
        rows = _DECODER.decode(body)
        if any(row.symbol != self._symbol for row in rows):
            raise BadResponseError(f"openInterestHist {self.key} was answered with another symbol")
        if any(row.timestamp % self.least_step_ms for row in rows):
            raise BadResponseError(f"openInterestHist {self.key} was answered with times of another period")
        return rows

    def time_of(self, row: OpenInterest) -> int:
        """Return the row's time in milliseconds since 1970."""
        return row.timestamp

    def table(self, rows: list[OpenInterest]) -> pa.Table:
        """Return rows as the staging table."""
        times = [row.timestamp for row in rows]

        def numbers(name: str, values: list[str]) -> pa.Array:
            return decimals(values, f"{self.key} {name}", times, WIDE_DECIMAL)

        return build(
            OPEN_INTEREST,
            len(rows),
            {
                "symbol": self._symbol,
                "period": self._period,
                "open_interest_time": times_from_ms(times),
                "open_interest": numbers("open_interest", [row.sum_open_interest for row in rows]),
                "open_interest_value": numbers("open_interest_value", [row.sum_open_interest_value for row in rows]),
                "source": "rest",
            },
        )

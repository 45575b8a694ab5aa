"""Funding rates of perpetual swaps: GET /api/v5/public/funding-rate-history, the last three months."""

import msgspec
import pyarrow as pa

from exchange_engine.columns import build, decimals, times_from_ms
from exchange_engine.coverage import Range, missing, split_key
from exchange_engine.http.errors import BadResponseError
from exchange_engine.http.transport import Tally
from exchange_engine.listed import Rejected, json_text
from exchange_engine.settlements import one_each
from exchange_engine.tables import WIDE_DECIMAL
from exchange_engine.times import HOUR_MS
from exchange_engine.walk import Page, Window

from .client import MillisecondsText, OkxClient
from .pages import page_back
from .schemas import OKX_FUNDING_RATES
from .settings import FUNDING_PAGE_ROWS


class FundingRate(msgspec.Struct, rename="camel"):
    """A funding rate, as predicted and as paid."""

    inst_id: str
    funding_time: MillisecondsText
    realized_rate: str = ""
    funding_rate: str = ""
    method: str = ""

    @property
    def time_ms(self) -> int:
        """When it was paid, in milliseconds since 1970."""
        return int(self.funding_time)


class _Answer(msgspec.Struct):
    data: list[FundingRate]


_DECODER = msgspec.json.Decoder(_Answer)


class OkxFundingRates:
    """The funding rates of one swap. The interval is usually 8 hours; some swaps have had shorter ones for a time.

    Args:
        client: Client of the venue.
        key: Key of the series.
        wanted: The requested times [from, to) in milliseconds.
        covered: Ranges of times that are already loaded.
        now_ms: The venue's time, in milliseconds since 1970.
    """

    def __init__(self, client: OkxClient, key: str, wanted: Range, covered: list[Range], now_ms: int) -> None:
        self.key = key
        self.tally = Tally()
        self._symbol = split_key(key)[1]
        self._client = client
        self._missing = missing(wanted, covered)
        self._now = now_ms

    def open(self) -> list[Page | Window]:
        """Return one window for each missing range."""
        return [Window(start, end, (end,)) for start, end in self._missing]

    def fetch(self, window: Window) -> Page:
        """Fetch all rates of a range.

        A row without a paid rate is rejected, unless it is of the last hour: then the page ends before it, because its
        rate may still come.
        """
        known = self._now
        end = min(window.end, known)
        rates = page_back(
            self._client,
            "/api/v5/public/funding-rate-history",
            {"instId": self._symbol, "limit": FUNDING_PAGE_ROWS},
            (window.start, end),
            lambda body: read_funding_rates(body, self._symbol),
            lambda rate: rate.time_ms,
            HOUR_MS,
            self.tally,
            may_meet=True,
        )
        awaited = (one.time_ms for one in rates if not one.realized_rate and one.time_ms > self._now - HOUR_MS)
        if (open_from := next(awaited, None)) is not None:
            known = end = open_from
            rates = [one for one in rates if one.time_ms < open_from]
        empty = [one for one in rates if not one.realized_rate]
        rejected = [Rejected(self._symbol, "realizedRate is empty", json_text(one)) for one in empty]
        newest = rates[-1].time_ms if rates else None
        paid = [one for one in rates if one.realized_rate]
        paid, contradicting = one_each(paid, self._symbol, lambda one: one.time_ms, lambda one: one.realized_rate)
        # A rate of this very moment may not be there yet, so coverage ends with the newest rate.
        until = window.end if window.end < known else (window.start if newest is None else newest + 1)
        newest_us = None if newest is None else newest * 1000
        answered = (window.start, end) if until < window.end else None
        return Page(
            self.key,
            funding_table(paid, self.key),
            ((window.start, until),),
            newest_us,
            answered=answered,
            rejected=[*rejected, *contradicting],
        )


def read_funding_rates(body: bytes, symbol: str) -> list[FundingRate]:
    """Return the rates of a response, newest first.

    Raises:
        BadResponseError: They are of another symbol.
    """
    rates = _DECODER.decode(body).data
    if any(rate.inst_id != symbol for rate in rates):
        raise BadResponseError(f"funding rates of {symbol} were answered with those of another symbol")
    return rates


def funding_table(rates: list[FundingRate], key: str) -> pa.Table:
    """Return rates, in ascending order, as the staging table."""
    times = [rate.time_ms for rate in rates]
    predicted = [rate.funding_rate or None for rate in rates]
    return build(
        OKX_FUNDING_RATES,
        len(rates),
        {
            "symbol": split_key(key)[1],
            "funding_time": times_from_ms(times),
            "funding_rate": decimals([one.realized_rate for one in rates], f"{key} funding_rate", times, WIDE_DECIMAL),
            "predicted_rate": decimals(predicted, f"{key} predicted_rate", times, WIDE_DECIMAL),
            "method": [rate.method or None for rate in rates],
        },
    )

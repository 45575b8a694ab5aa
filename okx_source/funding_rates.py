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
    """A rate: the one that was predicted, and the one that was paid."""

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
    """The funding rates of one swap. Their interval is 8 hours as a rule, and shorter for some, for a time.

    Args:
        client: How to ask.
        key: Of the series.
        wanted: Times [from, to) in milliseconds.
        covered: Ranges of times that are loaded already.
        now_ms: The exchange's clock.
    """

    def __init__(self, client: OkxClient, key: str, wanted: Range, covered: list[Range], now_ms: int) -> None:
        self.key = key
        self.tally = Tally()
        self._symbol = split_key(key)[1]
        self._client = client
        self._missing = missing(wanted, covered)
        self._now = now_ms

    def open(self) -> list[Page | Window]:
        """Cut nothing: each missing range is one window."""
        return [Window(start, end, (end,)) for start, end in self._missing]

    def fetch(self, window: Window) -> Page:
        """Fetch all rates of a range. One without a rate costs itself; a new one may still get its rate."""
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
        # What is paid in this very moment may not be there yet: the newest rate ends what is certain.
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
    """Read an answer, newest first.

    Raises:
        BadResponseError: It is of another symbol.
    """
    rates = _DECODER.decode(body).data
    if any(rate.inst_id != symbol for rate in rates):
        raise BadResponseError(f"funding rates of {symbol} were answered with those of another symbol")
    return rates


def funding_table(rates: list[FundingRate], key: str) -> pa.Table:
    """Turn rates, in ascending order, into the staging table."""
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

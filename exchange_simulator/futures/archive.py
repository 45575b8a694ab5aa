"""The CSV lines of the futures' files in the archive. Times in microseconds since 1970-01-01 UTC."""

import re
from datetime import datetime, timezone
from typing import Final

from exchange_simulator.archive.keys import (
    AGGREGATES,
    ARCHIVE_INTERVALS,
    FUNDING_RATES,
    KLINES,
    METRICS,
    Period,
    Series,
)
from exchange_simulator.archive.rows import kline_lines, object_lines
from exchange_simulator.archive.spoiling import header_of
from exchange_simulator.futures.funding import RATE_DECIMALS
from exchange_simulator.futures.mark_price import MARK_DECIMALS
from exchange_simulator.futures.market import Contract, FuturesMarket
from exchange_simulator.market.base import Selection
from exchange_simulator.market.render import decimal_text

_QUANTITY_WITHOUT_RPI: Final = re.compile(rb'"nq":"[^"]*",')
# Metrics have sixteen decimals, REST has eight.
_PADDING: Final = "0" * 8
_PERIOD: Final = "5m"


class FuturesRows:
    """The rows of the futures market; see RowSource for the methods."""

    def __init__(self, market: FuturesMarket) -> None:
        self._market = market

    def symbols(self, now: int) -> list[str]:
        """Return the names of the contracts that trade or have traded."""
        return [name for name, contract in self._market.contracts.items() if contract.spec.calendar.listed <= now]

    def first_row(self, symbol: str, now: int) -> int | None:  # noqa: ARG002 - it is listed
        """Return when the contract was listed."""
        return self._market.contracts[symbol].spec.calendar.listed

    def header(self, series: Series, period: Period) -> bytes:
        """Return the column names for files that are recent enough."""
        if period.start < self._market.settings.archive_header_since:
            return b""
        return f"{header_of(series)}\n".encode()

    def lines(self, series: Series, start: int, end: int, limit: int, published: int) -> bytes:
        """Return the first lines of [start, end)."""
        contract = self._market.contracts[series.symbol]
        wanted = Selection(limit, start, end - 1)
        if series.interval:
            klines = contract.symbol.klines if series.kind == KLINES else contract.mark_klines
            rows = klines.page(ARCHIVE_INTERVALS[series.interval], wanted, published, microseconds=False)
            return kline_lines(rows, published // 1000)
        if series.kind == AGGREGATES:
            rows = contract.symbol.aggregates.page(wanted, published, microseconds=False)
            return object_lines(_QUANTITY_WITHOUT_RPI.sub(b"", rows), b"true", b"false")
        lines = _LINES[series.kind](contract, start, end)[:limit]
        return "".join(f"{line}\n" for line in lines).encode()


def _funding_lines(contract: Contract, start: int, end: int) -> list[str]:
    return [
        f"{payment.time // 1000},{payment.hours},"
        f"{'-' if payment.rate < 0 else ''}{decimal_text(abs(payment.rate), RATE_DECIMALS)}"
        for payment in contract.funding.between(start, end - 1)
    ]


def _metrics_lines(contract: Contract, start: int, end: int) -> list[str]:
    series = contract.open_interest
    points = series.points(_PERIOD, start, end - 1)
    if len(points) == 0:
        return []
    return [
        ",".join(
            [
                datetime.fromtimestamp(row.time // 1_000_000, timezone.utc).strftime("%Y-%m-%d %H:%M:%S"),
                series.symbol,
                decimal_text(row.steps, series.step_decimals) + _PADDING,
                decimal_text(row.value, MARK_DECIMALS) + _PADDING,
                *ratios,
            ]
        )
        for row, ratios in zip(series.at(points), series.ratios(points), strict=True)
    ]


_LINES: Final = {FUNDING_RATES: _funding_lines, METRICS: _metrics_lines}

"""Klines and mark price klines: only closed candles, paged by open time in windows known in advance."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

import pyarrow as pa

from exchange_engine.array_rows import ArrayRows
from exchange_engine.columns import Milliseconds, Whole, build, decimals, times_from_ms
from exchange_engine.coverage import Range, missing, series_key
from exchange_engine.http.errors import BadResponseError, GaveUpError
from exchange_engine.http.transport import Params, Tally
from exchange_engine.listed import without_copies
from exchange_engine.tables import Table
from exchange_engine.times import DAY_MS, INTERVAL_MS, LONGEST_MS
from exchange_engine.walk import Page, Window

from ..markets import MARKETS
from ..schemas import KLINES, LISTINGS, MARK_PRICE_KLINES
from .client import RestClient

# Open time, open, high, low, close, volume, close time, quote volume, trades, taker buy volume, taker buy quote volume,
# unused (rest-api.md, kline/candlestick data).
_DECODER = ArrayRows(Milliseconds, str, str, str, str, str, Milliseconds, str, Whole, str, str, str)
_Row = tuple[Any, ...]
_TEXT_COLUMNS = {
    "open": 1,
    "high": 2,
    "low": 3,
    "close": 4,
    "volume": 5,
    "quote_volume": 7,
    "taker_buy_volume": 9,
    "taker_buy_quote_volume": 10,
}


@dataclass(frozen=True)
class KlineKind:
    """A kind of candles.

    Attributes:
        endpoint: The REST endpoint, by its name in `Market.endpoints`.
        table: The staging table.
    """

    endpoint: str
    table: Table


KLINE_KINDS: Final = {
    KLINES.name: KlineKind("klines", KLINES),
    MARK_PRICE_KLINES.name: KlineKind("markPriceKlines", MARK_PRICE_KLINES),
}
"""The kinds of candles, by staging table."""

SUSPICIONS = 3
"""How often a page may look like one of another interval before the series is given up."""


class KlineSeries:
    """The klines of one symbol and interval.

    Args:
        client: Client of the market.
        market: Such as "spot".
        symbol: Such as "BTCUSDT".
        interval: Such as "1m".
        wanted: The requested open times [from, to) in milliseconds; `to` is `now_ms` if everything up to now is
            requested.
        covered: Ranges of open times that are already loaded.
        now_ms: Binance's time, in milliseconds since 1970: a candle is closed once this is past its close time.
        kind: The kind of candles.
    """

    def __init__(
        self,
        client: RestClient,
        market: str,
        symbol: str,
        interval: str,
        wanted: Range,
        covered: list[Range],
        now_ms: int,
        kind: KlineKind = KLINE_KINDS[KLINES.name],
    ) -> None:
        self.key = series_key(market, symbol, interval)
        self.tally = Tally()
        self._client = client
        self._market = market
        self._symbol = symbol
        self._interval = interval
        self._kind = kind
        self._page_rows = MARKETS[market].kline_rows
        self._step = INTERVAL_MS[interval]
        self._longest = LONGEST_MS.get(interval, self._step)
        # If nothing before the start is covered, a gap at the start may be the time before the listing.
        self._first = None if any(entry[0] < wanted[0] for entry in covered) else wanted[0]
        self._missing = missing(wanted, covered)
        self._now = now_ms

    def open(self) -> list[Page | Window]:
        """Fetch the first page of each missing range, and return it with windows of one page each for the rest."""
        return [step for gap in self._missing for step in self._open_range(*gap)]

    def fetch(self, window: Window) -> Page:
        """Fetch one window of at most a page of open times."""
        return self._page(self._rows(window.start, window.end), window.start, window.covers[0])

    def _open_range(self, start: int, end: int) -> list[Page | Window]:
        if self._next_open(start) + self._step > self._now:
            return []  # not even the first candle of the range can be closed
        to_now = end == self._now
        until = None if to_now else end
        rows = self._ask(start, end, is_empty_likely=to_now)
        is_asked = self._kind.table is KLINES and start == self._first and self._lacks_first(rows, start)
        records = self._listing() if is_asked else []
        if not rows or rows[-1][0] + self._step >= end:
            return [self._page(rows, start, until, records)]
        last = rows[-1][0]
        steps: list[Page | Window] = [self._page(rows, start, last + 1, records)]
        newest, begin, width = self._newest_open(last, end), last + 1, self._page_rows * self._step
        while begin + width <= newest:
            steps.append(Window(begin, begin + width, (begin + width,)))
            begin += width
        # Up to the end of the period rather than the newest row: an empty response proves that nothing follows.
        steps.append(Window(begin, end, (until,)))
        return steps

    def _next_open(self, start: int) -> int:
        # Candles of up to a day open at multiples of their length since 1970; this is not assumed for longer ones.
        return -(-start // self._step) * self._step if self._step <= DAY_MS else start

    def _lacks_first(self, rows: list[_Row], start: int) -> bool:
        return not rows or rows[0][0] - self._next_open(start) >= self._longest

    def _listing(self) -> list[tuple[Table, pa.Table]]:
        """Fetch the symbol's very first minute, to tell whether it was listed when the series was to begin."""

        def decode(body: bytes) -> int | None:
            rows = _DECODER.decode(body)
            if len(rows) > 1:
                raise BadResponseError(f"{len(rows)} klines answer the question for the first one of {self._symbol}")
            return rows[0][0] * 1000 if rows else None

        params: Params = {"symbol": self._symbol, "interval": "1m", "startTime": 0, "limit": 1}
        first_us = self._client.get("klines", params, decode, tally=self.tally)
        line = {"first_open_time": [first_us], "checked_at": [self._now * 1000]}
        return [(LISTINGS, build(LISTINGS, 1, {"market": self._market, "symbol": self._symbol, **line}))]

    def _newest_open(self, known: int, end: int) -> int:
        """Fetch the newest open time in [known, end): a dead symbol needs no pages for the years after its end."""

        def decode(body: bytes) -> int:
            rows = _DECODER.decode(body)
            if len(rows) != 1 or not known <= rows[0][0] < end:
                raise BadResponseError(f"the newest of klines {self.key} before {end} is not what was answered")
            return int(rows[0][0])

        params: Params = {"symbol": self._symbol, "interval": self._interval, "endTime": end - 1, "limit": 1}
        return self._client.get(self._kind.endpoint, params, decode, tally=self.tally)

    def _rows(self, start: int, end: int) -> list[_Row]:
        """Return all rows of [start, end). Only the end or an empty response ends the pages, not a short page."""
        rows: list[_Row] = []
        while start < end:
            page = self._ask(start, end)
            rows += page
            if not page or page[-1][0] + self._step >= end:
                break
            start = page[-1][0] + 1
        return rows

    def _ask(self, start: int, end: int, is_empty_likely: bool = False) -> list[_Row]:
        """Return the first rows of [start, end), up to a page; each gap in them is requested again on its own.

        An outage looks like a response that lost rows. A gap is believed if a request for it alone finds no rows
        either. An unexpected empty response is believed if it comes twice.
        """
        page = self._request(start, end - 1)
        if not page and not is_empty_likely:
            page = self._request(start, end - 1)
        complete: list[_Row] = []
        asked, expected = start, self._next_open(start)
        for row in page:
            if row[0] - expected >= self._longest:
                gap = self._request(asked, row[0] - 1)
                complete += gap
                if gap and gap[-1][0] + self._step < row[0]:
                    return complete  # more than a page is missing: what follows is requested again
            complete.append(row)
            asked, expected = row[0] + 1, row[0] + self._step
        return complete

    def _request(self, start: int, last: int) -> list[_Row]:
        """Fetch a page of [start, last]; a response with another interval is refused."""
        for _ in range(SUSPICIONS):
            rows = self._get(start, last, self._page_rows)
            # Halts cut single candles short. If no candle has its full length, they may be of a shorter interval.
            if not rows or any(row[6] - row[0] >= self._step - 1 for row in rows):
                return rows
            if self._get(rows[0][0], rows[0][0], 1) == rows[:1]:
                return rows
        raise GaveUpError(f"klines {self.key} from {start} to {last}: the exchange answers with another interval")

    def _get(self, start: int, last: int, limit: int) -> list[_Row]:
        def decode(body: bytes) -> list[_Row]:
            rows = without_copies(_DECODER.decode(body), itemgetter(0))
            before = start - 1
            for row in rows:
                if not before < row[0] <= last or row[6] - row[0] >= self._longest:
                    raise BadResponseError(
                        f"klines {self.key} from {start} to {last} answered with the candle from {row[0]} to {row[6]} "
                        f"after {before}"
                    )
                before = row[0]
            return rows

        params: Params = {
            "symbol": self._symbol,
            "interval": self._interval,
            "startTime": start,
            "endTime": last,
            "limit": limit,
        }
        return self._client.get(self._kind.endpoint, params, decode, tally=self.tally)

    def _page(
        self, rows: list[_Row], start: int, until: int | None, records: Sequence[tuple[Table, pa.Table]] = ()
    ) -> Page:
        """Return a page that covers the times from `start` to `until`, or up to its newest row if `until` is None."""
        answered = (start, self._now) if until is None else None
        if until is None:
            until = rows[-1][0] + 1 if rows else start
        closed = [row for row in rows if row[6] < self._now]
        if len(closed) < len(rows):
            until = min(until, next(row[0] for row in rows if row[6] >= self._now))
        newest = closed[-1][0] * 1000 if closed else None
        return Page(self.key, self._table(closed), ((start, until),), newest, records=records, answered=answered)

    def _table(self, rows: list[_Row]) -> pa.Table:
        table = self._kind.table
        if not rows:
            return table.schema.empty_table()
        columns = list(zip(*rows, strict=True))
        texts = {name: i for name, i in _TEXT_COLUMNS.items() if name in table.schema.names}
        return build(
            table,
            len(rows),
            {
                "market": self._market,
                "symbol": self._symbol,
                "interval": self._interval,
                "open_time": times_from_ms(columns[0]),
                "close_time": times_from_ms(columns[6]),
                "trade_count": columns[8],
                "source": "rest",
                **{name: decimals(columns[i], f"{self.key} {name}", columns[0]) for name, i in texts.items()},
            },
        )

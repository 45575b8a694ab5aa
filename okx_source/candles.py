"""Candles: GET /api/v5/market/history-candles, newest first; flat if nothing was traded."""

from collections.abc import Sequence
from typing import Final

import msgspec
import pyarrow as pa

from exchange_engine.array_rows import ArrayRows
from exchange_engine.candles import SETTLING_MS, Answer, Candle, CandleSeries, Interval
from exchange_engine.columns import build, decimals, times_from_ms
from exchange_engine.coverage import Range, split_key
from exchange_engine.http.errors import BadResponseError
from exchange_engine.http.transport import Params
from exchange_engine.listed import Rejected, json_text
from exchange_engine.tables import WIDE_DECIMAL

from .client import HISTORY_CANDLES, MillisecondsText, OkxClient
from .instruments import SPOT
from .pages import page_back
from .schemas import OKX_CANDLES
from .settings import INTERVALS, PAGE_ROWS

RECENT_CANDLES: Final = "/api/v5/market/candles"

CLOSED: Final = "1"


class _Answer(msgspec.Struct):
    data: msgspec.Raw


_ANSWER = msgspec.json.Decoder(_Answer)
# Time, open, high, low, close, volume, volume in currency, volume in quote currency, whether it is closed.
_ROWS = ArrayRows(MillisecondsText, str, str, str, str, str, str, str, str)
_PRICES: Final = {"open": 1, "high": 2, "low": 3, "close": 4}
_VOLUMES: Final = {
    True: {**_PRICES, "volume": 5, "quote_volume": 7},
    # For swaps, the volume in contracts precedes the volume in the base asset.
    False: {**_PRICES, "volume": 6, "quote_volume": 7, "contracts": 5},
}


class OkxCandles(CandleSeries):
    """The candles of one instrument and interval.

    Args:
        client: Client of the venue.
        key: Key of the series.
        instrument_type: SPOT or SWAP; it decides what the volumes count.
        wanted: The requested open times [from, to) in milliseconds.
        covered: Ranges of open times that are already loaded.
        now_ms: The venue's time, in milliseconds since 1970.
    """

    window_candles = PAGE_ROWS

    def __init__(
        self, client: OkxClient, key: str, instrument_type: str, wanted: Range, covered: list[Range], now_ms: int
    ) -> None:
        _, self._symbol, interval = split_key(key)
        super().__init__(key, INTERVALS[interval], INTERVALS["1d"], wanted, covered, now_ms)
        self._client = client
        self._is_spot = instrument_type == SPOT

    def ask(self, interval: Interval, start: int, end: int) -> Answer:
        """Fetch the closed candles that open in [start, end); /api/v5/market/candles has the newest of them."""
        candles, rejected = self._rows(HISTORY_CANDLES, interval, start, end)
        known = candles[-1][0] + interval.shortest_ms if candles else start
        if known < end and end + interval.longest_ms > self._now:
            recent, odd = self._rows(RECENT_CANDLES, interval, known, end)
            candles += recent
            rejected += [one for one in odd if one not in rejected]
        return Answer(candles, rejected=rejected)

    def table(self, candles: list[Candle]) -> pa.Table:
        """Return candles as the staging table."""
        return candles_table(candles, self.key, self._is_spot)

    def _rows(self, path: str, interval: Interval, start: int, end: int) -> tuple[list[Candle], list[Rejected]]:
        params: Params = {"instId": self._symbol, "bar": interval.parameter, "limit": PAGE_ROWS}
        candles = page_back(
            self._client,
            path,
            params,
            (start, end),
            lambda body: read_candles(body, interval),
            lambda candle: int(candle[0]),
            interval.shortest_ms,
            self.tally,
        )
        over_before = self._now - SETTLING_MS - interval.longest_ms
        open_from = next((row[0] for row in candles if row[-1] != CLOSED and row[0] > over_before), end)
        closed = [row for row in candles if row[-1] == CLOSED and row[0] < open_from]
        # A candle that ended long ago will not be confirmed any more.
        stuck = [row for row in candles if row[-1] != CLOSED and row[0] <= over_before]
        reason = f"{interval.name} candle: over, and not confirmed"
        return closed, [Rejected(self._symbol, reason, json_text(row)) for row in stuck]


def read_candles(body: bytes, interval: Interval) -> list[Candle]:
    """Return the candles of a response, newest first: open time in milliseconds, then the other columns as text.

    Raises:
        BadResponseError: They are of another interval.
    """
    candles: list[Candle] = [(int(row[0]), *row[1:]) for row in _ROWS.decode(_ANSWER.decode(body).data)]
    if interval.is_aligned and any(candle[0] % interval.shortest_ms for candle in candles):
        raise BadResponseError(f"candles of {interval.parameter} were answered with others: {candles[0][0]} ...")
    return candles


def candles_table(candles: Sequence[Candle], key: str, is_spot: bool) -> pa.Table:
    """Return candles of `read_candles` as the staging table."""
    if not candles:
        return OKX_CANDLES.schema.empty_table()
    _, symbol, interval = split_key(key)
    columns = list(zip(*candles, strict=True))
    opens = columns[0]
    numbers = {
        name: decimals(columns[at], f"{key} {name}", opens, WIDE_DECIMAL) for name, at in _VOLUMES[is_spot].items()
    }
    labels = {"symbol": symbol, "interval": interval, "open_time": times_from_ms(opens)}
    return build(OKX_CANDLES, len(candles), {"contracts": [None] * len(candles), **labels, **numbers})

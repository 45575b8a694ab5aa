"""Candles: GET /products/{id}/candles, newest first, without candles for times in which nothing was traded."""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from itertools import pairwise
from operator import itemgetter
from typing import Annotated

import msgspec
import pyarrow as pa

from exchange_engine.array_rows import ArrayRows
from exchange_engine.candles import Answer, Candle, CandleSeries, Interval
from exchange_engine.columns import build, decimals, times_from_ms
from exchange_engine.coverage import Range, split_key
from exchange_engine.http.errors import BadResponseError
from exchange_engine.listed import without_copies
from exchange_engine.tables import WIDE_DECIMAL
from exchange_engine.times import MINUTE_MS, iso_of_ms

from .client import CoinbaseClient
from .schemas import COINBASE_CANDLES
from .settings import INTERVALS, WINDOW_CANDLES

_Seconds = Annotated[int, msgspec.Meta(ge=0, lt=10**10)]
# Time, low, high, open, close, volume. The numbers are JSON numbers, whose digits a float would not keep.
_DECODER = ArrayRows(_Seconds, msgspec.Raw, msgspec.Raw, msgspec.Raw, msgspec.Raw, msgspec.Raw)
_COLUMNS = ("low", "high", "open", "close", "volume")

_EXPONENT = re.compile("[+-]?[0-9]{1,9}")
MOST_EXPONENT = 40
"""The largest exponent of a number that is written out; with a larger one, no column has the digits."""

_NOISY = re.compile("[0-9]{1,20}[.][0-9]{19,30}")
_LAST_PLACE = Decimal(1).scaleb(-WIDE_DECIMAL.scale)
_ROUNDING = Context(prec=60, rounding=ROUND_HALF_EVEN)


class CoinbaseCandles(CandleSeries):
    """The candles of one product and interval.

    Args:
        client: Client of the venue.
        key: Key of the series.
        wanted: The requested open times [from, to) in milliseconds.
        covered: Ranges of open times that are already loaded.
        now_ms: The venue's time, in milliseconds since 1970.
    """

    window_candles = WINDOW_CANDLES
    # Some minutes without a trade are usual. A page that lost rows lacks more of them in one place.
    quiet_ms = 30 * MINUTE_MS

    def __init__(self, client: CoinbaseClient, key: str, wanted: Range, covered: list[Range], now_ms: int) -> None:
        _, self._symbol, interval = split_key(key)
        super().__init__(key, INTERVALS[interval], INTERVALS["1d"], wanted, covered, now_ms)
        self._client = client

    def ask(self, interval: Interval, start: int, end: int) -> Answer:
        """Send one request for the candles that open in [start, end)."""
        last = interval.next_open(end) - interval.shortest_ms
        params = {"granularity": interval.parameter, "start": iso_of_ms(start), "end": iso_of_ms(last)}

        def decode(body: bytes) -> Answer:
            return read_candles(body, interval, start, last, self.key)

        return self._client.get(f"/products/{self._symbol}/candles", params, decode, self.tally)

    def table(self, candles: list[Candle]) -> pa.Table:
        """Return candles as the staging table."""
        return candles_table(candles, self.key)

    def rounded(self, candles: list[Candle]) -> int:
        """Return how many volumes have float noise after the 18th decimal."""
        return sum(_NOISY.fullmatch(candle[-1]) is not None for candle in candles)


def read_candles(body: bytes, interval: Interval, start: int, last: int, key: str) -> Answer:
    """Return the candles of a response, without those before the requested start, which it may contain.

    Args:
        body: The response.
        interval: The requested interval.
        start: The first requested open time, in milliseconds.
        last: The last requested open time, in milliseconds.
        key: Key of the series, for messages.

    Returns:
        The candles: open time in milliseconds, then low, high, open, close and volume as text.

    Raises:
        BadResponseError: It is not the response to this request.
    """
    rows = without_copies(_DECODER.decode(body)[::-1], itemgetter(0))
    opens = [row[0] * 1000 for row in rows]
    steps = [after - before for before, after in pairwise(opens)]
    is_of_interval = not any(time % interval.shortest_ms for time in opens)
    if min(steps, default=1) <= 0 or not is_of_interval or max(opens, default=0) > last:
        raise BadResponseError(f"candles {key} from {start} to {last} were answered with others: {opens[:3]} ...")
    candles = [(row[0] * 1000, *map(_plain, row[1:])) for row in rows if row[0] * 1000 >= start]
    # If no two candles are adjacent, they may be of a longer interval.
    return Answer(candles, is_odd=bool(steps) and min(steps) > interval.shortest_ms)


def candles_table(candles: Sequence[Candle], key: str) -> pa.Table:
    """Return candles of `read_candles` as the staging table.

    Coinbase sums volumes as floats, and prints the noise after the 18th decimal (coinbase-pro-node, issue 204). Volumes
    are rounded to the column, half even. Prices are never rounded.
    """
    if not candles:
        return COINBASE_CANDLES.schema.empty_table()
    _, symbol, interval = split_key(key)
    opens, *prices, volumes = zip(*candles, strict=True)
    numbers = zip(_COLUMNS, [*prices, [_without_noise(volume) for volume in volumes]], strict=True)
    return build(
        COINBASE_CANDLES,
        len(candles),
        {
            "symbol": symbol,
            "interval": interval,
            "open_time": times_from_ms(opens),
            **{name: decimals(column, f"{key} {name}", opens, WIDE_DECIMAL) for name, column in numbers},
        },
    )


def _without_noise(volume: str) -> str:
    if not _NOISY.fullmatch(volume):
        return volume
    return f"{Decimal(volume).quantize(_LAST_PLACE, context=_ROUNDING):f}"


def _plain(number: msgspec.Raw) -> str:
    """Return a JSON number without an exponent, exactly; anything else is returned as it is, and fits no column."""
    text = bytes(number).decode("utf-8", "replace")
    _, has_exponent, exponent = text.lower().partition("e")
    if not has_exponent or not _EXPONENT.fullmatch(exponent) or abs(int(exponent)) > MOST_EXPONENT:
        return text
    return f"{Decimal(text):f}"

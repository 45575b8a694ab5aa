"""The CSV lines of the spot archive's files, made from the responses of the API: the same numbers in another form."""

from typing import Final, Protocol

from exchange_simulator.archive.keys import AGGREGATES, ARCHIVE_INTERVALS, Period, Series
from exchange_simulator.market.base import Market, Selection

# Spot files are in microseconds for data since 2025-01-01, and in milliseconds before.
_MICROSECONDS_SINCE: Final = 1_735_689_600_000_000
_CLOSE_TIME_COLUMN: Final = 6
_NOT_IN_CSV: Final = bytes(character for character in range(128) if chr(character).isalpha()) + b'[]{}":'
_TRUE, _FALSE = b"\x01", b"\x02"


class RowSource(Protocol):
    """What the files of one market are made from. Times in microseconds since 1970."""

    def symbols(self, now: int) -> list[str]:
        """Return the names of the symbols listed by now."""

    def first_row(self, symbol: str, now: int) -> int | None:
        """Return when the symbol's first kline opens, or None if it has none yet."""

    def header(self, series: Series, period: Period) -> bytes:
        """Return the first line of a file, with the column names, or nothing."""

    def lines(self, series: Series, start: int, end: int, limit: int, published: int) -> bytes:
        """Return the first lines of [start, end), as they were at publication; only closed klines."""


class SpotRows:
    """The rows of the spot market; see RowSource for the methods."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._firsts: dict[str, int] = {}

    def symbols(self, now: int) -> list[str]:
        """Return the names of the symbols listed by now."""
        return self._market.symbols(now)

    def first_row(self, symbol: str, now: int) -> int | None:
        """Return when the symbol's first kline opens, or None if it has none yet."""
        if symbol not in self._firsts:
            rows = self._market.klines(symbol, "1m", Selection(1, 0), now, microseconds=True, zone_offset=0)
            if rows == b"[]":
                return None
            self._firsts[symbol] = int(rows.removeprefix(b"[[").partition(b",")[0])
        return self._firsts[symbol]

    def header(self, series: Series, period: Period) -> bytes:  # noqa: ARG002 - futures files depend on it
        """Return nothing: spot files have no header."""
        return b""

    def lines(self, series: Series, start: int, end: int, limit: int, published: int) -> bytes:
        """Return the first lines of [start, end)."""
        wanted = Selection(limit, start, end - 1)
        microseconds = start >= _MICROSECONDS_SINCE
        if series.interval:
            interval = ARCHIVE_INTERVALS[series.interval]
            rows = self._market.klines(series.symbol, interval, wanted, published, microseconds, 0)
            return kline_lines(rows, published if microseconds else published // 1000)
        page = self._market.aggregates if series.kind == AGGREGATES else self._market.trades
        return object_lines(page(series.symbol, wanted, published, microseconds), b"True", b"False")


def kline_lines(rows: bytes, now: int) -> bytes:
    """Return klines as lines, without the last one if it closes at or after `now`, which is in the unit of the rows."""
    start = rows.rfind(b"[", 1)
    if start < 0:
        return b""
    closes = int(rows[start + 1 :].split(b",", _CLOSE_TIME_COLUMN + 1)[_CLOSE_TIME_COLUMN])
    closed = rows if closes < now else rows[:start].rstrip(b",") + b"]"
    return closed.replace(b"],[", b"\n").translate(None, b'[]"') + b"\n" if closed != b"[]" else b""


def object_lines(rows: bytes, true: bytes, false: bytes) -> bytes:
    """Return JSON objects as lines: keys are dropped, and booleans written as given."""
    if rows == b"[]":
        return b""
    marked = rows.replace(b"},{", b"\n").replace(b":true", _TRUE).replace(b":false", _FALSE)
    return marked.translate(None, _NOT_IN_CSV).replace(_TRUE, true).replace(_FALSE, false) + b"\n"

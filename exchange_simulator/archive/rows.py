"""The CSV lines of the archive's files, made from what the API answers: the same numbers in another wrapping."""

from collections.abc import Iterator
from typing import Final

from exchange_simulator.archive.keys import AGGREGATES, ARCHIVE_INTERVALS, KLINES, Period, Series
from exchange_simulator.market.base import Market, Selection
from exchange_simulator.market.intervals import DAY, DAY_US, longest_length

# Spot files are in microseconds for data from 2025-01-01 on, and in milliseconds before.
_MICROSECONDS_SINCE: Final = 1_735_689_600_000_000
_ALL_ROWS: Final = 1 << 40
_CLOSE_TIME_COLUMN: Final = 6
_NOT_IN_CSV: Final = bytes(character for character in range(128) if chr(character).isalpha()) + b'[]{}":'
_TRUE, _FALSE = b"\x01", b"\x02"


def csv_pieces(market: Market, series: Series, period: Period, published: int) -> Iterator[bytes]:
    """Yield the lines of a file in pieces: the rows of its period that existed when it was made, closed klines only."""
    for start, end in _chunks(series, period):
        rows = _answer(market, series, start, end, _ALL_ROWS, published)
        if rows != b"[]":
            yield _kline_lines(rows) if series.kind == KLINES else _trade_lines(rows)


def has_rows(market: Market, series: Series, period: Period, published: int) -> bool:
    """Tell whether a file has any line."""
    return _answer(market, series, period.start, period.end, 1, published) != b"[]"


def _chunks(series: Series, period: Period) -> Iterator[tuple[int, int]]:
    """Yield the days of a period, or the whole period for klines of a day and longer."""
    step = DAY_US
    if series.interval and longest_length(ARCHIVE_INTERVALS[series.interval]) >= DAY:
        step = period.end - period.start
    for start in range(period.start, period.end, step):
        yield start, start + step


def _answer(market: Market, series: Series, start: int, end: int, limit: int, published: int) -> bytes:
    """Return what the API would have answered for [start, end) at the moment of publication, without open klines."""
    wanted = Selection(limit, start, end - 1)
    microseconds = start >= _MICROSECONDS_SINCE
    if series.interval:
        interval = ARCHIVE_INTERVALS[series.interval]
        rows = market.klines(series.symbol, interval, wanted, published, microseconds, 0)
        return _without_open(rows, published if microseconds else published // 1000)
    page = market.aggregates if series.kind == AGGREGATES else market.trades
    return page(series.symbol, wanted, published, microseconds)


def _without_open(rows: bytes, now: int) -> bytes:
    """Return klines without the last one if it closes at `now` or later; `now` is in the unit of the rows."""
    start = rows.rfind(b"[", 1)
    if start < 0:
        return rows
    closes = int(rows[start + 1 :].split(b",", _CLOSE_TIME_COLUMN + 1)[_CLOSE_TIME_COLUMN])
    return rows if closes < now else rows[:start].rstrip(b",") + b"]"


def _kline_lines(rows: bytes) -> bytes:
    return rows.replace(b"],[", b"\n").translate(None, b'[]"') + b"\n"


def _trade_lines(rows: bytes) -> bytes:
    """Return JSON objects as lines: all keys go, and the booleans are written as Python writes them."""
    marked = rows.replace(b"},{", b"\n").replace(b":true", _TRUE).replace(b":false", _FALSE)
    return marked.translate(None, _NOT_IN_CSV).replace(_TRUE, b"True").replace(_FALSE, b"False") + b"\n"

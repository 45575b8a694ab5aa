"""Rows as JSON bytes: rendered many at once, and cut out for a page without touching them again."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from exchange_simulator.market.bars import Bars
from exchange_simulator.market.hashing import Flags, Ints

WIRE_DECIMALS = 8
_CHUNK = 4
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class RowBlock:
    """JSON rows, each followed by a comma, in one buffer; row i is `data[offsets[i]:offsets[i + 1]]`."""

    data: bytes
    offsets: Ints

    @property
    def nbytes(self) -> int:
        """Return the memory held, in bytes."""
        return len(self.data) + self.offsets.nbytes

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def cut(self, first: int, last: int) -> bytes:
        """Return the rows [first, last), each with its comma."""
        return self.data[int(self.offsets[first]) : int(self.offsets[last])]


_AnyColumns = TypeVar("_AnyColumns", bound="_Columns")


class _Columns:
    """A dataclass whose fields are columns of the same length."""

    @property
    def nbytes(self) -> int:
        """Return the memory held, in bytes."""
        return sum(column.nbytes for column in vars(self).values())

    def rows(self: _AnyColumns, first: int, last: int) -> _AnyColumns:
        """Return the rows [first, last)."""
        return type(self)(*(column[first:last] for column in vars(self).values()))


@dataclass(frozen=True)
class TradeColumns(_Columns):
    """Trades as they are served and as the truth holds them."""

    trade_id: Ints
    price: Ints
    quantity: Ints
    time: Ints
    is_buyer_maker: Flags


@dataclass(frozen=True)
class AggregateColumns(_Columns):
    """Aggregate trades; a tombstone has price and quantity 0 and both trade ids -1."""

    aggregate_id: Ints
    price: Ints
    quantity: Ints
    first_trade_id: Ints
    last_trade_id: Ints
    time: Ints
    is_buyer_maker: Flags


@dataclass(frozen=True)
class _Field:
    """A column of texts with one width, right-aligned; the first `unused` characters of a row do not belong to it."""

    characters: Bytes
    unused: Ints | None = None


def json_array(parts: Sequence[bytes]) -> bytes:
    """Return the JSON array of rows that each end in a comma."""
    rows = b"".join(parts)
    return b"[" + rows[:-1] + b"]"


def decimal_text(value: int, decimals: int) -> str:
    """Return `value` / 10**decimals with the eight decimals that Binance sends."""
    whole, rest = divmod(value, 10**decimals)
    return f"{whole}.{rest * 10 ** (WIRE_DECIMALS - decimals):08d}"


@cache
def _four_digits() -> npt.NDArray[np.uint32]:
    """Return the texts 0000 to 9999, each as one 32-bit word."""
    return np.frombuffer(b"".join(b"%04d" % number for number in range(10_000)), dtype=np.uint32)


def _digits(values: Ints, chunk_count: int) -> Bytes:
    """Return the values with leading zeros, in chunk_count groups of four digits."""
    words = np.empty((len(values), chunk_count), dtype=np.uint32)
    table = _four_digits()
    for column in range(chunk_count - 1, 0, -1):
        values, rest = np.divmod(values, 10_000)
        words[:, column] = table[rest]
    words[:, 0] = table[values]
    return words.view(np.uint8)


def _integers(values: Ints) -> _Field:
    """Return whole numbers as texts; the only negative one is -1, the ids of tombstones."""
    if len(values) == 0:
        return _Field(np.empty((0, 1), dtype=np.uint8))
    least, most = int(values.min()), int(values.max())
    width = len(str(most))
    characters = _digits(np.abs(values), -(-width // _CHUNK))
    if least >= 0 and len(str(least)) == width:
        return _Field(characters[:, -width:])
    powers = 10 ** np.arange(1, width, dtype=np.int64)
    unused = characters.shape[1] - 1 - np.searchsorted(powers, np.abs(values), side="right")
    if least >= 0:
        return _Field(characters, unused)
    signed = np.concatenate([np.full((len(values), 1), ord("-"), dtype=np.uint8), characters], axis=1)
    is_negative = values < 0
    signed[is_negative, unused[is_negative]] = ord("-")
    return _Field(signed, unused + ~is_negative)


def plain_text(value: int, decimals: int) -> str:
    """Return `value` / 10**decimals with this number of decimals."""
    whole, rest = divmod(value, 10**decimals)
    return f"{whole}.{rest:0{decimals}d}" if decimals else str(whole)


def _decimals(values: Ints, decimals: int, is_padded: bool = True) -> list["_Field | bytes"]:
    """Return values / 10**decimals with the eight decimals that Binance sends, or, unless padded, with their own."""
    whole, rest = np.divmod(values, 10**decimals)
    if not decimals and not is_padded:
        return [_integers(whole)]
    digits = _digits(rest * 10 ** (WIRE_DECIMALS - decimals), 2)
    return [_integers(whole), b".", _Field(digits if is_padded else digits[:, :decimals])]


def _flags(values: Flags) -> _Field:
    texts = np.frombuffer(b"false true", dtype=np.uint8).reshape(2, 5)
    return _Field(texts[values.astype(np.int64)], values.astype(np.int64))


def _times(microsecond_times: Ints, microseconds: bool) -> _Field:
    return _integers(microsecond_times if microseconds else microsecond_times // 1000)


def _rows(count: int, *pieces: _Field | bytes) -> RowBlock:
    """Join the pieces of each row."""
    widths = [len(piece) if isinstance(piece, bytes) else piece.characters.shape[1] for piece in pieces]
    matrix = np.empty((count, sum(widths)), dtype=np.uint8)
    used: Flags | None = None
    place = 0
    for piece, width in zip(pieces, widths, strict=True):
        if isinstance(piece, bytes):
            matrix[:, place : place + width] = np.frombuffer(piece, dtype=np.uint8)
        else:
            matrix[:, place : place + width] = piece.characters
            if piece.unused is not None:
                used = np.ones(matrix.shape, dtype=bool) if used is None else used
                used[:, place : place + width] = np.arange(width) >= piece.unused[:, None]
        place += width
    if used is None:
        return RowBlock(matrix.tobytes(), np.arange(count + 1, dtype=np.int64) * place)
    offsets = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.count_nonzero(used, axis=1), out=offsets[1:])
    return RowBlock(matrix[used].tobytes(), offsets)


def kline_rows(
    bars: Bars, closes: Ints, tick_decimals: int, step_decimals: int, microseconds: bool, is_padded: bool = True
) -> RowBlock:
    """Return klines as the 12-element arrays of /api/v3/klines. `closes` is the last millisecond, in microseconds."""
    last = closes + 999 if microseconds else closes
    pieces: list[_Field | bytes] = [b"[", _times(bars.time, microseconds), b',"']
    for prices in (bars.open, bars.high, bars.low, bars.close):
        pieces += [*_decimals(prices, tick_decimals, is_padded), b'","']
    pieces += [*_decimals(bars.volume, step_decimals, is_padded), b'",', _times(last, microseconds), b',"']
    pieces += [*_decimals(bars.quote, tick_decimals + step_decimals, is_padded), b'",', _integers(bars.count), b',"']
    pieces += [*_decimals(bars.buy_volume, step_decimals, is_padded), b'","']
    pieces += [*_decimals(bars.buy_quote, tick_decimals + step_decimals, is_padded), b'","0"],']
    return _rows(len(bars.time), *pieces)


def futures_kline_rows(
    bars: Bars, closes: Ints, tick_decimals: int, step_decimals: int, microseconds: bool
) -> RowBlock:
    """Return klines as the 12-element arrays of /fapi/v1/klines, whose numbers have no more decimals than they need."""
    return kline_rows(bars, closes, tick_decimals, step_decimals, microseconds, is_padded=False)


def mark_kline_rows(
    bars: Bars,
    closes: Ints,
    tick_decimals: int,
    step_decimals: int,  # noqa: ARG001 - there are no quantities
    microseconds: bool,
) -> RowBlock:
    """Return klines as the 12-element arrays of /fapi/v1/markPriceKlines, with a count of samples and no volume."""
    pieces: list[_Field | bytes] = [b"[", _times(bars.time, microseconds), b',"']
    for prices in (bars.open, bars.high, bars.low, bars.close):
        pieces += [*_decimals(prices, tick_decimals), b'","']
    pieces += [b'0",', _times(closes, microseconds), b',"0",', _integers(bars.count), b',"0","0","0"],']
    return _rows(len(bars.time), *pieces)


def trade_rows(trades: TradeColumns, tick_decimals: int, step_decimals: int, microseconds: bool) -> RowBlock:
    """Return trades as the objects of /api/v3/trades."""
    return _rows(
        len(trades.time),
        b'{"id":',
        _integers(trades.trade_id),
        b',"price":"',
        *_decimals(trades.price, tick_decimals),
        b'","qty":"',
        *_decimals(trades.quantity, step_decimals),
        b'","quoteQty":"',
        *_decimals(trades.price * trades.quantity, tick_decimals + step_decimals),
        b'","time":',
        _times(trades.time, microseconds),
        b',"isBuyerMaker":',
        _flags(trades.is_buyer_maker),
        b',"isBestMatch":true},',
    )


def aggregate_rows(rows: AggregateColumns, tick_decimals: int, step_decimals: int, microseconds: bool) -> RowBlock:
    """Return aggregate trades as the objects of /api/v3/aggTrades."""
    return _rows(
        len(rows.time),
        b'{"a":',
        _integers(rows.aggregate_id),
        b',"p":"',
        *_decimals(rows.price, tick_decimals),
        b'","q":"',
        *_decimals(rows.quantity, step_decimals),
        b'","f":',
        _integers(rows.first_trade_id),
        b',"l":',
        _integers(rows.last_trade_id),
        b',"T":',
        _times(rows.time, microseconds),
        b',"m":',
        _flags(rows.is_buyer_maker),
        b',"M":true},',
    )


def futures_aggregate_rows(
    rows: AggregateColumns, tick_decimals: int, step_decimals: int, microseconds: bool
) -> RowBlock:
    """Return aggregate trades as the objects of /fapi/v1/aggTrades."""
    quantity = _decimals(rows.quantity, step_decimals, is_padded=False)
    return _rows(
        len(rows.time),
        b'{"a":',
        _integers(rows.aggregate_id),
        b',"p":"',
        *_decimals(rows.price, tick_decimals, is_padded=False),
        b'","q":"',
        *quantity,
        b'","nq":"',
        *quantity,
        b'","f":',
        _integers(rows.first_trade_id),
        b',"l":',
        _integers(rows.last_trade_id),
        b',"T":',
        _times(rows.time, microseconds),
        b',"m":',
        _flags(rows.is_buyer_maker),
        b"},",
    )

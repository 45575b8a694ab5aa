"""Instruments: GET /api/v5/public/instruments, for each type."""

from collections.abc import Sequence

import msgspec
import pyarrow as pa

from binance_source.columns import build, decimals, times_from_us
from binance_source.rest.errors import BadResponseError
from binance_source.schemas import WIDE_DECIMAL

from .client import OkxClient
from .schemas import OKX_INSTRUMENTS
from .settings import INSTRUMENT_TYPES

SPOT, SWAP = INSTRUMENT_TYPES


class Instrument(msgspec.Struct, rename="camel"):
    """The parts of an instrument that are used; what does not apply to its type is empty."""

    inst_type: str
    inst_id: str
    state: str
    tick_sz: str
    lot_sz: str
    min_sz: str
    base_ccy: str = ""
    quote_ccy: str = ""
    settle_ccy: str = ""
    uly: str = ""
    ct_val: str = ""
    ct_mult: str = ""
    ct_val_ccy: str = ""
    list_time: str = ""
    exp_time: str = ""


class _Answer(msgspec.Struct):
    data: list[Instrument]


_DECODER = msgspec.json.Decoder(_Answer)
_LONGEST_TIME = 13
_TEXTS = {
    "instrument_type": "inst_type", "symbol": "inst_id", "base_asset": "base_ccy", "quote_asset": "quote_ccy",
    "settle_asset": "settle_ccy", "underlying": "uly", "contract_value_asset": "ct_val_ccy", "state": "state",
}  # fmt: skip
_NUMBERS = {
    "contract_value": "ct_val", "contract_multiplier": "ct_mult", "tick_size": "tick_sz", "lot_size": "lot_sz",
    "min_size": "min_sz",
}  # fmt: skip
_TIMES = {"list_time": "list_time", "expiry_time": "exp_time"}


def fetch_instruments(client: OkxClient) -> list[Instrument]:
    """Ask for all instruments of the types that are loaded."""
    return [
        one
        for kind in INSTRUMENT_TYPES
        for one in client.get("/api/v5/public/instruments", {"instType": kind}, decode_instruments)
    ]


def decode_instruments(body: bytes) -> list[Instrument]:
    """Read the instruments of an answer.

    Raises:
        BadResponseError: One is there twice, or a time is none.
    """
    found = _DECODER.decode(body).data
    if len({one.inst_id for one in found}) < len(found):
        raise BadResponseError("instruments were answered with one of them twice")
    for one in found:
        for time in (one.list_time, one.exp_time):
            if time and not (time.isascii() and time.isdecimal() and len(time) <= _LONGEST_TIME):
                raise BadResponseError(f"instruments were answered with the time {time[:20]!r} of {one.inst_id}")
    return found


def instruments_table(found: Sequence[Instrument], updated_at_us: int) -> pa.Table:
    """Turn instruments into the staging table; what is empty there is null, unless the table needs it.

    Args:
        found: As the exchange gave them.
        updated_at_us: The exchange's time in microseconds since 1970.
    """
    nullable = {column.name for column in OKX_INSTRUMENTS.schema if column.nullable}
    names = [one.inst_id for one in found]

    def texts(column: str, field: str) -> list[str | None]:
        values: list[str] = [getattr(one, field) for one in found]
        return [value or None for value in values] if column in nullable else list(values)

    return build(
        OKX_INSTRUMENTS,
        len(found),
        {
            **{column: texts(column, field) for column, field in _TEXTS.items()},
            **{
                column: decimals(texts(column, field), column, names, WIDE_DECIMAL)
                for column, field in _NUMBERS.items()
            },
            **{
                column: [None if text is None else int(text) * 1000 for text in texts(column, field)]
                for column, field in _TIMES.items()
            },
            "updated_at": times_from_us([updated_at_us] * len(found)),
        },
    )

"""Instruments: GET /api/v5/public/instruments, for each type."""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
import pyarrow as pa

from exchange_engine.columns import build, decimals, times_from_us
from exchange_engine.listed import Listed, ListReader, Snapshot, as_snapshot
from exchange_engine.symbols import ConnectedSymbol
from exchange_engine.tables import WIDE_DECIMAL

from .client import OkxClient
from .schemas import OKX_INSTRUMENTS
from .settings import INSTRUMENT_TYPES

SPOT, SWAP = INSTRUMENT_TYPES
MARKETS: Final = {SPOT: "spot", SWAP: "swap"}
"""Names of the types' markets in staging.connected_symbols."""


_Time = Annotated[str, msgspec.Meta(pattern="^[0-9]{0,13}$")]


class Instrument(msgspec.Struct, rename="camel"):
    """The fields of an instrument that are used; those that do not apply to its type are empty."""

    inst_type: str
    inst_id: str
    state: str
    tick_sz: str = ""
    lot_sz: str = ""
    min_sz: str = ""
    base_ccy: str = ""
    quote_ccy: str = ""
    settle_ccy: str = ""
    uly: str = ""
    ct_val: str = ""
    ct_mult: str = ""
    ct_val_ccy: str = ""
    list_time: _Time = ""
    exp_time: _Time = ""


PREOPEN: Final = "preopen"
"""State of announced instruments: their rows may be placeholders, and they have no candles."""

_READER = ListReader(Instrument, "inst_id", "data")
_TEXTS = {
    "instrument_type": "inst_type", "symbol": "inst_id", "base_asset": "base_ccy", "quote_asset": "quote_ccy",
    "settle_asset": "settle_ccy", "underlying": "uly", "contract_value_asset": "ct_val_ccy", "state": "state",
}  # fmt: skip
_NUMBERS = {
    "contract_value": "ct_val", "contract_multiplier": "ct_mult", "tick_size": "tick_sz", "lot_size": "lot_sz",
    "min_size": "min_sz",
}  # fmt: skip
_TIMES = {"list_time": "list_time", "expiry_time": "exp_time"}


def fetch_instruments(client: OkxClient) -> dict[str, Listed[Instrument]]:
    """Fetch all instruments, by type."""
    path = "/api/v5/public/instruments"
    return {kind: client.get(path, {"instType": kind}, decode_instruments) for kind in INSTRUMENT_TYPES}


def decode_instruments(body: bytes) -> Listed[Instrument]:
    """Return the instruments of a response, read row by row."""
    return _READER.read(body)


def connected(kind: str, listed: Listed[Instrument]) -> dict[str, ConnectedSymbol]:
    """Return every instrument of a type that has a name, including those with an odd row."""
    labels = _READER.labels(listed, "base_ccy", "quote_ccy")
    return {name: ConnectedSymbol(MARKETS[kind], *texts) for name, texts in labels.items()}


def instruments_snapshot(listed: Listed[Instrument], updated_at_us: int) -> Snapshot:
    """Return instruments as the staging table, those that do not fit as rejected.

    Args:
        listed: Instruments of the response.
        updated_at_us: The venue's time in microseconds since 1970.
    """
    return as_snapshot(listed, lambda one: one.inst_id, lambda rows: _table(rows, updated_at_us))


def _table(found: Sequence[Instrument], updated_at_us: int) -> pa.Table:
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

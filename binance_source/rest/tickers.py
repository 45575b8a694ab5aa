"""24-hour tickers: GET /api/v3/ticker/24hr and /fapi/v1/ticker/24hr. The window rolls; it is not a calendar day."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pyarrow as pa

from exchange_engine.columns import Milliseconds, Whole, WholeOrNone, build, decimals, times_from_ms, times_from_us
from exchange_engine.http.transport import Tally
from exchange_engine.listed import Listed, ListReader, Snapshot, as_snapshot

from ..markets import Market
from ..schemas import TICKER_NUMBERS, TICKERS_24H
from ..settings import SPOT, UM
from .client import RestClient

_ALL = 100
"""Above this number of symbols, all tickers cost no more than the named ones."""


class Ticker(msgspec.Struct, rename="camel", kw_only=True):
    """A row of GET /fapi/v1/ticker/24hr. Without trades, a symbol's first and last id are -1."""

    symbol: str
    price_change: str
    price_change_percent: str
    weighted_avg_price: str
    last_price: str
    last_qty: str
    open_price: str
    high_price: str
    low_price: str
    volume: str
    quote_volume: str
    open_time: Milliseconds
    close_time: Milliseconds
    first_id: WholeOrNone
    last_id: WholeOrNone
    count: Whole


class SpotTicker(Ticker, rename="camel", kw_only=True):
    """A row of GET /api/v3/ticker/24hr, type FULL."""

    prev_close_price: str
    bid_price: str
    bid_qty: str
    ask_price: str
    ask_qty: str


_READERS: dict[str, ListReader[Any]] = {SPOT: ListReader(SpotTicker, "symbol"), UM: ListReader(Ticker, "symbol")}


def ticker_weight(market: Market, symbols: int) -> int:
    """Return the weight of a ticker/24hr request for a number of symbols; on futures all are always requested."""
    if market.name != SPOT or symbols > _ALL:
        return market.endpoints["ticker/24hr"].weight
    return 2 if symbols <= 20 else 40


def fetch_tickers(client: RestClient, symbols: Sequence[str], tally: Tally) -> Listed[Ticker]:
    """Fetch the tickers of some symbols, in one request.

    Args:
        client: Client of the market.
        symbols: Names that Binance knows: one unknown name would fail the whole request.
        tally: Where the request is counted.
    """
    # Binance wants the array without blanks; requests percent-encodes it.
    names_them = client.market.name == SPOT and len(symbols) <= _ALL
    params = {"symbols": msgspec.json.encode(list(symbols)).decode()} if names_them else {}
    wanted = set(symbols)
    weight = ticker_weight(client.market, len(symbols))
    reader = _READERS[client.market.name]
    return client.get("ticker/24hr", params, lambda body: reader.read(body, wanted), weight=weight, tally=tally)


def tickers_snapshot(market: str, listed: Listed[Ticker], snapshot_us: int) -> Snapshot:
    """Return tickers as the staging table, and those that do not fit as rejected.

    Args:
        market: Such as "spot".
        listed: Rows of the response.
        snapshot_us: Binance's time in microseconds since 1970.
    """
    return as_snapshot(listed, lambda row: row.symbol, lambda rows: _table(market, rows, snapshot_us))


def _table(market: str, tickers: Sequence[Ticker], snapshot_us: int) -> pa.Table:
    names = [row.symbol for row in tickers]
    return build(
        TICKERS_24H,
        len(tickers),
        {
            "market": market,
            "symbol": names,
            "snapshot_time": times_from_us([snapshot_us] * len(tickers)),
            **{
                name: decimals([getattr(row, name, None) or None for row in tickers], name, names)
                for name in TICKER_NUMBERS
            },
            "open_time": times_from_ms([row.open_time for row in tickers]),
            "close_time": times_from_ms([row.close_time for row in tickers]),
            "first_id": [row.first_id for row in tickers],
            "last_id": [row.last_id for row in tickers],
            "count": [row.count for row in tickers],
        },
    )

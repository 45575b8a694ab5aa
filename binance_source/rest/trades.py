"""Single trades: GET /api/v3/historicalTrades, walked by trade id.

It has needed no key since 2023-07. The market-data host does not serve it, so requests go to api_url.
"""

from collections.abc import Callable
from typing import Final

import msgspec
import pyarrow as pa

from exchange_engine.columns import Microseconds, Whole, build, decimals, times_from_us
from exchange_engine.coverage import Range

from ..schemas import AGG_TRADES, TRADES
from .agg_trades import AggTradeSeries
from .id_series import AggTradeRow, IdSeries


class TradeRow(msgspec.Struct, gc=False, rename="camel"):
    """A row of GET /api/v3/historicalTrades."""

    id: Whole
    price: str
    qty: str
    quote_qty: str
    time: Microseconds
    is_buyer_maker: bool


_DECODER = msgspec.json.Decoder(list[TradeRow])


class TradeSeries(IdSeries[TradeRow]):
    """The trades of one symbol."""

    def _id_of(self, row: TradeRow) -> int:
        return row.id

    def _time_of(self, row: TradeRow) -> int:
        return row.time

    def _lookup_ids(self, row: AggTradeRow) -> Range:
        return row.f, row.l

    def _request(self, from_id: int, limit: int, decode: Callable[[list[TradeRow]], list[TradeRow]]) -> list[TradeRow]:
        return self._client.get(
            "historicalTrades",
            {"symbol": self._symbol, "fromId": from_id, "limit": limit},
            lambda body: decode(_DECODER.decode(body)),
            headers=self._headers,
            tally=self.tally,
        )

    def _table(self, rows: list[TradeRow]) -> tuple[pa.Table, int]:
        ids = [row.id for row in rows]
        table = build(
            TRADES,
            len(rows),
            {
                "market": self._market,
                "symbol": self._symbol,
                "trade_id": ids,
                "price": decimals([row.price for row in rows], f"{self.key} price", ids),
                "quantity": decimals([row.qty for row in rows], f"{self.key} quantity", ids),
                "quote_quantity": decimals([row.quote_qty for row in rows], f"{self.key} quote_quantity", ids),
                "trade_time": times_from_us([row.time for row in rows]),
                "is_buyer_maker": [row.is_buyer_maker for row in rows],
                "source": "rest",
            },
        )
        return table, 0


TRADE_KINDS: Final[dict[str, type[AggTradeSeries] | type[TradeSeries]]] = {
    AGG_TRADES.name: AggTradeSeries,
    TRADES.name: TradeSeries,
}
"""The series of each dataset whose rows have ids, by staging table."""

"""Aggregate trades: GET /api/v3/aggTrades and /fapi/v1/aggTrades, walked by aggregate id."""

from collections.abc import Callable

import msgspec
import pyarrow as pa

from exchange_engine.columns import build, decimals, times_from_us
from exchange_engine.coverage import Range

from ..schemas import AGG_TRADES
from .id_series import AggTradeRow, IdSeries

_DECODER = msgspec.json.Decoder(list[AggTradeRow])


class AggTradeSeries(IdSeries[AggTradeRow]):
    """The aggregate trades of one symbol."""

    def _id_of(self, row: AggTradeRow) -> int:
        return row.a

    def _time_of(self, row: AggTradeRow) -> int:
        return row.T

    def _lookup_ids(self, row: AggTradeRow) -> Range:
        return row.a, row.a

    def _request(
        self, from_id: int, limit: int, decode: Callable[[list[AggTradeRow]], list[AggTradeRow]]
    ) -> list[AggTradeRow]:
        return self._client.get(
            "aggTrades",
            {"symbol": self._symbol, "fromId": from_id, "limit": limit},
            lambda body: decode(self._in_microseconds(_DECODER.decode(body))),
            headers=self._headers,
            tally=self.tally,
        )

    def _table(self, rows: list[AggTradeRow]) -> tuple[pa.Table, int]:
        real = [row for row in rows if row.f >= 0]
        ids = [row.a for row in real]
        table = build(
            AGG_TRADES,
            len(real),
            {
                "market": self._market,
                "symbol": self._symbol,
                "agg_trade_id": ids,
                "price": decimals([row.p for row in real], f"{self.key} price", ids),
                "quantity": decimals([row.q for row in real], f"{self.key} quantity", ids),
                "first_trade_id": [row.f for row in real],
                "last_trade_id": [row.l for row in real],
                "trade_time": times_from_us([row.T for row in real]),
                "is_buyer_maker": [row.m for row in real],
                "source": "rest",
            },
        )
        return table, len(rows) - len(real)

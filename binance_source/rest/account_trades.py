"""The trades of an account: GET /api/v3/myTrades, signed, one symbol at a time, walked by trade id.

The ids are those of all trades of the symbol, so an account's own ids are not consecutive: the ids between two rows of
a response are trades of others.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec
import pyarrow as pa

from exchange_engine.columns import MOST, Microseconds, Whole, build, decimals, times_from_us
from exchange_engine.coverage import IdEntry, missing, series_key
from exchange_engine.http.errors import BadResponseError
from exchange_engine.http.transport import Tally
from exchange_engine.listed import without_copies
from exchange_engine.walk import Page, Window

from ..schemas import ACCOUNT_TRADES
from ..settings import PAGE_ROWS, SPOT
from .client import MICROSECONDS
from .signed import SignedClient

ROWS_AT_ONCE: Final = 20 * PAGE_ROWS
"""Rows of one symbol that are fetched per walk; a longer history takes several walks."""

LEAST_MICROSECONDS: Final = 10**14
"""A smaller time is in milliseconds: as microseconds it would be before March 1973."""


class AccountTrade(msgspec.Struct, gc=False, rename="camel"):
    """A row of GET /api/v3/myTrades."""

    symbol: str
    id: Whole
    order_id: Whole
    price: str
    qty: str
    quote_qty: str
    commission: str
    commission_asset: str
    time: Microseconds
    is_buyer: bool
    is_maker: bool


_DECODER = msgspec.json.Decoder(list[AccountTrade])


class AccountTradeSeries:
    """The missing trades of an account in one symbol, or the first ROWS_AT_ONCE of them.

    Args:
        client: Client of the account.
        symbol: Such as "BTCUSDT".
        coverage: Coverage of all series.
        now_us: The run's "now" in microseconds since 1970: later trades are left to the next run.

    Attributes:
        symbol: As given.
        has_more: Whether there may be more trades than were fetched.
    """

    def __init__(
        self, client: SignedClient, symbol: str, coverage: Mapping[str, Sequence[IdEntry]], now_us: int
    ) -> None:
        self.symbol = symbol
        self.key = series_key(SPOT, symbol)
        self.tally = Tally()
        self.has_more = False
        self._client = client
        self._first = missing((0, MOST), [entry[:2] for entry in coverage.get(self.key, ())])[0][0]
        self._now = now_us

    def open(self) -> list[Page | Window]:
        """Return one window from the first missing id on; where the trades end is not known in advance."""
        return [Window(self._first, MOST, ())]

    def fetch(self, window: Window) -> Page:
        """Fetch rows until nothing is left, or until there are at least ROWS_AT_ONCE of them."""
        rows: list[AccountTrade] = []
        next_id, is_end = window.start, False
        while not is_end and len(rows) < ROWS_AT_ONCE:
            page = self._page(next_id)
            happened = _before(page, self._now)
            rows += happened
            is_end = not page or len(happened) < len(page)
            next_id = rows[-1].id + 1 if rows else next_id
        self.has_more = not is_end
        if not rows:
            return Page(self.key, self._table([]))
        covered = (window.start, next_id, rows[0].time, rows[-1].time)
        return Page(self.key, self._table(rows), (covered,), rows[-1].time)

    def _page(self, from_id: int) -> list[AccountTrade]:
        def decode(body: bytes) -> list[AccountTrade]:
            rows = without_copies(_DECODER.decode(body), lambda row: row.id)
            before = from_id - 1
            for row in rows:
                if row.symbol != self.symbol or row.id <= before:
                    raise BadResponseError(
                        f"myTrades {self.symbol} from id {from_id} answered with {row.symbol} {row.id} after {before}"
                    )
                if row.time < LEAST_MICROSECONDS:
                    raise BadResponseError(f"myTrades {self.symbol}: the answer's times are not in microseconds")
                before = row.id
            return rows

        return self._client.get(
            "myTrades",
            {"symbol": self.symbol, "fromId": from_id, "limit": PAGE_ROWS},
            decode,
            headers=MICROSECONDS,
            tally=self.tally,
        )

    def _table(self, rows: list[AccountTrade]) -> pa.Table:
        ids = [row.id for row in rows]

        def numbers(column: str, value: Callable[[AccountTrade], str]) -> pa.Array:
            return decimals([value(row) for row in rows], f"{self.key} {column}", ids)

        return build(
            ACCOUNT_TRADES,
            len(rows),
            {
                "symbol": self.symbol,
                "trade_id": ids,
                "order_id": [row.order_id for row in rows],
                "price": numbers("price", lambda row: row.price),
                "quantity": numbers("quantity", lambda row: row.qty),
                "quote_quantity": numbers("quote_quantity", lambda row: row.quote_qty),
                "commission": numbers("commission", lambda row: row.commission),
                "commission_asset": [row.commission_asset for row in rows],
                "trade_time": times_from_us([row.time for row in rows]),
                "is_buyer": [row.is_buyer for row in rows],
                "is_maker": [row.is_maker for row in rows],
            },
        )


def _before(rows: list[AccountTrade], now_us: int) -> list[AccountTrade]:
    """Return the rows before the first one at or after a moment."""
    for number, row in enumerate(rows):
        if row.time >= now_us:
            return rows[:number]
    return rows

"""Coinbase Exchange as a venue: its clock, its products, and their candles."""

from collections.abc import Callable, Mapping

from exchange_engine.http.transport import Tally
from exchange_engine.listed import Listed, Snapshot
from exchange_engine.rest_venue import RestDataset, RestVenue
from exchange_engine.run import Run
from exchange_engine.scope import SeriesRequest
from exchange_engine.symbols import ConnectedSymbol

from .candles import CoinbaseCandles
from .client import CoinbaseClient
from .products import Product, connected, fetch_products, products_snapshot
from .schemas import COINBASE_CANDLES, COINBASE_PRODUCTS, TABLES
from .settings import HOST, INTERVALS, NAME, TITLE


class Coinbase(RestVenue):
    """Coinbase Exchange, for one request (see RestVenue)."""

    name = NAME
    exchange = TITLE
    hosts = frozenset({HOST})
    tables = TABLES
    intervals = INTERVALS
    asks = CoinbaseClient
    _products: Listed[Product] = Listed([])

    def datasets(self, now_ms: int) -> Mapping[str, RestDataset]:
        """Return the datasets that consist of series."""

        def candles(one: SeriesRequest) -> list[CoinbaseCandles]:
            return [CoinbaseCandles(self.client, one.key, one.times_ms, one.covered, now_ms)]

        return {COINBASE_CANDLES.name: RestDataset(candles)}

    @property
    def snapshots(self) -> Mapping[str, Callable[[Run, Tally], Snapshot]]:
        """The datasets that are loaded as a whole, and the function that fetches each."""
        return {COINBASE_PRODUCTS.name: self._products_snapshot}

    def fetch_listed(self) -> Mapping[str, ConnectedSymbol]:
        """Fetch all products."""
        self._products = fetch_products(self.client)
        return connected(self._products)

    def _products_snapshot(self, run: Run, tally: Tally) -> Snapshot:
        tally.add(1, 0.0)
        return products_snapshot(self._products, run.now_us)

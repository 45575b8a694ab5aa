"""One run against Coinbase Exchange: its clock, its products, and their candles."""

import threading
from collections.abc import Callable, Mapping

from exchange_engine.coverage import Range
from exchange_engine.http.transport import Tally
from exchange_engine.listed import Listed, Snapshot
from exchange_engine.request import Request
from exchange_engine.rest_venue import VenueDataset, VenueRun
from exchange_engine.symbols import ConnectedSymbol

from .candles import CoinbaseCandles
from .client import CoinbaseClient
from .products import Product, connected, fetch_products, products_snapshot
from .schemas import COINBASE_CANDLES, COINBASE_PRODUCTS
from .settings import HOST, NAME, TITLE, CoinbaseConfiguration


class CoinbaseRun(VenueRun):
    """One run against Coinbase Exchange.

    Args:
        request: What to fetch.
        configuration: How to speak to the exchange.
        stop: Set from outside to end the run early, with all progress kept.
    """

    venue = NAME
    exchange = TITLE
    hosts = frozenset({HOST})
    listed_in = COINBASE_PRODUCTS.name

    def __init__(
        self, request: Request, configuration: CoinbaseConfiguration, stop: threading.Event | None = None
    ) -> None:
        stop = stop or threading.Event()
        self.client = CoinbaseClient(configuration, stop)
        super().__init__(request, configuration, self.client, stop)
        self._products: Listed[Product] = Listed([])

    @property
    def series(self) -> Mapping[str, VenueDataset]:
        """The datasets that are made of series."""
        return {COINBASE_CANDLES.name: VenueDataset(self._candles)}

    @property
    def snapshots(self) -> Mapping[str, Callable[[Tally], Snapshot]]:
        """The datasets that are taken at once."""
        return {COINBASE_PRODUCTS.name: self._products_snapshot}

    def fetch_listed(self) -> Mapping[str, ConnectedSymbol]:
        """Ask for all products."""
        self._products = fetch_products(self.client)
        return connected(self._products)

    def _candles(self, key: str, wanted: Range, covered: list[Range]) -> list[CoinbaseCandles]:
        return [CoinbaseCandles(self.client, key, wanted, covered, self.now_us // 1000)]

    def _products_snapshot(self, tally: Tally) -> Snapshot:
        tally.add(1, 0.0)
        return products_snapshot(self._products, self.now_us)

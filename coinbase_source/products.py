"""Products: GET /products."""

from collections.abc import Sequence

import msgspec
import pyarrow as pa

from exchange_engine.columns import build, decimals, times_from_us
from exchange_engine.listed import Listed, ListReader, Snapshot, as_snapshot
from exchange_engine.symbols import ConnectedSymbol
from exchange_engine.tables import WIDE_DECIMAL

from .client import CoinbaseClient
from .schemas import COINBASE_PRODUCTS
from .settings import SPOT


class Product(msgspec.Struct):
    """The fields of a product that are used. Delisted products are listed too, with their status."""

    id: str
    base_currency: str
    quote_currency: str
    display_name: str
    status: str
    trading_disabled: bool
    quote_increment: str | None = None
    base_increment: str | None = None
    min_market_funds: str | None = None


_READER = ListReader(Product, "id")


def fetch_products(client: CoinbaseClient) -> Listed[Product]:
    """Fetch all products."""
    return client.get("/products", {}, decode_products)


def decode_products(body: bytes) -> Listed[Product]:
    """Return the products of a response, read row by row."""
    return _READER.read(body)


def connected(listed: Listed[Product]) -> dict[str, ConnectedSymbol]:
    """Return every product that has a name, including those with an odd row."""
    labels = _READER.labels(listed, "base_currency", "quote_currency")
    return {name: ConnectedSymbol(SPOT, *texts) for name, texts in labels.items()}


def products_snapshot(listed: Listed[Product], updated_at_us: int) -> Snapshot:
    """Return products as the staging table, those that do not fit as rejected.

    Args:
        listed: Products of the response.
        updated_at_us: The venue's time in microseconds since 1970.
    """
    return as_snapshot(listed, lambda one: one.id, lambda rows: _table(rows, updated_at_us))


def _table(products: Sequence[Product], updated_at_us: int) -> pa.Table:
    names = [one.id for one in products]
    increments: dict[str, list[str | None]] = {
        "quote_increment": [one.quote_increment or None for one in products],
        "base_increment": [one.base_increment or None for one in products],
        "min_market_funds": [one.min_market_funds or None for one in products],
    }
    return build(
        COINBASE_PRODUCTS,
        len(products),
        {
            "symbol": names,
            "base_asset": [one.base_currency or None for one in products],
            "quote_asset": [one.quote_currency or None for one in products],
            "display_name": [one.display_name for one in products],
            "status": [one.status for one in products],
            "is_trading_disabled": [one.trading_disabled for one in products],
            "updated_at": times_from_us([updated_at_us] * len(products)),
            **{name: decimals(texts, name, names, WIDE_DECIMAL) for name, texts in increments.items()},
        },
    )

"""Products: GET /products."""

from collections.abc import Sequence

import msgspec
import pyarrow as pa

from binance_source.columns import build, decimals, times_from_us
from binance_source.rest.errors import BadResponseError
from binance_source.schemas import WIDE_DECIMAL

from .client import CoinbaseClient
from .schemas import COINBASE_PRODUCTS


class Product(msgspec.Struct):
    """The parts of a product that are used. Delisted ones are listed too, with their status."""

    id: str
    base_currency: str
    quote_currency: str
    display_name: str
    status: str
    quote_increment: str
    base_increment: str
    trading_disabled: bool
    min_market_funds: str | None = None


_DECODER = msgspec.json.Decoder(list[Product])


def fetch_products(client: CoinbaseClient) -> list[Product]:
    """Ask for all products."""
    return client.get("/products", {}, decode_products)


def decode_products(body: bytes) -> list[Product]:
    """Read the products of an answer.

    Raises:
        BadResponseError: One is there twice.
    """
    products = _DECODER.decode(body)
    if len({one.id for one in products}) < len(products):
        raise BadResponseError("/products answered with a product twice")
    return products


def products_table(products: Sequence[Product], updated_at_us: int) -> pa.Table:
    """Turn products into the staging table.

    Args:
        products: As the exchange gave them.
        updated_at_us: The exchange's time in microseconds since 1970.
    """
    names = [one.id for one in products]
    increments: dict[str, list[str | None]] = {
        "quote_increment": [one.quote_increment for one in products],
        "base_increment": [one.base_increment for one in products],
        "min_market_funds": [one.min_market_funds or None for one in products],
    }
    return build(
        COINBASE_PRODUCTS,
        len(products),
        {
            "symbol": names,
            "base_asset": [one.base_currency for one in products],
            "quote_asset": [one.quote_currency for one in products],
            "display_name": [one.display_name for one in products],
            "status": [one.status for one in products],
            "is_trading_disabled": [one.trading_disabled for one in products],
            "updated_at": times_from_us([updated_at_us] * len(products)),
            **{name: decimals(texts, name, names, WIDE_DECIMAL) for name, texts in increments.items()},
        },
    )

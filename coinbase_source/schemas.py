"""The staging tables of Coinbase Exchange."""

from typing import Final

from exchange_engine.tables import BOOL, LABEL, MERGED, TEXT, TIME, WIDE_DECIMAL, staging_table

COINBASE_PRODUCTS: Final = staging_table(
    "coinbase_products",
    ("symbol",),
    (
        (TEXT, "symbol base_asset quote_asset display_name status"),
        (WIDE_DECIMAL, "quote_increment base_increment min_market_funds"),
        (BOOL, "is_trading_disabled"),
        (TIME, "updated_at"),
    ),
    nullable=frozenset({"base_asset", "quote_asset", "quote_increment", "base_increment", "min_market_funds"}),
    write=MERGED,
)

COINBASE_CANDLES: Final = staging_table(
    "coinbase_candles",
    ("symbol", "interval", "open_time"),
    (
        (LABEL, "symbol interval"),
        (TIME, "open_time"),
        (WIDE_DECIMAL, "open high low close volume"),
    ),
)

TABLES: Final = (COINBASE_PRODUCTS, COINBASE_CANDLES)
"""The tables of the datasets, in the order in which they are loaded."""

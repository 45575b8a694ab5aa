"""The staging tables of Coinbase Exchange."""

from typing import Final

from exchange_engine.tables import BOOL, LABEL, MERGED, TEXT, TIME, WIDE_DECIMAL, staging_table

COINBASE_PRODUCTS: Final = staging_table(
    "coinbase_products",
    ("symbol",),
    {
        "symbol": TEXT,
        "base_asset": TEXT,
        "quote_asset": TEXT,
        "display_name": TEXT,
        "status": TEXT,
        "quote_increment": WIDE_DECIMAL,
        "base_increment": WIDE_DECIMAL,
        "min_market_funds": WIDE_DECIMAL,
        "is_trading_disabled": BOOL,
        "updated_at": TIME,
    },
    nullable=frozenset({"base_asset", "quote_asset", "quote_increment", "base_increment", "min_market_funds"}),
    write=MERGED,
)

COINBASE_CANDLES: Final = staging_table(
    "coinbase_candles",
    ("symbol", "interval", "open_time"),
    {
        "symbol": LABEL,
        "interval": LABEL,
        "open_time": TIME,
        **dict.fromkeys(("open", "high", "low", "close", "volume"), WIDE_DECIMAL),
    },
)

TABLES: Final = (COINBASE_PRODUCTS, COINBASE_CANDLES)
"""The tables of the datasets, in the order in which they are loaded."""

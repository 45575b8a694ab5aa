"""The staging tables of Binance: the one place where the names and types of their columns are decided."""

from typing import Final

from exchange_engine.tables import BOOL, DECIMAL, INT, LABEL, MERGED, TEXT, TIME, WIDE_DECIMAL, staging_table

KLINES: Final = staging_table(
    "klines",
    ("market", "symbol", "interval", "open_time"),
    {
        "market": LABEL,
        "symbol": LABEL,
        "interval": LABEL,
        "open_time": TIME,
        "open": DECIMAL,
        "high": DECIMAL,
        "low": DECIMAL,
        "close": DECIMAL,
        "volume": DECIMAL,
        "close_time": TIME,
        "quote_volume": DECIMAL,
        "trade_count": INT,
        "taker_buy_volume": DECIMAL,
        "taker_buy_quote_volume": DECIMAL,
        "source": LABEL,
    },
)

AGG_TRADES: Final = staging_table(
    "agg_trades",
    ("market", "symbol", "agg_trade_id"),
    {
        "market": LABEL,
        "symbol": LABEL,
        "agg_trade_id": INT,
        "price": DECIMAL,
        "quantity": DECIMAL,
        "first_trade_id": INT,
        "last_trade_id": INT,
        "trade_time": TIME,
        "is_buyer_maker": BOOL,
        "source": LABEL,
    },
)

TRADES: Final = staging_table(
    "trades",
    ("market", "symbol", "trade_id"),
    {
        "market": LABEL,
        "symbol": LABEL,
        "trade_id": INT,
        "price": DECIMAL,
        "quantity": DECIMAL,
        "quote_quantity": DECIMAL,
        "trade_time": TIME,
        "is_buyer_maker": BOOL,
        "source": LABEL,
    },
)

_SYMBOL_NUMBERS: Final = (
    "tick_size", "min_price", "max_price", "step_size", "min_quantity", "max_quantity", "min_notional",
)  # fmt: skip

_CONTRACT: Final = {
    "contract_type": TEXT, "pair": TEXT, "margin_asset": TEXT, "onboard_time": TIME, "delivery_time": TIME,
}  # fmt: skip

SYMBOLS: Final = staging_table(
    "symbols",
    ("market", "symbol"),
    {
        "market": TEXT,
        "symbol": TEXT,
        "status": TEXT,
        "base_asset": TEXT,
        "quote_asset": TEXT,
        "base_asset_precision": INT,
        "quote_asset_precision": INT,
        **dict.fromkeys(_SYMBOL_NUMBERS, DECIMAL),
        "is_spot_trading_allowed": BOOL,
        "is_margin_trading_allowed": BOOL,
        "order_types": TEXT,
        "permission_sets": TEXT,
        **_CONTRACT,
        "updated_at": TIME,
    },
    nullable=frozenset({*_SYMBOL_NUMBERS, *_CONTRACT}),
    write=MERGED,
)

_TRADING_FLAGS: Final = ("is_spot_trading_allowed", "is_margin_trading_allowed")

EXCHANGE_INFO_HISTORY: Final = staging_table(
    "exchange_info_history",
    ("market", "symbol", "first_seen_at"),
    {
        "market": TEXT,
        "symbol": TEXT,
        "first_seen_at": TIME,
        "is_listed": BOOL,
        "status": TEXT,
        "base_asset": TEXT,
        "quote_asset": TEXT,
        "contract_type": TEXT,
        **dict.fromkeys(_SYMBOL_NUMBERS, DECIMAL),
        **dict.fromkeys(_TRADING_FLAGS, BOOL),
        "order_types": TEXT,
        "permission_sets": TEXT,
        "filters": TEXT,
    },
    nullable=frozenset(
        {
            "status", "base_asset", "quote_asset", "contract_type", *_SYMBOL_NUMBERS, *_TRADING_FLAGS, "order_types",
            "permission_sets", "filters",
        }
    ),
)  # fmt: skip
"""What exchangeInfo said of a symbol, from when on: a row for each change. A symbol that it lists no more has nulls."""

TICKER_NUMBERS: Final = (
    "price_change", "price_change_percent", "weighted_avg_price", "prev_close_price", "last_price", "last_qty",
    "bid_price", "bid_qty", "ask_price", "ask_qty", "open_price", "high_price", "low_price", "volume", "quote_volume",
)  # fmt: skip

TICKERS_24H: Final = staging_table(
    "tickers_24h",
    ("market", "symbol", "snapshot_time"),
    {
        "market": TEXT,
        "symbol": TEXT,
        "snapshot_time": TIME,
        **dict.fromkeys(TICKER_NUMBERS, DECIMAL),
        "open_time": TIME,
        "close_time": TIME,
        "first_id": INT,
        "last_id": INT,
        "count": INT,
    },
    nullable=frozenset(TICKER_NUMBERS),
)
"""Futures have no bid, ask and previous close; what the exchange leaves empty is null."""

MARK_PRICE_KLINES: Final = staging_table(
    "mark_price_klines",
    ("symbol", "interval", "open_time"),
    {
        "symbol": LABEL,
        "interval": LABEL,
        "open_time": TIME,
        "open": DECIMAL,
        "high": DECIMAL,
        "low": DECIMAL,
        "close": DECIMAL,
        "close_time": TIME,
        "source": LABEL,
    },
)

FUNDING_RATES: Final = staging_table(
    "funding_rates",
    ("symbol", "funding_time"),
    {
        "symbol": LABEL,
        "funding_time": TIME,
        "funding_rate": DECIMAL,
        "mark_price": DECIMAL,
        "funding_interval_hours": INT,
        "rate_type": TEXT,
        "source": LABEL,
    },
    nullable=frozenset({"mark_price", "funding_interval_hours", "rate_type"}),
)
"""Times are rounded to the second: the exchange's are off by some milliseconds."""

OPEN_INTEREST: Final = staging_table(
    "open_interest",
    ("symbol", "period", "open_interest_time"),
    {
        "symbol": LABEL,
        "period": LABEL,
        "open_interest_time": TIME,
        "open_interest": WIDE_DECIMAL,
        "open_interest_value": WIDE_DECIMAL,
        "source": LABEL,
    },
)

PREMIUM_NUMBERS: Final = (
    "mark_price", "index_price", "estimated_settle_price", "last_funding_rate", "interest_rate",
)  # fmt: skip

PREMIUM_INDEX: Final = staging_table(
    "premium_index",
    ("symbol", "snapshot_time"),
    {
        "symbol": TEXT,
        "snapshot_time": TIME,
        **dict.fromkeys(PREMIUM_NUMBERS, DECIMAL),
        "next_funding_time": TIME,
        "exchange_time": TIME,
    },
    nullable=frozenset({*PREMIUM_NUMBERS, "next_funding_time"}),
)

ACCOUNT_BALANCES: Final = staging_table(
    "account_balances",
    ("snapshot_time", "asset"),
    {"snapshot_time": TIME, "asset": TEXT, "free": DECIMAL, "locked": DECIMAL},
)

ACCOUNT_TRADES: Final = staging_table(
    "account_trades",
    ("symbol", "trade_id"),
    {
        "symbol": LABEL,
        "trade_id": INT,
        "order_id": INT,
        "price": DECIMAL,
        "quantity": DECIMAL,
        "quote_quantity": DECIMAL,
        "commission": DECIMAL,
        "commission_asset": TEXT,
        "trade_time": TIME,
        "is_buyer": BOOL,
        "is_maker": BOOL,
    },
)

ARCHIVE_FILES: Final = staging_table(
    "archive_files",
    ("path",),
    {
        "path": TEXT,
        "market": TEXT,
        "dataset": TEXT,
        "symbol": TEXT,
        "interval": TEXT,
        "status": TEXT,
        "reason": TEXT,
        "sha256": TEXT,
        "last_modified": TIME,
        "size_bytes": INT,
        "row_count": INT,
        "rows_loaded": INT,
        "loaded_at": TIME,
        "revision": INT,
        "rows_changed": INT,
        "rows_compared": INT,
        "replaced_load_id": TEXT,
    },
    nullable=frozenset(
        {"interval", "reason", "sha256", "row_count", "rows_changed", "rows_compared", "replaced_load_id"}
    ),
)
"""What became of each file of the archive that a run has taken in hand."""

ARCHIVE_DISAGREEMENTS: Final = staging_table(
    "archive_disagreements",
    ("path", "row_key", "column_name"),
    {
        "path": TEXT,
        "market": TEXT,
        "dataset": TEXT,
        "symbol": TEXT,
        "interval": TEXT,
        "row_key": INT,
        "column_name": TEXT,
        "archive_value": TEXT,
        "other_value": TEXT,
        "other_source": TEXT,
        "found_at": TIME,
    },
    nullable=frozenset({"interval", "archive_value", "other_value"}),
    write=MERGED,
)
"""Values of a file that another source gives otherwise."""


LISTINGS: Final = staging_table(
    "listings",
    ("market", "symbol"),
    {"market": TEXT, "symbol": TEXT, "first_open_time": TIME, "checked_at": TIME},
    nullable=frozenset({"first_open_time"}),
    write=MERGED,
)
"""When the very first 1m kline of a symbol opened."""

GAP_CHECKS: Final = staging_table(
    "gap_checks",
    ("dataset", "series", "first_key", "source", "checked_at"),
    {
        "series": TEXT,
        "market": TEXT,
        "dataset": TEXT,
        "symbol": TEXT,
        "interval": TEXT,
        "first_key": INT,
        "gap_start": TIME,
        "gap_end": TIME,
        "first_id": INT,
        "last_id": INT,
        "source": TEXT,
        "outcome": TEXT,
        "rows_found": INT,
        "detail": TEXT,
        "checked_at": TIME,
    },
    nullable=frozenset({"interval", "gap_start", "gap_end", "first_id", "last_id", "detail"}),
)
"""Gaps that were asked for again, and the answers. A question that failed leaves no row: it proves nothing."""

MARKET_TABLES: Final = (
    SYMBOLS, TICKERS_24H, KLINES, MARK_PRICE_KLINES, AGG_TRADES, TRADES, FUNDING_RATES, OPEN_INTEREST, PREMIUM_INDEX,
)  # fmt: skip
"""The tables of the datasets of markets, in the order in which they are loaded."""

ACCOUNT_TABLES: Final = (ACCOUNT_BALANCES, ACCOUNT_TRADES)
"""The same for an account."""

TABLES: Final = (
    *MARKET_TABLES, *ACCOUNT_TABLES, EXCHANGE_INFO_HISTORY, LISTINGS, GAP_CHECKS, ARCHIVE_FILES, ARCHIVE_DISAGREEMENTS,
)  # fmt: skip
"""All tables of Binance."""

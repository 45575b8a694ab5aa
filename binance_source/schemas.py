"""The staging tables of Binance: the only place that decides names and types of their columns."""

from typing import Final

from exchange_engine.tables import BOOL, DECIMAL, INT, LABEL, MERGED, TEXT, TIME, WIDE_DECIMAL, staging_table

KLINES: Final = staging_table(
    "klines",
    ("market", "symbol", "interval", "open_time"),
    (
        (LABEL, "market symbol interval"),
        (TIME, "open_time"),
        (DECIMAL, "open high low close volume"),
        (TIME, "close_time"),
        (DECIMAL, "quote_volume"),
        (INT, "trade_count"),
        (DECIMAL, "taker_buy_volume taker_buy_quote_volume"),
        (LABEL, "source"),
    ),
)

AGG_TRADES: Final = staging_table(
    "agg_trades",
    ("market", "symbol", "agg_trade_id"),
    (
        (LABEL, "market symbol"),
        (INT, "agg_trade_id"),
        (DECIMAL, "price quantity"),
        (INT, "first_trade_id last_trade_id"),
        (TIME, "trade_time"),
        (BOOL, "is_buyer_maker"),
        (LABEL, "source"),
    ),
)

TRADES: Final = staging_table(
    "trades",
    ("market", "symbol", "trade_id"),
    (
        (LABEL, "market symbol"),
        (INT, "trade_id"),
        (DECIMAL, "price quantity quote_quantity"),
        (TIME, "trade_time"),
        (BOOL, "is_buyer_maker"),
        (LABEL, "source"),
    ),
)

_SYMBOL_NUMBERS: Final = "tick_size min_price max_price step_size min_quantity max_quantity min_notional"
_CONTRACT: Final = "contract_type pair margin_asset onboard_time delivery_time"
_TRADING_FLAGS: Final = "is_spot_trading_allowed is_margin_trading_allowed"

SYMBOLS: Final = staging_table(
    "symbols",
    ("market", "symbol"),
    (
        (TEXT, "market symbol status base_asset quote_asset"),
        (INT, "base_asset_precision quote_asset_precision"),
        (DECIMAL, _SYMBOL_NUMBERS),
        (BOOL, _TRADING_FLAGS),
        (TEXT, "order_types permission_sets contract_type pair margin_asset"),
        (TIME, "onboard_time delivery_time updated_at"),
    ),
    nullable=frozenset(f"{_SYMBOL_NUMBERS} {_CONTRACT}".split()),
    write=MERGED,
)

EXCHANGE_INFO_HISTORY: Final = staging_table(
    "exchange_info_history",
    ("market", "symbol", "first_seen_at"),
    (
        (TEXT, "market symbol"),
        (TIME, "first_seen_at"),
        (BOOL, "is_listed"),
        (TEXT, "status base_asset quote_asset contract_type"),
        (DECIMAL, _SYMBOL_NUMBERS),
        (BOOL, _TRADING_FLAGS),
        (TEXT, "order_types permission_sets filters"),
    ),
    nullable=frozenset(
        f"status base_asset quote_asset contract_type {_SYMBOL_NUMBERS} {_TRADING_FLAGS} "
        "order_types permission_sets filters".split()
    ),
)
"""The exchangeInfo of each symbol, one row per change. A symbol that is no longer listed has nulls."""

TICKER_NUMBERS: Final = (
    "price_change", "price_change_percent", "weighted_avg_price", "prev_close_price", "last_price", "last_qty",
    "bid_price", "bid_qty", "ask_price", "ask_qty", "open_price", "high_price", "low_price", "volume", "quote_volume",
)  # fmt: skip

TICKERS_24H: Final = staging_table(
    "tickers_24h",
    ("market", "symbol", "snapshot_time"),
    (
        (TEXT, "market symbol"),
        (TIME, "snapshot_time"),
        (DECIMAL, " ".join(TICKER_NUMBERS)),
        (TIME, "open_time close_time"),
        (INT, "first_id last_id count"),
    ),
    nullable=frozenset(TICKER_NUMBERS),
)
"""Futures have no bid, ask and previous close; values that Binance leaves empty are null."""

MARK_PRICE_KLINES: Final = staging_table(
    "mark_price_klines",
    ("symbol", "interval", "open_time"),
    (
        (LABEL, "symbol interval"),
        (TIME, "open_time"),
        (DECIMAL, "open high low close"),
        (TIME, "close_time"),
        (LABEL, "source"),
    ),
)

FUNDING_RATES: Final = staging_table(
    "funding_rates",
    ("symbol", "funding_time"),
    (
        (LABEL, "symbol"),
        (TIME, "funding_time"),
        (DECIMAL, "funding_rate mark_price"),
        (INT, "funding_interval_hours"),
        (TEXT, "rate_type"),
        (LABEL, "source"),
    ),
    nullable=frozenset({"mark_price", "funding_interval_hours", "rate_type"}),
)
"""Times are rounded to the second: Binance's are off by some milliseconds."""

OPEN_INTEREST: Final = staging_table(
    "open_interest",
    ("symbol", "period", "open_interest_time"),
    (
        (LABEL, "symbol period"),
        (TIME, "open_interest_time"),
        (WIDE_DECIMAL, "open_interest open_interest_value"),
        (LABEL, "source"),
    ),
)

PREMIUM_NUMBERS: Final = (
    "mark_price", "index_price", "estimated_settle_price", "last_funding_rate", "interest_rate",
)  # fmt: skip

PREMIUM_INDEX: Final = staging_table(
    "premium_index",
    ("symbol", "snapshot_time"),
    (
        (TEXT, "symbol"),
        (TIME, "snapshot_time"),
        (DECIMAL, "mark_price index_price estimated_settle_price last_funding_rate interest_rate"),
        (TIME, "next_funding_time exchange_time"),
    ),
    nullable=frozenset({*PREMIUM_NUMBERS, "next_funding_time"}),
)

ACCOUNT_BALANCES: Final = staging_table(
    "account_balances",
    ("snapshot_time", "asset"),
    (
        (TIME, "snapshot_time"),
        (TEXT, "asset"),
        (DECIMAL, "free locked"),
    ),
)

ACCOUNT_TRADES: Final = staging_table(
    "account_trades",
    ("symbol", "trade_id"),
    (
        (LABEL, "symbol"),
        (INT, "trade_id order_id"),
        (DECIMAL, "price quantity quote_quantity commission"),
        (TEXT, "commission_asset"),
        (TIME, "trade_time"),
        (BOOL, "is_buyer is_maker"),
    ),
)

ARCHIVE_FILES: Final = staging_table(
    "archive_files",
    ("path",),
    (
        (TEXT, "path market dataset symbol interval status reason sha256"),
        (TIME, "last_modified"),
        (INT, "size_bytes row_count rows_loaded"),
        (TIME, "loaded_at"),
        (INT, "revision rows_changed rows_compared"),
        (TEXT, "replaced_load_id"),
    ),
    nullable=frozenset(
        {"interval", "reason", "sha256", "row_count", "rows_changed", "rows_compared", "replaced_load_id"}
    ),
)
"""What became of each file of the archive that a run has processed."""

ARCHIVE_DISAGREEMENTS: Final = staging_table(
    "archive_disagreements",
    ("path", "row_key", "column_name"),
    (
        (TEXT, "path market dataset symbol interval"),
        (INT, "row_key"),
        (TEXT, "column_name archive_value other_value other_source"),
        (TIME, "found_at"),
    ),
    nullable=frozenset({"interval", "archive_value", "other_value"}),
    write=MERGED,
)
"""Values of a file that differ in another source."""


LISTINGS: Final = staging_table(
    "listings",
    ("market", "symbol"),
    (
        (TEXT, "market symbol"),
        (TIME, "first_open_time checked_at"),
    ),
    nullable=frozenset({"first_open_time"}),
    write=MERGED,
)
"""When the very first 1m kline of a symbol opened."""

GAP_CHECKS: Final = staging_table(
    "gap_checks",
    ("dataset", "series", "first_key", "source", "checked_at"),
    (
        (TEXT, "series market dataset symbol interval"),
        (INT, "first_key"),
        (TIME, "gap_start gap_end"),
        (INT, "first_id last_id"),
        (TEXT, "source outcome"),
        (INT, "rows_found"),
        (TEXT, "detail"),
        (TIME, "checked_at"),
    ),
    nullable=frozenset({"interval", "gap_start", "gap_end", "first_id", "last_id", "detail"}),
)
"""Gaps that were retried, and the results. A retry that failed leaves no row: it proves nothing."""

MARKET_TABLES: Final = (
    SYMBOLS, TICKERS_24H, KLINES, MARK_PRICE_KLINES, AGG_TRADES, TRADES, FUNDING_RATES, OPEN_INTEREST, PREMIUM_INDEX,
)  # fmt: skip
"""The tables of the markets' datasets, in the order in which they are loaded."""

ACCOUNT_TABLES: Final = (ACCOUNT_BALANCES, ACCOUNT_TRADES)
"""The tables of an account's datasets, in the order in which they are loaded."""

TABLES: Final = (
    *MARKET_TABLES, *ACCOUNT_TABLES, EXCHANGE_INFO_HISTORY, LISTINGS, GAP_CHECKS, ARCHIVE_FILES, ARCHIVE_DISAGREEMENTS,
)  # fmt: skip
"""All tables of Binance."""

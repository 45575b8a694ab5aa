"""The staging tables of OKX."""

from typing import Final

from exchange_engine.tables import LABEL, MERGED, TEXT, TIME, WIDE_DECIMAL, staging_table

OKX_INSTRUMENTS: Final = staging_table(
    "okx_instruments",
    ("instrument_type", "symbol"),
    (
        (TEXT, "instrument_type symbol base_asset quote_asset settle_asset underlying contract_value_asset"),
        (TEXT, "state"),
        (WIDE_DECIMAL, "contract_value contract_multiplier tick_size lot_size min_size"),
        (TIME, "list_time expiry_time updated_at"),
    ),
    nullable=frozenset(
        {
            "base_asset", "quote_asset", "settle_asset", "underlying", "contract_value_asset", "contract_value",
            "contract_multiplier", "tick_size", "lot_size", "min_size", "list_time", "expiry_time",
        }
    ),
    write=MERGED,
)  # fmt: skip

OKX_CANDLES: Final = staging_table(
    "okx_candles",
    ("symbol", "interval", "open_time"),
    (
        (LABEL, "symbol interval"),
        (TIME, "open_time"),
        (WIDE_DECIMAL, "open high low close volume quote_volume contracts"),
    ),
    nullable=frozenset({"contracts"}),
)

OKX_FUNDING_RATES: Final = staging_table(
    "okx_funding_rates",
    ("symbol", "funding_time"),
    (
        (LABEL, "symbol"),
        (TIME, "funding_time"),
        (WIDE_DECIMAL, "funding_rate predicted_rate"),
        (TEXT, "method"),
    ),
    nullable=frozenset({"predicted_rate", "method"}),
)

TABLES: Final = (OKX_INSTRUMENTS, OKX_CANDLES, OKX_FUNDING_RATES)
"""The tables of the datasets, in the order in which they are loaded."""

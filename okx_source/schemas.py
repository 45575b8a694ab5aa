"""The staging tables of OKX."""

from typing import Final

from exchange_engine.tables import LABEL, MERGED, TEXT, TIME, WIDE_DECIMAL, staging_table

OKX_INSTRUMENTS: Final = staging_table(
    "okx_instruments",
    ("instrument_type", "symbol"),
    {
        "instrument_type": TEXT,
        "symbol": TEXT,
        "base_asset": TEXT,
        "quote_asset": TEXT,
        "settle_asset": TEXT,
        "underlying": TEXT,
        "contract_value_asset": TEXT,
        "state": TEXT,
        "contract_value": WIDE_DECIMAL,
        "contract_multiplier": WIDE_DECIMAL,
        "tick_size": WIDE_DECIMAL,
        "lot_size": WIDE_DECIMAL,
        "min_size": WIDE_DECIMAL,
        "list_time": TIME,
        "expiry_time": TIME,
        "updated_at": TIME,
    },
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
    {
        "symbol": LABEL,
        "interval": LABEL,
        "open_time": TIME,
        **dict.fromkeys(("open", "high", "low", "close", "volume", "quote_volume", "contracts"), WIDE_DECIMAL),
    },
    nullable=frozenset({"contracts"}),
)

OKX_FUNDING_RATES: Final = staging_table(
    "okx_funding_rates",
    ("symbol", "funding_time"),
    {
        "symbol": LABEL,
        "funding_time": TIME,
        "funding_rate": WIDE_DECIMAL,
        "predicted_rate": WIDE_DECIMAL,
        "method": TEXT,
    },
    nullable=frozenset({"predicted_rate", "method"}),
)

TABLES: Final = (OKX_INSTRUMENTS, OKX_CANDLES, OKX_FUNDING_RATES)
"""The tables of the datasets, in the order in which they are loaded."""

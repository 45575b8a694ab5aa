"""Symbols that only the run's own connection names: their candles are taken, whatever the venue's metadata have."""

from datetime import timedelta
from decimal import Decimal

import pytest
from market_rows import at, candle, connected, instrument, kline, product, symbol

BUILT = ("candle_series", "candles", "cross_exchange_ohlcv", "dim_symbols")
QUERIES = {
    "series": "select venue, venue_symbol, symbol, left_out from silver.candle_series order by 1, 2",
    "candles": "select venue, symbol, venue_symbol, close from silver.candles order by 1, 2",
    "side by side": """select symbol, n_venues, binance_close, coinbase_close, okx_close
        from gold.cross_exchange_ohlcv order by 1""",
    "symbols": "select market, symbol, base_asset, quote_asset from gold.dim_symbols order by 1, 2",
}
UNKNOWN = "the venue's metadata do not have the symbol"
UNNAMED = "the venue's metadata do not say its assets"
SWAP = "not traded on a spot market: SWAP"
SAME = "another symbol of the venue has the same assets"

CANDLES = {
    "klines": [
        kline("BTCUSDT", 0, "100 104 99 102", "3"),
        kline("BTCUSDT", 0, "500 500 500 500", "7", market="um"),
        kline("OLDUSDT", 0, "7 7 7 7", "1"),
    ],
    "coinbase_candles": [candle("BTC-USDT", 0, "101 105 100 104", "1")],
    "okx_candles": [
        candle("BTC-USDT", 0, "100 106 98 101", "6", quote_volume=Decimal(612)),
        candle("BTC-USDT-SWAP", 0, "1 1 1 1", "1", quote_volume=Decimal(1)),
        candle("NEW-USDT", 0, "2 2 2 2", "1", quote_volume=Decimal(2)),
    ],
}
CONNECTED = [
    connected("binance", "spot", "BTCUSDT", "BTC", "USDT"),
    connected("binance", "um", "BTCUSDT", "PERP", "USDT"),
    connected("binance", "um", "OLDUSDT", "OLD", "USDT"),
    connected("coinbase", "spot", "BTC-USDT", "BTC", "USDT"),
    connected("okx", "spot", "BTC-USDT", "BTC", "USDT"),
    connected("okx", "spot", "NEW-USDT", None, ""),
    connected("okx", "swap", "BTC-USDT-SWAP", None, None),
]
SNAPSHOTS = {
    # Of a placeholder OKX gives the name and the type alone.
    "okx_instruments": [
        instrument("BTC-USDT", None, None, state="preopen"),
        instrument("NEW-USDT", None, None, state="preopen"),
    ],
    "coinbase_products": [product("BTC-USDT", "XBT", "USDT")],
    "symbols": [symbol("BTCUSD_T", "BTC", "USDT", status="BREAK"), symbol("OLDUSDT", "OLD", "USDT")],
}


@pytest.fixture(scope="module")
def history(new_warehouse, tmp_path_factory):
    """By step the answers of an incremental build, and those of a full refresh of a copy."""
    warehouse = new_warehouse(whole=True)
    folder = tmp_path_factory.mktemp("refreshed")
    steps = {
        "candles alone": CANDLES,
        "connected": {"connected_symbols": CONNECTED},
        "snapshots": SNAPSHOTS,
    }
    answers = {}
    for number, (what, tables) in enumerate(steps.items()):
        warehouse.load(f"176370000{number}.1", **tables)
        warehouse.build("--select", *(f"+{model}" for model in BUILT), models_only=what != "snapshots")
        refreshed = warehouse.copy(folder / str(number))
        refreshed.build("--select", *BUILT, "--full-refresh", models_only=True)
        answers[what] = [
            {name: built.query(query) for name, query in QUERIES.items()} for built in (warehouse, refreshed)
        ]
    return answers


@pytest.mark.parametrize("what", ["candles alone", "connected", "snapshots"])
def test_an_incremental_build_names_what_a_full_one_names(history, what):
    incremental, refreshed = history[what]
    assert incremental == refreshed


def test_candles_that_nothing_names_are_left_out(history):
    found = history["candles alone"][0]
    assert {(symbol, left_out) for _, _, symbol, left_out in found["series"]} == {(None, UNKNOWN)}
    assert len(found["series"]) == 6
    assert found["candles"] == found["side by side"] == []
    assert found["symbols"] == [
        ("spot", "BTCUSDT", None, None),
        ("spot", "OLDUSDT", None, None),
        ("um", "BTCUSDT", None, None),
    ]


def test_candles_left_out_before_are_taken_once_a_connection_names_them(history):
    found = history["connected"][0]
    assert found["series"] == [
        ("binance", "BTCUSDT", "BTC-USDT", None),
        ("binance", "OLDUSDT", None, UNKNOWN),
        ("coinbase", "BTC-USDT", "BTC-USDT", None),
        ("okx", "BTC-USDT", "BTC-USDT", None),
        ("okx", "BTC-USDT-SWAP", None, SWAP),
        ("okx", "NEW-USDT", None, UNNAMED),
    ]
    assert found["candles"] == [
        ("binance", "BTC-USDT", "BTCUSDT", 102),
        ("coinbase", "BTC-USDT", "BTC-USDT", 104),
        ("okx", "BTC-USDT", "BTC-USDT", 101),
    ]
    assert found["side by side"] == [("BTC-USDT", 3, 102, 104, 101)]


def test_each_market_has_the_assets_that_were_found_in_it(history):
    assert history["connected"][0]["symbols"] == [
        ("spot", "BTCUSDT", "BTC", "USDT"),
        ("spot", "OLDUSDT", None, None),
        ("um", "BTCUSDT", "PERP", "USDT"),
    ]


def test_what_a_snapshot_says_comes_first_and_a_placeholder_says_nothing(history):
    found = history["snapshots"][0]
    # Of two symbols of the same assets that are not known to trade the first by name stands for both.
    assert found["series"] == [
        ("binance", "BTCUSDT", "BTC-USDT", None),
        ("binance", "OLDUSDT", "OLD-USDT", None),
        ("coinbase", "BTC-USDT", "XBT-USDT", None),
        ("okx", "BTC-USDT", "BTC-USDT", None),
        ("okx", "BTC-USDT-SWAP", None, SWAP),
        ("okx", "NEW-USDT", None, UNNAMED),
    ]
    assert found["side by side"] == [
        ("BTC-USDT", 2, 102, None, 101),
        ("OLD-USDT", 1, 7, None, None),
        ("XBT-USDT", 1, None, 104, None),
    ]


def test_the_symbol_that_trades_stands_for_one_that_was_only_connected_to(new_warehouse):
    warehouse = new_warehouse(whole=True)
    warehouse.load(
        "1763700000.1",
        coinbase_candles=[candle("BTC-USDT", 0, "1 1 1 1", "1"), candle("OLD-BTC-USDT", 0, "2 2 2 2", "1")],
        coinbase_products=[product("BTC-USDT", "BTC", "USDT")],
        connected_symbols=[connected("coinbase", "spot", "OLD-BTC-USDT", "BTC", "USDT")],
    )
    warehouse.build("--select", "+candle_series", models_only=True)
    assert warehouse.query(QUERIES["series"]) == [
        ("coinbase", "BTC-USDT", "BTC-USDT", None),
        ("coinbase", "OLD-BTC-USDT", None, SAME),
    ]


def test_a_symbol_connected_to_on_two_markets_is_of_the_one_of_last(new_warehouse):
    warehouse = new_warehouse(whole=True)
    warehouse.load(
        "1763700000.1",
        okx_candles=[candle("BTC-USDT", 0, "1 1 1 1", "1", quote_volume=Decimal(1))],
        connected_symbols=[
            connected("okx", "swap", "BTC-USDT", None, None),
            connected("okx", "spot", "BTC-USDT", "BTC", "USDT", connected_at=at(1) + timedelta(hours=1)),
        ],
    )
    warehouse.build("--select", "+candle_series", models_only=True)
    assert warehouse.query(QUERIES["series"]) == [("okx", "BTC-USDT", "BTC-USDT", None)]

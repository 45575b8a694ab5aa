"""Candles of other venues that break a rule: each is named by its rules, and no key is both rejected and taken."""

from decimal import Decimal

import pytest
from market_rows import at, candle, instrument, product

BUILT = ("candle_series", "candles", "rejected_candles")
REJECTED = """select open_time, "interval", broken_rules, volume from silver.rejected_candles
    where venue = ? order by open_time nulls first, "interval", volume"""
TAKEN = "select open_time, volume from silver.candles where venue = ? and \"interval\" = '1m' order by open_time"


def okx(symbol, minute, prices, volume, **changes):
    return candle(symbol, minute, prices, volume, **{"quote_volume": Decimal(1), **changes})


def minutes(rows):
    """The rows with their times as minutes of the day."""
    return [(None if time is None else (time - at()).seconds // 60, *rest) for time, *rest in rows]


@pytest.fixture(scope="module")
def history(new_warehouse, tmp_path_factory):
    """By step: what is rejected and what is taken of each venue, and what a full refresh makes of it."""
    warehouse = new_warehouse(whole=True)
    folder = tmp_path_factory.mktemp("refreshed")
    # Each pipeline has loads of its own: those of Coinbase come with lower numbers than what OKX has brought before.
    steps = {
        "okx": (
            "1763700050.1",
            {
                "okx_instruments": [instrument("BTC-USDT", "BTC", "USDT")],
                "okx_candles": [
                    okx("BTC-USDT", 0, "5 6 4 5", "1", quote_volume=None),
                    okx("BTC-USDT", 1, "5 6 4 5", "2", quote_volume=Decimal("-0.000000000000000001")),
                    okx("BTC-USDT-SWAP", 2, "-5 6 -5 5", "3"),
                    okx("BTC-USDT", 0, "5 6 4 5", "1", interval="2d"),
                ],
            },
        ),
        "coinbase": (
            "1763700010.1",
            {
                "coinbase_products": [product("BTC-USD", "BTC", "USD")],
                "coinbase_candles": [
                    candle("BTC-USD", 0, "5 6 4 5", "10"),
                    candle("BTC-USD", 1, "101 99 100 104", "11"),
                    candle("BTC-USD", 2, "0 1 0 1", "12"),
                    candle("BTC-USD", 3, "5 6 4 5", "-13"),
                    candle("BTC-USD", 4, "5 6 4 5", "14", open=None),
                    candle("BTC-USD", 5, "5 6 4 5", "15", interval="7m"),
                    candle("BTC-USD", 6, "5 6 5.5 6", "16"),
                    candle("BTC-USD", 7, "5 6 4 6.1", "17"),
                    # The same twice over; then with two volumes, the smaller of them invalid; then the greater.
                    *[candle("BTC-USD", 8, "5 6 4 5", "18")] * 2,
                    candle("BTC-USD", 9, "5 6 4 5", "1"),
                    candle("BTC-USD", 9, "5 6 4 5", "19"),
                    candle("BTC-USD", 10, "5 4.5 4 4.5", "2"),
                    candle("BTC-USD", 10, "5 6 4 5", "20"),
                    candle("BTC-USD", 11, "5 6 4 5", "3"),
                    candle("BTC-USD", 11, "5 4.5 4 4.5", "21"),
                    *[candle("BTC-USD", 12, "5 6 4 5", "22", open_time=None)] * 2,
                ],
            },
        ),
        "revised": (
            "1763700060.1",
            {
                "coinbase_candles": [
                    candle("BTC-USD", 0, "5 6 4 -5", "30"),
                    candle("BTC-USD", 1, "5 6 4 5", "31"),
                    candle("BTC-USD", 2, "5 6 4 5", "-32"),
                    candle("BTC-USD", 9, "5 6 4 5", "39"),
                    candle("BTC-USD", 11, "5 6 4 5", "41"),
                    candle("BTC-USD", 11, "5 6 4 5", "40"),
                ],
                "okx_candles": [okx("BTC-USDT", 1, "5 6 4 5", "33"), okx("BTC-USDT-SWAP", 2, "5 6 4 5", "34")],
            },
        ),
        "nothing new": ("1763700070.1", {}),
    }
    answers = {}
    for number, (what, (load_id, tables)) in enumerate(steps.items()):
        warehouse.load(load_id, **tables)
        warehouse.load(f"{load_id}9", complete=False, okx_candles=[okx("BTC-USDT", 0, "9 1 9 9", "9")])
        warehouse.build("--select", *(f"+{model}" for model in BUILT), models_only=what != "nothing new")
        refreshed = warehouse.copy(folder / str(number))
        refreshed.build("--select", *BUILT, "--full-refresh", models_only=True)
        warehouse.query("delete from staging.okx_candles where _dlt_load_id = ?", f"{load_id}9")
        answers[what] = {
            "rejected": {venue: minutes(warehouse.query(REJECTED, venue)) for venue in ("coinbase", "okx")},
            "taken": {venue: minutes(warehouse.query(TAKEN, venue)) for venue in ("coinbase", "okx")},
            "tables": [
                [built.query(f"select * from silver.{model} order by all") for model in BUILT]
                for built in (warehouse, refreshed)
            ],
        }
    return answers


@pytest.mark.parametrize("what", ["okx", "coinbase", "revised", "nothing new"])
def test_an_incremental_build_rejects_what_a_full_one_rejects(history, what):
    incremental, refreshed = history[what]["tables"]
    assert incremental == refreshed


def test_candles_of_a_venue_are_judged_whatever_its_market_and_without_the_other_venues(history):
    assert history["okx"]["rejected"] == {
        "coinbase": [],
        "okx": [(1, "1m", "negative_volume", 2), (2, "1m", "price_not_positive", 3)],
    }
    assert history["okx"]["taken"] == {"coinbase": [], "okx": [(0, 1)]}


def test_a_rejected_candle_names_its_rules(history):
    assert history["coinbase"]["rejected"]["coinbase"] == [
        *[(None, "1m", "missing_value", 22)] * 2,
        (1, "1m", "high_below_other_price,low_above_other_price", 11),
        (2, "1m", "price_not_positive", 12),
        (3, "1m", "negative_volume", -13),
        (4, "1m", "missing_value", 14),
        (5, "7m", "unknown_interval", 15),
        (6, "1m", "low_above_other_price", 16),
        (7, "1m", "high_below_other_price", 17),
        (9, "1m", "duplicate_key", 1),
        (10, "1m", "duplicate_key,high_below_other_price", 2),
        (11, "1m", "duplicate_key", 3),
        (11, "1m", "high_below_other_price", 21),
    ]
    assert history["coinbase"]["taken"]["coinbase"] == [(0, 10), (8, 18), (9, 19), (10, 20)]


def test_the_newest_version_decides_whether_a_candle_is_rejected(history):
    revised = history["revised"]
    assert revised["rejected"]["coinbase"] == [
        *[(None, "1m", "missing_value", 22)] * 2,
        (0, "1m", "price_not_positive,low_above_other_price", 30),
        (2, "1m", "negative_volume", -32),
        (3, "1m", "negative_volume", -13),
        (4, "1m", "missing_value", 14),
        (5, "7m", "unknown_interval", 15),
        (6, "1m", "low_above_other_price", 16),
        (7, "1m", "high_below_other_price", 17),
        (10, "1m", "duplicate_key,high_below_other_price", 2),
        (11, "1m", "duplicate_key", 40),
    ]
    assert revised["taken"]["coinbase"] == [(1, 31), (8, 18), (9, 39), (10, 20), (11, 41)]
    assert revised["rejected"]["okx"] == []
    assert revised["taken"]["okx"] == [(0, 1), (1, 33)]


def test_the_first_rule_stands_by_itself(history):
    # rule is the fifth column of silver.rejected_candles, broken_rules the sixth.
    _, _, rejected = history["coinbase"]["tables"][0]
    assert {row[5]: row[4] for row in rejected if "," in row[5]} == {
        "high_below_other_price,low_above_other_price": "high_below_other_price",
        "duplicate_key,high_below_other_price": "duplicate_key",
    }

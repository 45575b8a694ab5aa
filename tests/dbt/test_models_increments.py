"""What incremental builds leave behind, load after load, is what a build from nothing makes of the same loads."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

MIDNIGHT = datetime(2024, 1, 2, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)


def kline(minute, symbol="BTCUSDT", interval="1m", **changes):
    """A valid kline so many minutes after midnight; every fifth minute nothing traded."""
    open_time = MIDNIGHT + minute * MINUTE
    traded = minute % 5 != 0
    price = Decimal(100 + minute % 7)
    return {
        "market": "spot",
        "symbol": symbol,
        "interval": interval,
        "open_time": open_time,
        "open": price,
        "high": price + traded,
        "low": price - traded,
        "close": price,
        "volume": Decimal(2) * traded,
        "close_time": open_time + MINUTE - timedelta(milliseconds=1),
        "quote_volume": 2 * price * traded,
        "trade_count": 3 * traded,
        "taker_buy_volume": Decimal(1) * traded,
        "taker_buy_quote_volume": price * traded,
        "source": "rest",
        **changes,
    }


def agg_trade(number, seconds, **changes):
    return {
        "market": "spot",
        "symbol": "BTCUSDT",
        "agg_trade_id": number,
        "price": Decimal("100.5"),
        "quantity": Decimal("0.25"),
        "first_trade_id": 2 * number,
        "last_trade_id": 2 * number + 1,
        "trade_time": MIDNIGHT + timedelta(seconds=seconds),
        "is_buyer_maker": number % 2 == 0,
        "source": "rest",
        **changes,
    }


def trade(number, **changes):
    return {
        "market": "spot",
        "symbol": "BTCUSDT",
        "trade_id": number,
        "price": Decimal("100.5"),
        "quantity": Decimal("0.5"),
        "quote_quantity": Decimal("50.25"),
        "trade_time": MIDNIGHT + number * timedelta(seconds=1),
        "is_buyer_maker": False,
        "source": "rest",
        **changes,
    }


# Each step: (what happens, the loads, options of the build). Load ids ascend; what is not complete has no entry.
INVALID = {"low": Decimal(0)}
STEPS = [
    (
        "first load",
        [
            {
                "klines": [kline(m, s) for s in ("BTCUSDT", "ETHUSDT") for m in range(100, 200)]
                + [kline(100, interval="1h"), kline(500), kline(99, **INVALID), kline(98, open_time=None)],
                "agg_trades": [agg_trade(n, 10 * n) for n in range(100, 200)],
                "trades": [trade(n) for n in range(100, 200)],
                "symbols": [{"market": "spot", "symbol": "BTCUSDT", "status": "TRADING", "tick_size": Decimal("0.01")}],
            }
        ],
        (),
    ),
    (
        "tail, built as far as silver",
        [{"klines": [kline(200), kline(200, "ETHUSDT")], "agg_trades": [agg_trade(200, 2000)], "trades": [trade(200)]}],
        ("--select", "staging", "silver"),
    ),
    (
        "further tail, of which gold is built before silver",
        [{"klines": [kline(205)], "agg_trades": [agg_trade(205, 2050)]}],
        ("--select", "gold"),
    ),
    (
        "backwards, into the day before, and a new symbol",
        [
            {
                "klines": [kline(m) for m in range(-70, 98)] + [kline(m, "SOLUSDT") for m in range(30)],
                "agg_trades": [agg_trade(n, 10 * n) for n in range(90, 100)],
            }
        ],
        (),
    ),
    (
        "revisions: new figures, valid to invalid, invalid to valid, and a minute that was alone in its windows",
        [
            {
                "klines": [
                    kline(150, open=Decimal(90), low=Decimal(80), volume=Decimal(9)),
                    kline(151, **INVALID),
                    kline(99),
                    kline(500, **INVALID),
                ],
                "agg_trades": [agg_trade(150, 1500, quantity=Decimal(7))],
                "trades": [trade(150, quantity=Decimal(7))],
            }
        ],
        (),
    ),
    ("rejected rows only, of a window that is there", [{"klines": [kline(201, **INVALID), kline(152, **INVALID)]}], ()),
    ("a load without rows", [{"klines": []}], ()),
    (
        "two loads at once, the second revising the first, and rows twice in one load",
        [
            {"klines": [kline(202, **INVALID), kline(203), kline(203), kline(204)]},
            {"klines": [kline(202), kline(203, close=Decimal("100.5")), kline(204, **INVALID)]},
        ],
        (),
    ),
]


@pytest.fixture(scope="module")
def built(new_warehouse, tmp_path_factory):
    """The warehouse after all steps, and by step what it held and what a full refresh of a copy makes of it."""
    warehouse = new_warehouse()
    folder = tmp_path_factory.mktemp("refreshed")
    history = {}
    number = 0
    for what, loads, options in STEPS:
        for tables in loads:
            number += 1
            warehouse.load(f"17637000{number:02}.5", **tables)
        # What a crash leaves behind: newer than all else, with another price for a known minute, never entered.
        orphan = f"17637000{number:02}.9"
        warehouse.load(orphan, complete=False, klines=[kline(110, close=Decimal("100.1")), kline(300)])
        # The last build tests what all loads since the first one have brought.
        warehouse.build(*options, models_only=(what, loads, options) not in (STEPS[0], STEPS[-1]))
        if not options:
            # What was made of the loads so far is made of them with an empty one as well.
            if any(rows for tables in loads for rows in tables.values()):
                refreshed = warehouse.refreshed(folder / str(number))
            history[what] = (warehouse.contents(), refreshed)
        warehouse.query("delete from staging.klines where _dlt_load_id = ?", orphan)
    return warehouse, history


@pytest.mark.parametrize("what", [what for what, _, options in STEPS if not options])
def test_incremental_builds_equal_a_full_refresh_after(built, what):
    _, history = built
    incremental, refreshed = history[what]
    assert incremental == refreshed


def test_every_complete_row_is_in_silver_or_rejected(built):
    warehouse, _ = built
    keys = """select market, symbol, "interval", open_time from"""
    assert (
        warehouse.query(
            f"({keys} staging.klines) except ({keys} silver.klines union all {keys} silver.rejected_klines)"
        )
        == []
    )
    assert warehouse.query(f"({keys} silver.klines) intersect ({keys} silver.rejected_klines)") == []


def test_silver_holds_the_newest_version_of_each_minute(built):
    warehouse, _ = built
    minutes = [99, 110, 150, 202, 203]
    times = [MIDNIGHT + minute * MINUTE for minute in minutes]
    found = warehouse.query(
        """select open_time, close, volume from silver.klines
        where symbol = 'BTCUSDT' and "interval" = '1m' and list_contains(?, open_time) order by open_time""",
        times,
    )
    # Minute 99 was invalid at first, 150 got new figures, 202 and 203 were revised at once; 110 has an orphan besides.
    assert found == [
        (times[0], Decimal(101), Decimal(2)),
        (times[1], Decimal(105), Decimal(0)),
        (times[2], Decimal(103), Decimal(9)),
        (times[3], Decimal(106), Decimal(2)),
        (times[4], Decimal("100.5"), Decimal(2)),
    ]


def test_rejected_holds_what_last_broke_a_rule_with_its_name(built):
    warehouse, _ = built
    found = warehouse.query("select open_time, rule from silver.rejected_klines order by open_time nulls first")
    assert found == [
        (None, "missing_value"),
        *((MIDNIGHT + minute * MINUTE, "price_not_positive") for minute in (151, 152, 201, 204, 500)),
    ]


def test_rows_of_loads_that_never_completed_are_not_seen(built):
    _, history = built
    for incremental, _ in history.values():
        assert MIDNIGHT + 300 * MINUTE not in {row[3] for row in incremental["silver.klines"]}


def test_windows_are_recomputed_whole_when_a_minute_changes(built):
    warehouse, _ = built
    found = warehouse.query(
        """select open, high, low, close, volume, trade_count, minutes_present from gold.ohlcv
        where symbol = 'BTCUSDT' and "interval" = '5m' and open_time = ?""",
        MIDNIGHT + 150 * MINUTE,
    )
    # Minutes 150 (revised; not a minute with trades: trade_count 0), 153 and 154 are left; 151 and 152 were rejected.
    # 153: 100 + 153 % 7 = 106, between 105 and 107; 154: 100, between 99 and 101. Volume 9 + 2 + 2.
    assert found == [(Decimal(106), Decimal(107), Decimal(99), Decimal(100), Decimal(13), 6, 3)]


def test_windows_that_lost_their_only_minute_are_gone(built):
    _, history = built
    windows = [
        {row[2] for row in incremental["gold.ohlcv"] if row[3] <= MIDNIGHT + 500 * MINUTE < row[3] + MINUTE * row[16]}
        for incremental, _ in history.values()
    ]
    assert windows[0] == {"5m", "15m", "1h", "4h", "1d"}
    assert windows[-1] == {"1d"}


def test_trade_flow_follows_revised_and_earlier_trades(built):
    warehouse, _ = built
    flow = {
        minute: values
        for minute, *values in warehouse.query(
            "select minute, buy_volume, sell_volume, agg_trade_count, trade_count, max_trade_size from gold.trade_flow"
        )
    }
    # Aggregates 96 to 101 fall into minute 16, half of them of each side; number 150, in minute 25, was revised to 7.
    assert flow[MIDNIGHT + 16 * MINUTE] == [Decimal("0.75"), Decimal("0.75"), 6, 12, Decimal("0.25")]
    assert flow[MIDNIGHT + 25 * MINUTE] == [Decimal("0.75"), Decimal("7.5"), 6, 12, Decimal(7)]


def test_a_build_without_new_loads_changes_nothing(built):
    warehouse, _ = built
    before = warehouse.contents()
    warehouse.build(models_only=True)
    assert warehouse.contents() == before


def test_data_tests_look_at_old_rows_only_when_asked(built, tmp_path):
    damaged = built[0].copy(tmp_path / "damaged")
    damaged.query("insert into gold.ohlcv from gold.ohlcv limit 1")
    damaged.build("--select", "ohlcv")
    with pytest.raises(AssertionError, match="ohlcv_key_is_unique"):
        damaged.build("--select", "ohlcv", "--vars", "full_tests: true")


def test_a_failed_data_test_fails_again_until_it_is_mended(built, tmp_path):
    damaged = built[0].copy(tmp_path / "damaged")
    damaged.query("update stg.load_watermarks set tested_load_id = '0' where model_name = 'klines'")
    damaged.query("insert into silver.klines from silver.klines limit 1")
    for _ in range(2):
        with pytest.raises(AssertionError, match="klines_key_is_unique"):
            damaged.build("--select", "klines")


def test_runs_of_old_loads_are_left_alone_whichever_dataset_is_loaded(new_warehouse):
    """Each build is given one more day of aggregates; what it does not look at stays as it was damaged."""
    warehouse = new_warehouse()

    def build(day, **tables):
        if day:
            warehouse.query("update silver.trade_runs set last_id = 99")
        aggregates = [agg_trade(number, day * 86_400 + number) for number in (10 * day, 10 * day + 1)]
        warehouse.load(f"17637000{day:02}.5", agg_trades=aggregates, **tables)
        warehouse.build("--select", "+trade_runs", models_only=True)
        found = warehouse.query("select dataset, day, last_id from silver.trade_runs order by all")
        return [(dataset, (start - MIDNIGHT).days, last_id) for dataset, start, last_id in found]

    assert build(0) == [("agg_trades", 0, 1)]
    first_trades = {"trades": [trade(5), trade(6)]}
    assert build(1, **first_trades) == [("agg_trades", 0, 99), ("agg_trades", 1, 11), ("trades", 0, 6)]
    old = [("agg_trades", 0, 99), ("agg_trades", 1, 99)]
    assert build(2) == [*old, ("agg_trades", 2, 21), ("trades", 0, 99)]
    assert build(3) == [*old, ("agg_trades", 2, 99), ("agg_trades", 3, 31), ("trades", 0, 99)]

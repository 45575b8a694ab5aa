"""What is compared, and what of it differs: klines, trades and the exchange's longer klines against each other."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from test_models_revisions import archive_file

DAY = datetime(2024, 3, 4, tzinfo=timezone.utc)
"""A Monday."""
MINUTE = timedelta(minutes=1)
UNIT = Decimal("0.00000001")
MODELS = ("--resource-type", "model", "--select", "+reconciliation", "+reconciliation_summary")

# Trade n is made n * 20 s after midnight: three a minute, but none in minutes 6 and 7. Buys take 0.5, sales 0.25.
TIMES = [20 * number for number in range(90) if number // 3 not in (6, 7)]
PRICES = [Decimal(100 + number % 4) for number in range(len(TIMES))]


def trade(number, **changes):
    """A trade; each third one is a sale into a bid."""
    quantity = Decimal("0.25") if number % 3 == 2 else Decimal("0.5")
    return {
        "market": "spot",
        "symbol": "BTCUSDT",
        "trade_id": 1_000 + number,
        "price": PRICES[number],
        "quantity": quantity,
        "quote_quantity": PRICES[number] * quantity,
        "trade_time": DAY + timedelta(seconds=TIMES[number]),
        "is_buyer_maker": number % 3 == 2,
        "source": "rest",
        **changes,
    }


def agg_trade(number, **changes):
    """The aggregate of one trade, with an id of its own."""
    one = {key: value for key, value in trade(number).items() if key not in ("trade_id", "quote_quantity")}
    ids = {"agg_trade_id": 500 + number, "first_trade_id": 1_000 + number, "last_trade_id": 1_000 + number}
    return {**one, **ids, **changes}


def kline(minute, interval="1m", minutes=1, **changes):
    """The candle of the trades from a minute on, worked out trade by trade."""
    inside = [n for n, seconds in enumerate(TIMES) if minute <= seconds // 60 < minute + minutes]
    before = [n for n, seconds in enumerate(TIMES) if seconds // 60 < minute]
    trades = [trade(number) for number in inside]
    prices = [one["price"] for one in trades] or [PRICES[before[-1]]]
    buys = [one for one in trades if not one["is_buyer_maker"]]
    return {
        "market": "spot",
        "symbol": "BTCUSDT",
        "interval": interval,
        "open_time": DAY + minute * MINUTE,
        "open": prices[0],
        "high": max(prices),
        "low": min(prices),
        "close": prices[-1],
        "volume": sum((one["quantity"] for one in trades), Decimal(0)),
        "close_time": DAY + (minute + minutes) * MINUTE - timedelta(milliseconds=1),
        "quote_volume": sum((one["quote_quantity"] for one in trades), Decimal(0)),
        "trade_count": len(trades),
        "taker_buy_volume": sum((one["quantity"] for one in buys), Decimal(0)),
        "taker_buy_quote_volume": sum((one["quote_quantity"] for one in buys), Decimal(0)),
        "source": "rest",
        **changes,
    }


def covered(dataset, start, end, interval=None, symbol="BTCUSDT"):
    """A line of series_periods: nothing that the exchange has between these seconds after midnight is missing."""
    return {
        "series": "|".join(["spot", symbol, *([interval] if interval else [])]),
        "market": "spot",
        "dataset": dataset,
        "symbol": symbol,
        "interval": interval,
        "state": "covered",
        "period_start": DAY + timedelta(seconds=start),
        "period_end": DAY + timedelta(seconds=end),
        "recorded_at": DAY + timedelta(days=1),
    }


def differences(warehouse):
    return warehouse.query(
        """select check_name, symbol, "interval", (epoch(open_time)::bigint - epoch(?)::bigint) // 60, column_name,
        left_value, right_value, difference from gold.reconciliation where row_key is null order by all""",
        DAY,
    )


def summary(warehouse):
    found = warehouse.query(
        """select check_name, symbol, "interval", sum(compared)::bigint, sum(differing)::bigint
        from gold.reconciliation_summary where check_name like 'klines%' group by all"""
    )
    return {(check, symbol, interval): (compared, differing) for check, symbol, interval, compared, differing in found}


def contents(warehouse):
    models = ("silver.trade_minutes", "silver.agg_trade_minutes", "gold.reconciliation", "gold.reconciliation_summary")
    return {model: warehouse.query(f"select * from {model} order by all") for model in models}


def assert_equals_a_full_refresh(warehouse, folder):
    refreshed = warehouse.copy(folder)
    refreshed.build(*MODELS, "--full-refresh")
    assert contents(refreshed) == contents(warehouse)


# The window of each interval in which the half hour of the Monday lies: how many minutes before midnight it opens.
LONGER = {
    "3m": 0, "5m": 0, "15m": 0, "30m": 0, "1h": 0, "2h": 0, "4h": 0, "6h": 0, "8h": 0, "12h": 0, "1d": 0,
    "3d": 1_440, "1w": 0, "1M": 3 * 1_440,
}  # fmt: skip


def longer_klines(symbol):
    """The windows of all longer intervals that hold minute 0, of a market that traded from there on for 30 minutes."""
    minutes = {"3m": 3, "5m": 5, "15m": 15}
    return [
        kline(0, interval, minutes.get(interval, 30), symbol=symbol, open_time=DAY - earlier * MINUTE)
        for interval, earlier in LONGER.items()
    ]


# A minute that traded has a volume of 1.25: 3 of them, 5, 15 less the two in which nothing traded, and 30 less these.
NEW_VOLUMES = {"3m": "3.75", "5m": "6.25", "15m": "16.25"}


@pytest.fixture(scope="module")
def agreeing(new_warehouse):
    """Symbols of which all agrees, each of them covered otherwise."""
    warehouse = new_warehouse()
    minutes = [kline(minute) for minute in range(30) if minute != 29]
    early = [number for number, seconds in enumerate(TIMES) if seconds < 360]
    warehouse.load(
        "1763700000.1",
        klines=[
            *minutes,
            *(kline(minute, "5m", 5) for minute in range(0, 30, 5)),
            *(kline(minute, "3m", 3) for minute in range(0, 30, 3)),
            kline(0, "30m", 30),
            # Nothing traded after minute 5, as minute 6 says.
            *(kline(minute, symbol="QUIETUSDT") for minute in range(6)),
            *(kline(6, symbol="QUIETUSDT", open_time=DAY + minute * MINUTE) for minute in range(6, 29)),
            # Nothing is recorded of what is covered.
            *({**one, "symbol": "OLDUSDT"} for one in minutes),
            # An outage in minutes 6 and 7, in a covered window; and where it is not known whether there is more.
            *(kline(minute, symbol=symbol) for symbol in ("HALTUSDT", "HOLEUSDT") for minute in (5, 8, 9)),
            *(kline(5, "5m", 5, symbol=symbol) for symbol in ("HALTUSDT", "HOLEUSDT")),
            # Listed at midnight.
            *(kline(minute, symbol="NEWUSDT") for minute in range(30)),
            *longer_klines("NEWUSDT"),
        ],
        trades=[
            *(trade(number) for number, seconds in enumerate(TIMES) if seconds < 1_210),
            *(trade(number, symbol="QUIETUSDT") for number in early),
            # Two runs of ids: seconds 0 to 340, and 600 to 1,000; from 10 on, number 24 is second 600.
            *(trade(number, symbol="OLDUSDT") for number in [*early, *range(24, 45)]),
        ],
        agg_trades=[
            *(agg_trade(number) for number, seconds in enumerate(TIMES) if seconds >= 70),
            # An aggregate id that stands for nothing, between aggregates whose trades follow each other.
            *(agg_trade(number, symbol="OLDUSDT", agg_trade_id=number + (number > 20)) for number in range(10, 40)),
        ],
        series_periods=[
            covered("klines", 0, 29 * 60, "1m"),
            covered("trades", 0, 1_210),
            covered("agg_trades", 70, 1_800),
            covered("trades", 0, 400, symbol="QUIETUSDT"),
            covered("klines", 0, 1_800, "1m", "HALTUSDT"),
            covered("klines", 0, 310, "1m", "HOLEUSDT"),
            covered("klines", -90 * 86_400, 90 * 86_400, "1m", "NEWUSDT"),
        ],
    )
    warehouse.build(*MODELS)
    return warehouse


COMPARED = {
    # Minutes 0 to 19 are whole in trades, 2 to 28 in aggregates; 29 has no kline, nor have the windows that hold it.
    ("klines_against_trades", "BTCUSDT", "1m"): 20,
    ("klines_against_agg_trades", "BTCUSDT", "1m"): 27,
    ("klines_against_minutes", "BTCUSDT", "3m"): 9,
    ("klines_against_minutes", "BTCUSDT", "5m"): 5,
    ("klines_against_trades", "QUIETUSDT", "1m"): 6,
    # Minutes 1 to 4, and 11 to 15: number 44 is second 1,000, in minute 16.
    ("klines_against_trades", "OLDUSDT", "1m"): 4 + 5,
    # Aggregates of numbers 10 (second 200, minute 3) to 39 (minute 15), with minutes 6 and 7 between: 4 to 14.
    ("klines_against_agg_trades", "OLDUSDT", "1m"): 11,
    ("klines_against_minutes", "HALTUSDT", "5m"): 1,
    **{("klines_against_minutes", "NEWUSDT", interval): 1 for interval in LONGER},
}


def test_what_agrees_is_counted_and_leaves_no_row(agreeing):
    assert differences(agreeing) == []
    assert summary(agreeing) == {key: (count, 0) for key, count in COMPARED.items()}


def of_trades(check, minute, **columns):
    return [
        (check, "BTCUSDT", "1m", minute, name, Decimal(left), Decimal(right), Decimal(left) - Decimal(right))
        for name, (left, right) in columns.items()
    ]


def of_minutes(interval, minute, column, left, right, symbol="BTCUSDT"):
    values = (Decimal(left), Decimal(right), Decimal(left) - Decimal(right))
    return ("klines_against_minutes", symbol, interval, minute, column, *values)


# Trades 9 to 11, of minute 3: 0.5 + 0.5 + 0.25. Trades 24 to 26, of minute 10, at 100, 101 and 102, of which the second
# is missing. Trades 30 and 31, of minute 12, buy 0.5 each at 102 and 103, and the first one is said to be a sale.
# The candle of minute 15 for 5 minutes is a unit too high; minute 7, of no trade, has a volume.
TRADES, AGG_TRADES = "klines_against_trades", "klines_against_agg_trades"
PLANTED = sorted(
    [
        *of_trades(TRADES, 3, volume=("1.25000001", "1.25")),
        *of_trades(AGG_TRADES, 3, volume=("1.25000001", "1.25")),
        of_minutes("3m", 3, "volume", "3.75", "3.75000001"),
        of_minutes("5m", 0, "volume", "6.25", "6.25000001"),
        *of_trades(TRADES, 7, volume=("0.00000001", "0")),
        *of_trades(AGG_TRADES, 7, volume=("0.00000001", "0")),
        of_minutes("3m", 6, "volume", "1.25", "1.25000001"),
        of_minutes("5m", 5, "volume", "3.75", "3.75000001"),
        *of_trades(
            TRADES,
            10,
            volume=("1.25", "0.75"),
            quote_volume=("126", "75.5"),
            trade_count=("3", "2"),
            taker_buy_volume=("1", "0.5"),
            taker_buy_quote_volume=("100.5", "50"),
        ),
        *of_trades(AGG_TRADES, 12, taker_buy_volume=("1", "0.5"), taker_buy_quote_volume=("102.5", "51.5")),
        of_minutes("5m", 15, "high", "103.00000001", "103"),
    ]
)
WRONG_KLINES = [
    kline(3, volume=Decimal("1.25") + UNIT),
    kline(7, volume=UNIT),
    kline(15, "5m", 5, high=103 + UNIT),
]
DIFFERING = {
    ("klines_against_trades", "BTCUSDT", "1m"): 3,
    ("klines_against_agg_trades", "BTCUSDT", "1m"): 3,
    ("klines_against_minutes", "BTCUSDT", "3m"): 2,
    ("klines_against_minutes", "BTCUSDT", "5m"): 3,
}


KLINES_FILE = "data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-03-04.zip"
TRADES_FILE = "data/spot/monthly/trades/BTCUSDT/BTCUSDT-trades-2024-03.zip"
ARCHIVE = [
    (KLINES_FILE, "klines", 1_709_510_460_000, "close", "101.00000000", "102.00000001"),
    (KLINES_FILE, "klines", 1_709_510_520_000, "open_time", "2024-03-04 00:02:00+00:00", None),
    (TRADES_FILE, "trades", 1_025, "is_buyer_maker", "True", "False"),
    (TRADES_FILE, "trades", 1_025, "trade_time", "2024-03-04 00:00:01+00:00", "2024-03-04 00:00:01.000250+00:00"),
]

KLINES_MONTHLY = "data/spot/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2024-03.zip"
FILES = [
    archive_file(KLINES_FILE, rows_compared=1_000),
    # A month and its first day begin together.
    archive_file(KLINES_MONTHLY, rows_compared=500),
    archive_file(KLINES_FILE.replace("03-04", "03-01"), status="begun", rows_compared=40),
    # A version that did not count took this one's sample.
    archive_file(TRADES_FILE),
    # Nothing of these was compared that counts.
    archive_file(KLINES_FILE.replace("03-04", "03-05"), status="compared"),
    archive_file(KLINES_FILE.replace("03-04", "03-06"), status="quarantined", rows_compared=7),
    archive_file(KLINES_FILE.replace("03-04", "03-07"), rows_compared=0),
    archive_file(KLINES_FILE.replace("03-04", "03-08")),
]


@pytest.fixture(scope="module")
def planted(agreeing, tmp_path_factory):
    """The same, with a trade less from the beginning, and values that later loads have brought wrong."""
    warehouse = agreeing.copy(tmp_path_factory.mktemp("planted") / "planted")
    for table in ("staging.trades", "silver.trades"):
        warehouse.query(f"delete from {table} where symbol = 'BTCUSDT' and trade_id = 1025")
    # A further version of a trade of the same minute makes that minute be looked at.
    warehouse.load(
        "1763700000.2",
        klines=WRONG_KLINES,
        trades=[trade(24)],
        agg_trades=[agg_trade(30, is_buyer_maker=True)],
        archive_files=FILES,
        archive_disagreements=[
            {
                "path": path,
                "market": "spot",
                "dataset": dataset,
                "symbol": "BTCUSDT",
                "interval": "1m" if dataset == "klines" else None,
                "row_key": key,
                "column_name": column,
                "archive_value": left,
                "other_value": right,
                "other_source": "rest",
                "found_at": DAY,
            }
            for path, dataset, key, column, left, right in ARCHIVE
        ],
    )
    warehouse.build(*MODELS)
    return warehouse


def test_each_planted_difference_is_a_row_with_both_values(planted):
    assert sorted(differences(planted)) == PLANTED
    assert summary(planted) == {key: (count, DIFFERING.get(key, 0)) for key, count in COMPARED.items()}


def test_what_the_load_found_in_samples_of_the_archive_is_there_as_numbers(planted):
    found = planted.query(
        """select check_name, left_source, right_source, open_time, row_key, column_name, left_value, right_value,
        difference from gold.reconciliation where row_key is not null order by row_key, column_name"""
    )
    klines = ("archive_klines_against_sample", KLINES_FILE, "rest")
    trades = ("archive_trades_against_sample", TRADES_FILE, "rest", None, 1_025)
    second = Decimal(1_709_510_401)
    quarter = Decimal("0.00025")
    assert found == [
        (*trades, "is_buyer_maker", 1, 0, 1),
        (*trades, "trade_time", second, second + quarter, -quarter),
        (*klines, DAY + MINUTE, 1_709_510_460_000, "close", 101, Decimal("102.00000001"), Decimal("-1.00000001")),
        (*klines, DAY + 2 * MINUTE, 1_709_510_520_000, "open_time", Decimal(1_709_510_520), None, None),
    ]


def test_rows_of_the_archive_that_were_compared_are_counted_whether_they_differ_or_not(planted):
    counted = planted.query(
        """select check_name, "interval", day, compared, differing from gold.reconciliation_summary
        where check_name like 'archive%' order by all"""
    )
    assert counted == [
        ("archive_klines_against_sample", "1m", DAY - timedelta(days=3), 540, 0),
        ("archive_klines_against_sample", "1m", DAY, 1_000, 2),
        ("archive_trades_against_sample", None, DAY - timedelta(days=3), None, 1),
    ]


def test_differences_warn(planted):
    with pytest.raises(AssertionError, match=f"reconciliation_is_empty: .*{len(PLANTED) + len(ARCHIVE)} results"):
        planted.build("--resource-type", "test", "--select", "reconciliation_is_empty")


def test_later_loads_mend_what_differed_and_compare_what_is_covered_anew(planted, tmp_path):
    warehouse = planted.copy(tmp_path / "mended")
    warehouse.query("delete from staging.series_periods where symbol = 'QUIETUSDT'")
    warehouse.load(
        "1763700000.3",
        klines=[
            kline(3),
            kline(7),
            kline(15, "5m", 5),
            kline(29),
            kline(1, symbol="NEWUSDT", volume=Decimal("1.25") + UNIT),
        ],
        trades=[trade(25)],
        agg_trades=[agg_trade(30)],
        # Nothing more of QUIETUSDT has come, but that nothing was traded up to minute 28 is known by now.
        series_periods=[covered("trades", 0, 28 * 60, symbol="QUIETUSDT")],
    )
    warehouse.build(*MODELS)
    assert sorted(differences(warehouse)) == sorted(
        of_minutes(interval, -earlier, "volume", volume, Decimal(volume) + UNIT, "NEWUSDT")
        for interval, earlier in LONGER.items()
        for volume in [NEW_VOLUMES.get(interval, "35")]
    )
    assert summary(warehouse) == {
        **{key: (count, 0) for key, count in COMPARED.items()},
        **{("klines_against_minutes", "NEWUSDT", interval): (1, 1) for interval in LONGER},
        ("klines_against_trades", "QUIETUSDT", "1m"): (28, 0),
        ("klines_against_agg_trades", "BTCUSDT", "1m"): (28, 0),
        ("klines_against_minutes", "BTCUSDT", "3m"): (10, 0),
        ("klines_against_minutes", "BTCUSDT", "5m"): (6, 0),
        ("klines_against_minutes", "BTCUSDT", "30m"): (1, 0),
    }
    assert_equals_a_full_refresh(warehouse, tmp_path / "refreshed")

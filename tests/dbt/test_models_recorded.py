"""The models on real data: what is rolled up equals what the exchange itself published."""

import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from conftest import utc

FIELDS = (
    "open, high, low, close, volume, close_time, quote_volume, trade_count, taker_buy_volume, taker_buy_quote_volume"
)
# The halt of 2023-03-24: the last candle before it opens 12:39, the first after it 14:00; no symbol traded in between.
HALT = [datetime(2023, 3, 24, 12, 40, tzinfo=timezone.utc) + timedelta(minutes=minute) for minute in range(80)]


@pytest.fixture(scope="module")
def recorded(new_warehouse, recorded_klines, recordings):
    """Recorded 1m klines of March 2023, built in two loads, beside the exchange's own longer klines."""
    warehouse = new_warehouse()
    warehouse.load("1763700000.1", klines=recorded_klines("BTCUSDT", "1m", "*2023-03-*"))
    warehouse.build(models_only=True)
    trades = json.loads(next((recordings / "trades/rest_aggtrades").glob("BTCUSDT-*.json")).read_text())
    warehouse.load(
        "1763700100.1",
        klines=[
            *recorded_klines("ETHUSDT", "1m", "*2023-03-*"),
            *recorded_klines("BTCUSDT", "1m", "*2020-01-02.zip", "klines_1m/vision_spot_daily_with_checksum"),
        ],
        agg_trades=[
            {
                "market": "spot",
                "symbol": "BTCUSDT",
                "agg_trade_id": trade["a"],
                "price": Decimal(trade["p"]),
                "quantity": Decimal(trade["q"]),
                "first_trade_id": trade["f"],
                "last_trade_id": trade["l"],
                "trade_time": utc(trade["T"]),
                "is_buyer_maker": trade["m"],
                "source": "recording",
            }
            for trade in trades
        ],
    )
    warehouse.build()
    warehouse.load(
        "1763700200.1",
        klines=[
            kline
            for symbol in ("BTCUSDT", "ETHUSDT")
            for interval in ("15m", "1h", "1d")
            if (symbol, interval) != ("BTCUSDT", "1d")
            for kline in recorded_klines(symbol, interval, "*2023-03-*")
        ],
    )
    return warehouse


def test_every_recorded_kline_is_valid(recorded):
    assert recorded.query("select * from silver.rejected_klines") == []
    assert recorded.query("select symbol, count(*) from silver.klines group by symbol order by symbol") == [
        ("BTCUSDT", 44560 + 1440),
        ("ETHUSDT", 24400),
    ]


@pytest.mark.parametrize(
    ("symbol", "interval", "windows"),
    [
        # 9 days of 96 quarters of an hour less the 5 quarters (12:45 to 13:45) in which the exchange was down.
        ("BTCUSDT", "15m", 9 * 96 - 5),
        ("ETHUSDT", "15m", 9 * 96 - 5),
        # Whole days less the hour of 13:00; ETHUSDT has minutes from the 15th on.
        ("BTCUSDT", "1h", 31 * 24 - 1),
        ("ETHUSDT", "1h", 17 * 24 - 1),
        ("ETHUSDT", "1d", 17),
    ],
)
def test_rolled_up_windows_equal_the_exchanges_own_candles_in_every_field(recorded, symbol, interval, windows):
    published = f"""
        select open_time, {FIELDS} from staging.klines
        where symbol = '{symbol}' and "interval" = '{interval}'
        and open_time >= (select min(open_time) from silver.klines
            where symbol = '{symbol}' and "interval" = '1m' and open_time >= '2023-03-01')
    """
    rolled_up = f"""
        select open_time, {FIELDS} from gold.ohlcv
        where symbol = '{symbol}' and "interval" = '{interval}'
        and open_time::date in (select open_time::date from ({published}))
    """
    assert recorded.query(f"select count(*) from ({rolled_up})") == [(windows,)]
    assert recorded.query(f"({published}) except ({rolled_up})") == []
    assert recorded.query(f"({rolled_up}) except ({published})") == []


@pytest.mark.parametrize(("interval", "minutes"), [("5m", 5), ("15m", 15), ("1h", 60), ("4h", 240), ("1d", 1440)])
def test_the_windows_of_the_halt_and_no_others_are_incomplete(recorded, interval, minutes):
    length = timedelta(minutes=minutes)
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
    missing = {}
    for minute in HALT:
        start = minute - (minute - epoch) % length
        missing[start] = missing.get(start, 0) + 1
    expected = [
        (start, minutes, minutes - gone, (minutes - gone) / minutes)
        for start, gone in sorted(missing.items())
        if gone < minutes
    ]
    incomplete = recorded.query(
        f"""select open_time, minutes_expected, minutes_present, completeness from gold.ohlcv
        where symbol = 'BTCUSDT' and "interval" = '{interval}' and not is_complete order by open_time"""
    )
    assert incomplete == expected


def test_the_candle_cut_short_by_the_halt_is_flagged_and_kept(recorded):
    flagged = recorded.query(
        "select symbol, open_time from silver.klines where is_close_time_irregular order by symbol"
    )
    assert flagged == [(symbol, HALT[0] - timedelta(minutes=1)) for symbol in ("BTCUSDT", "ETHUSDT")]
    assert recorded.query("select count(*) from silver.klines where is_off_grid") == [(0,)]


def test_a_days_summary_equals_the_exchanges_daily_candle(recorded):
    fields = "open, high, low, close, volume, quote_volume, trade_count"
    assert (
        recorded.query(
            f"""select day, {fields} from gold.daily_summary where symbol = 'ETHUSDT'
        except select open_time, {fields} from staging.klines where symbol = 'ETHUSDT' and "interval" = '1d'"""
        )
        == []
    )
    assert recorded.query("select count(*) from gold.daily_summary where symbol = 'ETHUSDT'") == [(17,)]


def test_flow_of_recorded_aggregate_trades_equals_the_minutes_klines(recorded):
    # The page of 1,000 aggregates begins in minute 15:10 and ends in 15:18: the seven minutes between are whole.
    compared = recorded.query(
        """select
            klines.volume = flow.buy_volume + flow.sell_volume,
            klines.taker_buy_volume = flow.buy_volume,
            klines.quote_volume = flow.buy_quote_volume + flow.sell_quote_volume,
            klines.taker_buy_quote_volume = flow.buy_quote_volume,
            klines.trade_count = flow.trade_count
        from silver.klines
        inner join gold.trade_flow as flow on klines.symbol = flow.symbol and klines.open_time = flow.minute
        where flow.minute > '2020-01-02 15:10:00+00' and flow.minute < '2020-01-02 15:18:00+00'"""
    )
    assert compared == [(True,) * 5] * 7


def test_recorded_klines_agree_with_recorded_trades_and_with_the_exchanges_own_longer_klines(recorded, tmp_path):
    warehouse = recorded.copy(tmp_path / "reconciled")
    warehouse.build("--resource-type", "model", "--select", "+reconciliation", "+reconciliation_summary")
    assert warehouse.query("select * from gold.reconciliation") == []
    compared = warehouse.query(
        """select check_name, symbol, "interval", sum(compared) from gold.reconciliation_summary group by all
        order by all"""
    )
    # Whole minutes of the page of aggregates; longer windows of which every minute is there. The halt cut 13:00 off
    # altogether, and left the windows of 12:30, 12:00 and the day incomplete: nothing says that no more is to be had.
    assert compared == [
        ("klines_against_agg_trades", "BTCUSDT", "1m", 7),
        ("klines_against_minutes", "BTCUSDT", "15m", 9 * 96 - 6),
        ("klines_against_minutes", "BTCUSDT", "1h", 31 * 24 - 2),
        ("klines_against_minutes", "ETHUSDT", "15m", 9 * 96 - 6),
        ("klines_against_minutes", "ETHUSDT", "1d", 16),
        ("klines_against_minutes", "ETHUSDT", "1h", 17 * 24 - 2),
    ]

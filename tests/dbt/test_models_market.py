"""Venues side by side, futures and balances, by numbers that were reckoned by hand."""

from datetime import timedelta
from decimal import Decimal

import pytest
from market_rows import (
    DAY,
    account_trade,
    agg_trade,
    at,
    balance,
    candle,
    covered,
    funding,
    instrument,
    interest,
    kline,
    mark,
    product,
    symbol,
    ticker,
)

BIG = "99999999999999999999.99999999"
FINE = "0.000000000000000001"


@pytest.fixture(scope="module")
def market(new_warehouse):
    """One load of each pipeline, and a later one that a crash has left without an entry."""
    warehouse = new_warehouse(whole=True)
    warehouse.load(
        "1763700000.1",
        symbols=[
            symbol("BTCUSDT", "BTC", "USDT"),
            symbol("SHIBUSDT", "SHIB", "USDT"),
            symbol("ADABTC", "ADA", "BTC"),
            symbol("USDTTRY", "USDT", "TRY"),
            symbol("XYZETH", "XYZ", "ETH"),
            symbol("BTCUSDT", "BTC", "USDT", market="um", contract_type="PERPETUAL"),
            symbol("BTCUSDT_240329", "BTC", "USDT", market="um", contract_type="CURRENT_QUARTER"),
            symbol("1000SHIBUSDT", "1000SHIB", "USDT", market="um", contract_type="PERPETUAL"),
        ],
        klines=[
            kline("BTCUSDT", 0, "100 104 99 102", "3", "303"),
            kline("BTCUSDT", 1, "102 102 102 102", "0"),
            kline("BTCUSDT", 2, "102 103 101 103", "1"),
            kline("BTCUSDT", 3, "103 103 103 103", "0"),
            kline("BTCUSDT", 0, "500 500 500 500", "7", market="um"),
            kline("ADABTC", 2, "0.01 0.01 0.01 0.01", "5"),
            kline("USDTTRY", 2, "32 32 32 32", "5"),
            kline("GONEUSDT", 0, "1 1 1 1", "1"),
            kline(
                "SHIBUSDT",
                0,
                f"{FINE[:10]} {BIG} {FINE[:10]} {FINE[:10]}".replace("0.00000000", "0.00000001"),
                BIG,
                "1",
            ),
        ],
        tickers_24h=[ticker("BTCUSDT", 3, "999"), ticker("XYZETH", 3, "2"), ticker("ADABTC", 3, "9")],
        mark_price_klines=[
            mark("BTCUSDT", 0, "102.51"),
            mark("BTCUSDT", 1, "101.49"),
            mark("BTCUSDT", 2, "103.206"),
            mark("BTCUSDT", 9, "500"),
            mark("BTCUSDT", 0, "300", interval="1d", close_time=at(24) - timedelta(milliseconds=1)),
            mark("BTCUSDT_240329", 2, "104.03"),
            mark("1000SHIBUSDT", 0, "9"),
        ],
        funding_rates=[
            funding("BTCUSDT", 0, "0.0001", funding_interval_hours=8, mark_price=Decimal("100")),
            funding("BTCUSDT", 8, "0.0002", mark_price=Decimal("101")),
            funding("BTCUSDT", 12, "-0.0005"),
            funding("BTCUSDT", 13, "0.0004", mark_price=Decimal("103")),
            funding("ALICEUSDT", 4, "0.0003"),
            funding("ALICEUSDT", 24 + 5, "0.0001"),
            funding("ALICEUSDT", 24 + 9, "0.0001"),
        ],
        open_interest=[
            interest("BTCUSDT", "5m", 0, "100.5", "10050"),
            interest("BTCUSDT", "5m", 5, "120", "11000"),
            interest("BTCUSDT", "5m", 10, "90.25", "12000"),
            interest("BTCUSDT", "5m", 15, "110.55", "9000"),
            interest("BTCUSDT", "1h", 60, "999", "999"),
            interest("BTCUSDT", "1h", 24 * 60, "110", "9100"),
        ],
        account_balances=[
            balance(3, "USDT", "50", "10"),
            balance(3, "BTC", "0.5", "0.5"),
            balance(3, "ADA", "100"),
            balance(3, "TRY", "640"),
            balance(3, "XYZ", "4"),
            balance(3, "NFT", "1"),
        ],
        account_trades=[account_trade(1, "101")],
        # Between the two a trade of the insurance fund is left out, which the candle has.
        agg_trades=[agg_trade(1, 10, 0), agg_trade(2, 12, 0)],
        series_periods=[
            covered("klines", "um", interval="1m"),
            covered("agg_trades", "um", first_id=1, end_id=3),
            covered("account_trades", "spot", first_id=1, end_id=9),
        ],
    )
    warehouse.load(
        "1763700010.1",
        coinbase_products=[product("BTC-USD", "BTC", "USD"), product("BTC-USDT", "BTC", "USDT")],
        coinbase_candles=[
            candle("BTC-USDT", 0, "101 105 100 104", "1"),
            candle("BTC-USD", 0, "101 105 100 104.5", "2"),
            candle("SHIB-USDT", 0, "1 1 1 1", "1"),
            candle("BTC-USDT", 4, "101 99 100 104", "1"),
        ],
    )
    warehouse.load(
        "1763700020.1",
        okx_instruments=[
            instrument("BTC-USDT", "BTC", "USDT"),
            instrument("SHIB-USDT", "SHIB", "USDT"),
            instrument("BTC-USDT-SWAP", None, None, kind="SWAP"),
        ],
        okx_candles=[
            candle("BTC-USDT", 0, "100 106 98 101", "6", quote_volume=Decimal("612")),
            candle("BTC-USDT", 1, "101 101 101 101", "0", quote_volume=Decimal("0")),
            candle("BTC-USDT", 2, f"103 103 102.{FINE[2:]} 103", "0.5", quote_volume=Decimal("51.5")),
            candle("BTC-USDT", 0, "100 106 98 101", "6", quote_volume=Decimal("612"), interval="2d"),
            candle("BTC-USDT-SWAP", 0, "1 1 1 1", "1", quote_volume=Decimal("1"), contracts=Decimal("1")),
        ],
    )
    warehouse.load(
        "1763700020.9",
        complete=False,
        okx_candles=[candle("BTC-USDT", 0, "7 7 7 7", "7", quote_volume=Decimal("7"))],
        funding_rates=[funding("BTCUSDT", 8, "0.7")],
        account_trades=[account_trade(1, "777")],
    )
    warehouse.build()
    return warehouse


def test_series_without_metadata_or_not_of_a_spot_market_are_left_out_and_named(market):
    assert market.query(
        "select venue, venue_symbol, left_out from silver.candle_series where symbol is null order by 1"
    ) == [
        ("binance", "GONEUSDT", "the venue's metadata do not have the symbol"),
        ("coinbase", "SHIB-USDT", "the venue's metadata do not have the symbol"),
        ("okx", "BTC-USDT-SWAP", "not traded on a spot market: SWAP"),
    ]


def test_candles_of_all_venues_have_the_symbols_of_their_metadata(market):
    rows = market.query(
        'select venue, symbol, venue_symbol, "interval", count(*) from silver.candles group by all order by all'
    )
    assert rows == [
        ("binance", "ADA-BTC", "ADABTC", "1m", 1),
        ("binance", "BTC-USDT", "BTCUSDT", "1m", 4),
        ("binance", "SHIB-USDT", "SHIBUSDT", "1m", 1),
        ("binance", "USDT-TRY", "USDTTRY", "1m", 1),
        ("coinbase", "BTC-USD", "BTC-USD", "1m", 1),
        ("coinbase", "BTC-USDT", "BTC-USDT", "1m", 1),
        ("okx", "BTC-USDT", "BTC-USDT", "1m", 3),
        ("okx", "BTC-USDT", "BTC-USDT", "2d", 1),
    ]


def test_values_of_every_width_arrive_exactly(market):
    assert market.query(
        "select high, low, volume, quote_volume, trade_count from silver.candles where venue_symbol = 'SHIBUSDT'"
    ) == [(Decimal(BIG), Decimal("0.00000001"), Decimal(BIG), Decimal(1), 1)]
    assert market.query("select low from silver.candles where venue = 'okx' and open_time = ?", at(minutes=2)) == [
        (Decimal(f"102.{FINE[2:]}"),)
    ]


def test_other_venues_have_what_they_give_and_close_with_their_interval(market):
    assert market.query(
        'select venue, "interval", quote_volume, trade_count, close_time from silver.candles'
        " where symbol = 'BTC-USDT' and open_time = ? order by all",
        DAY,
    ) == [
        ("binance", "1m", Decimal(303), 1, at(minutes=1) - timedelta(milliseconds=1)),
        ("coinbase", "1m", None, None, at(minutes=1) - timedelta(milliseconds=1)),
        ("okx", "1m", Decimal(612), None, at(minutes=1) - timedelta(milliseconds=1)),
        ("okx", "2d", Decimal(612), None, at(48) - timedelta(milliseconds=1)),
    ]


def test_venues_are_weighed_by_volume_and_missing_ones_count_for_nothing(market):
    rows = market.query(
        """select open, high, low, close, volume, quote_volume, vwap, spread_bps, n_venues, n_venues_traded,
            binance_close, coinbase_close, okx_close, binance_volume, coinbase_volume, okx_volume
        from gold.cross_exchange_ohlcv where symbol = 'BTC-USDT' and "interval" = '1m' order by open_time"""
    )
    three, two_idle, two, one = rows
    # Minute 0: (100 x 3 + 101 x 1 + 100 x 6) / 10; (102 x 3 + 104 x 1 + 101 x 6) / 10; vwap of Binance and OKX:
    # (303 + 612) / (3 + 6); from 101 to 104 is 3 / 101.
    assert three[:7] == pytest.approx((100.1, 106, 98, 101.6, 10, 915, 915 / 9), abs=1e-12)
    assert three[7] == pytest.approx(297.02970297, abs=1e-7)
    assert three[8:] == (3, 3, 102, 104, 101, 3, 1, 6)
    # Minute 1: nothing traded, Coinbase has no candle; the mean of 102 and 101.
    assert two_idle[:6] == (101.5, 102, 101, 101.5, 0, 0)
    assert two_idle[6] is None
    assert two_idle[7] == pytest.approx(99.00990099, abs=1e-7)
    assert two_idle[8:] == (2, 0, 102, None, 101, 0, None, 0)
    # Minute 2: both close at 103.
    assert two[3:9] == (103, Decimal("1.5"), Decimal("154.5"), 103, 0, 2)
    # Minute 3: Binance alone.
    assert one[3:10] == (103, 0, 0, None, None, 1, 0)
    assert one[10:] == (103, None, None, 0, None, None)


def test_a_venue_alone_has_no_vwap_where_it_gives_no_value(market):
    assert market.query(
        "select close, volume, quote_volume, vwap, n_venues from gold.cross_exchange_ohlcv where symbol = 'BTC-USD'"
    ) == [(104.5, Decimal(2), None, None, 1)]


def test_funding_intervals_are_those_between_settlements(market):
    assert market.query("select symbol, funding_time, interval_hours from silver.funding_rates order by 1, 2") == [
        ("ALICEUSDT", at(4), None),
        ("ALICEUSDT", at(29), None),
        ("ALICEUSDT", at(33), 4),
        ("BTCUSDT", at(0), 8),
        ("BTCUSDT", at(8), 8),
        ("BTCUSDT", at(12), 4),
        ("BTCUSDT", at(13), 1),
    ]


def test_funding_of_a_day_is_annualised_by_the_hours_it_is_for(market):
    rows = market.query("select * exclude (_dlt_load_id) from gold.funding_daily order by symbol, day")
    # 0.0001 + 0.0002 - 0.0005 + 0.0004 over 8 + 8 + 4 + 1 hours.
    assert rows[2][:5] == ("BTCUSDT", DAY, Decimal("0.0002"), 4, 21)
    assert rows[2][5:7] == pytest.approx((5.25, 0.0002 / 21 * 8760), abs=1e-12)
    assert rows[2][7:] == (at(13), Decimal("0.0004"), Decimal(103))
    assert rows[0] == ("ALICEUSDT", DAY, Decimal("0.0003"), 1, None, None, None, at(4), Decimal("0.0003"), None)
    # Of two settlements one is timed: 0.0001 over 4 hours.
    assert rows[1][2:5] == (Decimal("0.0002"), 2, 4)
    assert rows[1][5:7] == pytest.approx((4, 0.219), abs=1e-12)


def test_open_interest_of_a_day_is_that_of_its_finest_period(market):
    assert market.query("select * exclude (_dlt_load_id) from gold.open_interest_daily order by day") == [
        (
            *("BTCUSDT", DAY, "5m", Decimal("100.5"), Decimal(120), Decimal("90.25"), Decimal("110.55")),
            *(Decimal(10050), Decimal(12000), Decimal(9000), Decimal(9000), Decimal("10.05")),
            *(pytest.approx(0.1, abs=1e-12), 4, 288),
        ),
        ("BTCUSDT", at(24), "1h", *[Decimal(110)] * 4, *[Decimal(9100)] * 4, Decimal(0), 0, 1, 24),
    ]


def test_basis_is_that_of_the_open_times_that_both_have(market):
    perpetual, quarter = market.query("select * exclude (_dlt_load_id) from gold.basis_daily order by symbol")
    # 0.51 of 102 is 50 bp, -0.51 is -50, and 0.206 of 103 is 20.
    assert perpetual[:10] == (
        *("BTCUSDT", DAY, "BTCUSDT", "1m", 3, at(minutes=2)),
        *map(Decimal, ("103.206", "103", "0.206")),
        pytest.approx(0.206 / 3, abs=1e-12),
    )
    assert perpetual[10:12] == (Decimal("-0.51"), Decimal("0.51"))
    assert perpetual[12:] == pytest.approx((20, 20 / 3, -50, 50), abs=1e-9)
    assert quarter[:3] == ("BTCUSDT_240329", DAY, "BTCUSDT")
    assert quarter[12] == pytest.approx(100, abs=1e-9)
    assert market.query(
        "select symbol, contract_type, spot_symbol from gold.dim_symbols where market = 'um' order by 1"
    ) == [
        ("1000SHIBUSDT", "PERPETUAL", None),
        ("BTCUSDT", "PERPETUAL", "BTCUSDT"),
        ("BTCUSDT_240329", "CURRENT_QUARTER", "BTCUSDT"),
    ]


def test_balances_are_valued_by_the_best_path_and_listed_without_one(market):
    rows = market.query(
        "select asset, total, price_usdt, price_path, price_time, value_usdt, weight"
        " from gold.portfolio_balances order by 1"
    )
    last_close = at(minutes=3) - timedelta(milliseconds=1)
    # 60 + 103 + 100 x 0.01 x 103 + 640 / 32 = 286. The minute that is open at the snapshot does not count, nor does a
    # ticker where there is a kline; nothing leads from ETH to USDT.
    assert rows == [
        ("ADA", 100, pytest.approx(1.03), "ADABTC * BTCUSDT", last_close, pytest.approx(103), pytest.approx(103 / 286)),
        ("BTC", 1, 103, "BTCUSDT", last_close, 103, pytest.approx(103 / 286)),
        ("NFT", 1, None, "unpriced", None, None, None),
        ("TRY", 640, 1 / 32, "1/USDTTRY", last_close, 20, pytest.approx(20 / 286)),
        ("USDT", 60, 1, "USDT", at(minutes=3), 60, pytest.approx(60 / 286)),
        ("XYZ", 4, None, "unpriced", None, None, None),
    ]


def test_own_trades_are_those_of_complete_loads(market):
    assert market.query("select trade_id, order_id, price, quote_quantity from silver.account_trades") == [
        (1, 10, Decimal(101), Decimal(202))
    ]


def test_trades_of_futures_are_neither_held_against_candles_nor_missed_where_the_exchange_leaves_them_out(market):
    assert market.query("select market, count(*) from gold.trade_flow group by all") == [("um", 1)]
    assert market.query("select * from silver.trade_gaps") == []
    assert market.query("select * from gold.reconciled_agg_trade_days") == []
    assert market.query("select * from gold.reconciliation") == []
    assert market.query("select close from gold.ohlcv where market = 'um' and \"interval\" = '1h'") == [(500,)]


def test_a_venue_whose_metadata_change_goes_from_one_symbol_to_another(market, tmp_path):
    changed = market.copy(tmp_path / "changed")
    changed.query("delete from staging.okx_instruments where symbol = 'BTC-USDT'")
    changed.load("1763700030.1", okx_instruments=[instrument("BTC-USDT", "XBT", "USDT")])
    changed.build("--select", "candle_series", "candles", "cross_exchange_ohlcv", models_only=True)
    assert changed.query(
        """select symbol, open_time, n_venues, binance_close, coinbase_close, okx_close
        from gold.cross_exchange_ohlcv where symbol in ('BTC-USDT', 'XBT-USDT') and "interval" = '1m' order by 1, 2"""
    ) == [
        ("BTC-USDT", at(minutes=0), 2, 102, 104, None),
        ("BTC-USDT", at(minutes=1), 1, 102, None, None),
        ("BTC-USDT", at(minutes=2), 1, 103, None, None),
        ("BTC-USDT", at(minutes=3), 1, 103, None, None),
        ("XBT-USDT", at(minutes=0), 1, None, None, 101),
        ("XBT-USDT", at(minutes=1), 1, None, None, 101),
        ("XBT-USDT", at(minutes=2), 1, None, None, 103),
    ]

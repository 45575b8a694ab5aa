"""Trades and aggregate trades: ids, grouping, bounds, tombstones."""

from decimal import Decimal

import pytest


def test_trade_ids_run_from_zero_without_a_gap_and_times_never_fall(nasty):
    trades = nasty.trades("SPARSEUSDT")
    assert [trade["id"] for trade in trades] == list(range(len(trades)))
    stamps = [trade["time"] for trade in trades]
    assert stamps == sorted(stamps)
    assert any(stamp % 1000 for stamp in stamps)
    assert all(Decimal(t["quoteQty"]) == Decimal(t["price"]) * Decimal(t["qty"]) for t in trades)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "TINYUSDT", "OUTAGEUSDT"])
def test_an_aggregate_trade_is_the_sum_of_trades_of_one_time_price_and_side(nasty, times, symbol):
    start = times.utc_ms(2024, 12, 12, 23)
    trades = {trade["id"]: trade for trade in nasty.trades_between(symbol, start, start + 3 * times.HOUR)}
    page = nasty.get(
        "aggTrades",
        {"X-MBX-TIME-UNIT": "MICROSECOND"},
        symbol=symbol,
        startTime=start,
        endTime=start + 2 * times.HOUR,
        limit=1000,
    )
    assert len(page) > 50
    next_trade, next_aggregate = page[0]["f"], page[0]["a"]
    for row in page:
        parts = [trades[index] for index in range(row["f"], row["l"] + 1)]
        assert (row["f"], row["a"]) == (next_trade, next_aggregate)
        assert {(part["time"], part["price"], part["isBuyerMaker"]) for part in parts} == {
            (row["T"], row["p"], row["m"])
        }
        assert sum(Decimal(part["qty"]) for part in parts) == Decimal(row["q"])
        assert row["M"] is True
        next_trade, next_aggregate = row["l"] + 1, row["a"] + 1
    assert any(row["l"] > row["f"] for row in page)
    assert len({row["T"] for row in page}) < len(page)


def test_aggregate_ids_run_from_zero_over_the_whole_history(nasty):
    rows, following = [], 0
    while page := nasty.get("aggTrades", symbol="SPARSEUSDT", fromId=following, limit=1000):
        rows += page
        following = page[-1]["a"] + 1
    assert [row["a"] for row in rows] == list(range(len(rows)))
    assert (rows[0]["f"], rows[-1]["l"]) == (0, len(nasty.trades("SPARSEUSDT")) - 1)
    assert nasty.get("aggTrades", symbol="SPARSEUSDT", limit=3) == rows[-3:]
    middle = rows[700]["T"]
    assert nasty.get("aggTrades", symbol="SPARSEUSDT", startTime=middle, limit=4)[0]["T"] == middle
    up_to = nasty.get("aggTrades", symbol="SPARSEUSDT", endTime=middle, limit=2)
    assert up_to[-1]["T"] == middle
    assert up_to == [row for row in rows if row["T"] <= middle][-2:]
    between = nasty.get("aggTrades", symbol="SPARSEUSDT", startTime=middle, endTime=rows[710]["T"], limit=1000)
    assert between == [row for row in rows if middle <= row["T"] <= rows[710]["T"]]


def test_tombstones_hold_an_id_and_nothing_else(nasty, times):
    noon = times.utc_ms(2024, 12, 5, 12)
    page = nasty.get("aggTrades", symbol="TOMBUSDT", startTime=noon, limit=10)
    dead = [row for row in page if row["f"] == -1]
    assert len(dead) == 4
    assert {(row["p"], row["q"], row["l"], row["T"]) for row in dead} == {("0.00000000", "0.00000000", -1, noon)}
    assert [row["a"] for row in page] == list(range(page[0]["a"], page[0]["a"] + 10))
    year_end = nasty.get("aggTrades", symbol="TOMBUSDT", endTime=times.utc_ms(2025, 1, 1) - 1, limit=3)
    assert [row["f"] == -1 for row in year_end] == [False, True, True]
    live = [row for row in page if row["f"] >= 0]
    assert [row["f"] for row in live[1:]] == [row["l"] + 1 for row in live[:-1]]


def test_ids_beyond_the_last_trade_are_empty_and_the_latest_trades_end_before_the_clock(nasty, times):
    latest = nasty.get("trades", symbol="BTCUSDT", limit=5)
    assert nasty.get("historicalTrades", symbol="BTCUSDT", limit=5) == latest
    assert latest[-1]["time"] < times.NOW
    beyond = latest[-1]["id"] + 1
    assert nasty.get("historicalTrades", symbol="BTCUSDT", fromId=beyond) == []
    assert nasty.get("historicalTrades", symbol="BTCUSDT", fromId=2**62) == []
    assert nasty.get("historicalTrades", symbol="BTCUSDT", fromId=beyond - 2) == latest[-2:]


def test_the_day_ticker_is_made_of_the_last_24_hours(nasty, times):
    trades = nasty.trades_between("ETHBTC", times.NOW - times.DAY, times.NOW)
    inside = [t for t in trades if t["time"] >= (times.NOW - times.DAY) * 1000]
    ticker = nasty.get("ticker/24hr", symbol="ETHBTC")
    prices = [Decimal(trade["price"]) for trade in inside]
    volume = sum(Decimal(trade["qty"]) for trade in inside)
    quote = sum(Decimal(trade["quoteQty"]) for trade in inside)
    before = nasty.get("historicalTrades", symbol="ETHBTC", fromId=inside[0]["id"] - 1, limit=1)[0]
    assert (ticker["openTime"], ticker["closeTime"]) == (times.NOW - times.DAY, times.NOW)
    assert (ticker["firstId"], ticker["lastId"], ticker["count"]) == (inside[0]["id"], inside[-1]["id"], len(inside))
    expected = {
        "openPrice": prices[0],
        "highPrice": max(prices),
        "lowPrice": min(prices),
        "lastPrice": prices[-1],
        "lastQty": Decimal(inside[-1]["qty"]),
        "prevClosePrice": Decimal(before["price"]),
        "volume": volume,
        "quoteVolume": quote,
        "priceChange": prices[-1] - prices[0],
    }
    assert {name: Decimal(ticker[name]) for name in expected} == expected
    assert abs(Decimal(ticker["weightedAvgPrice"]) - quote / volume) < Decimal("0.00000001")
    assert abs(Decimal(ticker["priceChangePercent"]) - (prices[-1] / prices[0] - 1) * 100) <= Decimal("0.001")
    mini = nasty.get("ticker/24hr", symbol="ETHBTC", type="MINI")
    assert set(mini) == {
        "symbol", "openPrice", "highPrice", "lowPrice", "lastPrice", "volume", "quoteVolume", "openTime", "closeTime",
        "firstId", "lastId", "count",
    }  # fmt: skip
    assert mini == {name: ticker[name] for name in mini}


def test_prices_and_books_agree_with_the_last_trade(nasty):
    last = nasty.get("trades", symbol="BTCUSDT", limit=1)[0]
    assert nasty.get("ticker/price", symbol="BTCUSDT") == {"symbol": "BTCUSDT", "price": last["price"]}
    book = nasty.get("depth", symbol="BTCUSDT", limit=50)
    bids, asks = ([Decimal(price) for price, _ in book[side]] for side in ("bids", "asks"))
    assert len(bids) == len(asks) == 50
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] < Decimal(last["price"]) <= asks[0]
    best = nasty.get("ticker/bookTicker", symbol="BTCUSDT")
    assert [best["bidPrice"], best["bidQty"]] == book["bids"][0]
    assert [best["askPrice"], best["askQty"]] == book["asks"][0]
    average = nasty.get("avgPrice", symbol="BTCUSDT")
    assert (average["mins"], average["closeTime"]) == (5, last["time"])

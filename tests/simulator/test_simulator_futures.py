"""USD-M futures by REST: contracts, klines, mark prices, aggregate trades, funding, open interest, errors."""

import gzip
import json
from decimal import Decimal
from itertools import pairwise

import pytest

PERPETUALS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "LATEUSDT", "OUTUSDT", "1000TINYUSDT", "币安人生USDT")
NEVER = 4133404800000


@pytest.fixture(scope="module")
def futures(nasty):
    """Ask the futures of the nasty market, whose clock stands at 2025-03-01 12:34:56.789."""

    def ask(path, **params):
        answer = nasty.session.get(f"{nasty.simulator.url}/{path}", params=params, timeout=30)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.content, parse_float=Decimal)

    return ask


def rows_of(futures, path, step_of, start, end, **params):
    """All rows of [start, end], page by page; `step_of` gives the time of a row."""
    rows = []
    while start <= end:
        page = futures(path, startTime=start, endTime=end, **params)
        if not page:
            break
        rows += page
        start = step_of(page[-1]) + 1
    return rows


def truth(nasty, kind, symbol, **more):
    return nasty.simulator.truth(kind, symbol, **more).to_pylist()


def ms(moment):
    return round(moment.timestamp() * 1000)


def test_contracts_have_their_states_types_and_dates(futures, times):
    listed = {row["symbol"]: row for row in futures("fapi/v1/exchangeInfo")["symbols"]}
    shown = {
        name: (row["status"], row["contractType"], row["deliveryDate"], row["onboardDate"])
        for name, row in listed.items()
    }
    first = times.utc_ms(2024, 12, 1)
    assert shown["BTCUSDT"] == ("TRADING", "PERPETUAL", NEVER, first)
    assert shown["LATEUSDT"] == ("TRADING", "PERPETUAL", NEVER, times.utc_ms(2025, 1, 10, 8, 17))
    assert shown["BTCUSDT_250328"] == ("TRADING", "CURRENT_QUARTER", times.utc_ms(2025, 3, 28, 8), first)
    assert shown["BTCUSDT_241227"][0::2] == ("CLOSE", times.utc_ms(2024, 12, 27, 8))
    assert shown["GONEUSDT"] == ("CLOSE", "PERPETUAL", times.utc_ms(2025, 1, 20, 3), first)
    assert shown["ODDUSDT"][1] == "MOON_PERPETUAL"
    assert shown["SOONUSDT"] == ("PENDING_TRADING", "", NEVER, times.utc_ms(2025, 6, 1))
    assert (listed["BTCUSDT_250328"]["pair"], listed["1000TINYUSDT"]["baseAsset"]) == ("BTCUSDT", "1000TINY")
    filters = {entry["filterType"]: entry for entry in listed["BTCUSDT"]["filters"]}
    assert (filters["PRICE_FILTER"]["tickSize"], filters["LOT_SIZE"]["stepSize"]) == ("0.1", "0.001")
    assert listed["BTCUSDT"]["pricePrecision"] != 1


def test_answers_have_the_form_of_recorded_ones(futures, recordings):
    def recorded(name):
        return json.loads(gzip.decompress((recordings / name).read_bytes()))

    info = recorded("exchange_info/um_exchangeInfo_2021-07-22.json.gz")
    ours = futures("fapi/v1/exchangeInfo")
    assert set(info) <= set(ours)
    assert ours["rateLimits"] == info["rateLimits"] or ours["rateLimits"][0]["limit"] == 10**9
    assert set(info["symbols"][0]) == set(ours["symbols"][0])
    ticker = recorded("ticker_24hr/um_ticker_24hr_2024-01-14_all.json.gz")[0]
    assert list(futures("fapi/v1/ticker/24hr", symbol="BTCUSDT")) == list(ticker)
    funding_info = json.loads((recordings / "funding/rest_json/fapi_fundingInfo.json").read_text())[0]
    assert set(futures("fapi/v1/fundingInfo")[0]) == set(funding_info)
    routes = json.loads((recordings / "api_responses/gocryptotrader_binance_public_get.json").read_text())
    for path, params in (
        ("fapi/v1/premiumIndex", {"symbol": "BTCUSDT"}),
        ("fapi/v1/openInterest", {"symbol": "BTCUSDT"}),
        ("fapi/v1/time", {}),
    ):
        theirs = routes[f"/{path}"][0]["data"]
        assert set(futures(path, **params)) == set(theirs)
        assert {name: type(value) for name, value in futures(path, **params).items()} == {
            name: type(value) for name, value in theirs.items()
        }


def test_numbers_have_the_decimals_of_their_steps(futures):
    row = futures("fapi/v1/klines", symbol="BTCUSDT", interval="1h", limit=2)[0]
    assert [len(row[index].partition(".")[2]) for index in (1, 2, 3, 4, 5, 7, 9, 10)] == [1, 1, 1, 1, 3, 4, 3, 4]
    whole = futures("fapi/v1/klines", symbol="SOLUSDT", interval="1h", limit=2)[0]
    assert "." not in whole[5]
    assert len(whole[7].partition(".")[2]) == 2


@pytest.mark.parametrize("symbol", PERPETUALS)
def test_pages_of_klines_are_the_truth(futures, nasty, times, symbol):
    start = times.utc_ms(2025, 1, 10)
    end = times.utc_ms(2025, 1, 16)
    rows = rows_of(futures, "fapi/v1/klines", lambda row: row[0], start, end, symbol=symbol, interval="15m", limit=499)
    expected = truth(nasty, "klines", symbol, interval="15m", market="um", start_ms=start, end_ms=end)
    numbers = ("open", "high", "low", "close", "volume")
    assert [(row[0], row[6], row[8], *map(Decimal, row[1:6]), Decimal(row[7])) for row in rows] == [
        (
            ms(row["open_time"]),
            ms(row["close_time"]),
            row["trade_count"],
            *(row[name] for name in numbers),
            row["quote_volume"],
        )
        for row in expected
    ]


def test_hours_are_made_of_minutes(futures, times):
    start = times.utc_ms(2025, 2, 3, 4)
    minutes = futures(
        "fapi/v1/klines", symbol="ETHUSDT", interval="1m", startTime=start, endTime=start + times.HOUR - 1, limit=99
    )
    hour = futures("fapi/v1/klines", symbol="ETHUSDT", interval="1h", startTime=start, limit=1)[0]
    traded = [row for row in minutes if row[8]]
    assert Decimal(hour[2]) == max(Decimal(row[2]) for row in traded)
    assert Decimal(hour[3]) == min(Decimal(row[3]) for row in traded)
    assert (hour[1], hour[4]) == (traded[0][1], traded[-1][4])
    for column in (5, 7, 9, 10):
        assert Decimal(hour[column]) == sum(Decimal(row[column]) for row in minutes)
    assert hour[8] == sum(row[8] for row in minutes)


def test_aggregate_trades_rebuild_the_klines(futures, times):
    start = times.NOW // times.HOUR * times.HOUR - 5 * times.HOUR
    trades = futures("fapi/v1/aggTrades", symbol="BTCUSDT", startTime=start, endTime=start + times.HOUR - 1, limit=1000)
    assert 0 < len(trades) < 1000
    hour = futures("fapi/v1/klines", symbol="BTCUSDT", interval="1h", startTime=start, limit=1)[0]
    assert Decimal(hour[5]) == sum(Decimal(row["q"]) for row in trades)
    assert Decimal(hour[9]) == sum(Decimal(row["q"]) for row in trades if not row["m"])
    assert (hour[1], hour[4]) == (trades[0]["p"], trades[-1]["p"])
    assert [set(row) for row in trades] == [{"a", "p", "q", "nq", "f", "l", "T", "m"}] * len(trades)
    assert [row["a"] for row in trades] == list(range(trades[0]["a"], trades[0]["a"] + len(trades)))


def test_trade_ids_have_gaps_and_never_overlap(futures, times):
    trades = futures("fapi/v1/aggTrades", symbol="BTCUSDT", limit=1000)
    skipped = [later["f"] - earlier["l"] - 1 for earlier, later in pairwise(trades)]
    assert min(skipped) == 0
    assert 1 <= sum(number > 0 for number in skipped) < 20
    assert trades[-1]["T"] < times.NOW


def test_futures_follow_the_spot_market_closely_but_not_exactly(futures, nasty, times):
    start = times.utc_ms(2025, 2, 1)
    for symbol, spot, factor in (("BTCUSDT", "BTCUSDT", 1), ("BTCUSDT_250328", "BTCUSDT", 1), ("LATEUSDT",) * 2 + (1,)):
        ours = futures("fapi/v1/klines", symbol=symbol, interval="4h", startTime=start, limit=99)
        theirs = {row[0]: Decimal(row[4]) for row in nasty.klines(spot, "4h", start, times.NOW)}
        apart = [abs(Decimal(row[4]) / theirs[row[0]] / factor - 1) for row in ours]
        assert max(apart) < Decimal("0.01")
        assert sum(apart) > 0


def test_mark_prices_have_samples_and_no_volume(futures, times):
    start = times.utc_ms(2025, 2, 3, 4)
    ask = {"symbol": "BTCUSDT", "startTime": start, "endTime": start + times.HOUR - 1}
    minutes = futures("fapi/v1/markPriceKlines", interval="1m", **ask)
    assert len(minutes) == 60
    assert {(row[5], row[7], row[9], row[10], row[11], row[6] - row[0]) for row in minutes} == {
        ("0", "0", "0", "0", "0", 59_999)
    }
    hour = futures("fapi/v1/markPriceKlines", interval="1h", **ask)[0]
    assert hour[8] == sum(row[8] for row in minutes) == 360
    assert (hour[1], hour[4]) == (minutes[0][1], minutes[-1][4])
    assert Decimal(hour[2]) == max(Decimal(row[2]) for row in minutes)
    assert Decimal(hour[3]) == min(Decimal(row[3]) for row in minutes)
    traded = futures("fapi/v1/klines", interval="1h", **ask)[0]
    assert abs(Decimal(traded[4]) / Decimal(hour[4]) - 1) < Decimal("0.01")
    assert len(hour[1].partition(".")[2]) == 8


def test_mark_prices_go_on_through_an_outage(futures, nasty, times):
    start, end = times.utc_ms(2025, 1, 15, 12, 30), times.utc_ms(2025, 1, 15, 14, 30)
    ask = {"symbol": "OUTUSDT", "interval": "1m", "startTime": start, "endTime": end}
    assert len(futures("fapi/v1/markPriceKlines", **ask)) == 121
    traded = futures("fapi/v1/klines", **ask)
    assert len(traded) == 121 - 79
    assert traded[10][6] == times.utc_ms(2025, 1, 15, 12, 40, 27) + 499
    rows = truth(nasty, "mark_price_klines", "OUTUSDT", interval="1m", start_ms=start, end_ms=end)
    assert [ms(row["open_time"]) for row in rows] == list(range(start, end + 1, times.MINUTE))


def test_aggregate_trades_are_kept_for_two_days(futures, times):
    oldest = times.NOW - 2 * times.DAY
    from_start = futures("fapi/v1/aggTrades", symbol="BTCUSDT", startTime=oldest - times.DAY, limit=3)
    assert oldest <= from_start[0]["T"] < oldest + times.HOUR
    assert futures("fapi/v1/aggTrades", symbol="BTCUSDT", fromId=0, limit=3) == from_start
    day_before = oldest - times.DAY
    assert futures("fapi/v1/aggTrades", symbol="BTCUSDT", startTime=day_before, endTime=day_before + times.MINUTE) == []
    few = futures("fapi/v1/aggTrades", symbol="BTCUSDT", endTime=from_start[1]["T"])
    assert few == from_start[: len(few)]
    assert len(few) >= 2


def due_times(times, start, end, hours):
    step = hours * times.HOUR
    return list(range(-(-start // step) * step, end, step))


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT", "SOLUSDT", "LATEUSDT"])
def test_funding_is_paid_on_its_hours_and_dated_some_milliseconds_later(futures, nasty, times, symbol):
    first, changes = times.utc_ms(2024, 12, 1) + 1, {"ETHUSDT": [4], "LATEUSDT": [4]}.get(symbol, [8])
    if symbol == "LATEUSDT":
        first = times.utc_ms(2025, 1, 10, 8, 17)
    expected = due_times(times, first, times.NOW, changes[0])
    if symbol == "SOLUSDT":
        fours, ones = times.utc_ms(2025, 1, 15), times.utc_ms(2025, 2, 10)
        expected = (
            due_times(times, first, fours, 8) + due_times(times, fours, ones, 4) + due_times(times, ones, times.NOW, 1)
        )
    rows = rows_of(
        futures,
        "fapi/v1/fundingRate",
        lambda row: row["fundingTime"],
        times.utc_ms(2024, 12, 1),
        times.NOW,
        symbol=symbol,
        limit=300,
    )
    late = [row["fundingTime"] - due for row, due in zip(rows, expected, strict=True)]
    assert set(late) <= set(range(24))
    assert 0 in late
    assert max(late) > 3
    known = truth(nasty, "funding_rates", symbol)
    assert [ms(row["funding_time"]) for row in known] == expected
    assert [row["funding_rate"] for row in known] == [Decimal(row["fundingRate"]) for row in rows]
    assert [row["mark_price"] for row in known] == [
        Decimal(row["markPrice"]) if row.get("markPrice") else None for row in rows
    ]
    assert [row["rate_type"] for row in known] == [row.get("rateType") for row in rows]


def test_old_payments_have_no_price_or_an_empty_one_and_no_type(futures, times):
    rows = futures("fapi/v1/fundingRate", symbol="BTCUSDT", startTime=0, limit=1000)
    since, typed = times.utc_ms(2024, 12, 10), times.utc_ms(2025, 1, 20)
    assert {row.get("markPrice", "absent") for row in rows if row["fundingTime"] < since} == {"", "absent"}
    assert all(Decimal(row["markPrice"]) > 0 for row in rows if row["fundingTime"] >= since)
    assert {row.get("rateType") for row in rows if row["fundingTime"] < typed} == {None}
    types = {row["rateType"] for row in futures("fapi/v1/fundingRate", limit=1000) if row["fundingTime"] >= typed}
    assert types == {"Regular", "Special"}


def test_the_bounds_of_funding_are_exact_to_the_millisecond(futures):
    rows = futures("fapi/v1/fundingRate", symbol="BTCUSDT", limit=100)
    late = next(row for row in rows if row["fundingTime"] % 1000)
    second = late["fundingTime"] // 1000 * 1000
    ask = {"symbol": "BTCUSDT", "startTime": second - 1000}
    assert futures("fapi/v1/fundingRate", endTime=second, **ask) == []
    assert futures("fapi/v1/fundingRate", endTime=late["fundingTime"], **ask) == [late]


def test_funding_of_all_symbols_comes_by_time_and_delivery_contracts_have_none(futures, times):
    start = times.NOW - times.DAY
    rows = futures("fapi/v1/fundingRate", startTime=start, endTime=times.NOW, limit=1000)
    assert [row["fundingTime"] for row in rows] == sorted(row["fundingTime"] for row in rows)
    assert {"BTCUSDT", "SOLUSDT"} <= {row["symbol"] for row in rows}
    assert futures("fapi/v1/fundingRate", symbol="BTCUSDT_250328", startTime=0) == []


def test_funding_info_has_only_what_is_not_usual(futures):
    hours = {row["symbol"]: row["fundingIntervalHours"] for row in futures("fapi/v1/fundingInfo")}
    assert hours == {"ETHUSDT": 4, "SOLUSDT": 1, "LATEUSDT": 4}


def test_premium_index_of_delivery_contracts_has_empty_funding(futures, times):
    row = futures("fapi/v1/premiumIndex", symbol="BTCUSDT")
    assert (row["nextFundingTime"], row["time"]) == (times.utc_ms(2025, 3, 1, 16), times.NOW)
    assert row["lastFundingRate"] == futures("fapi/v1/fundingRate", symbol="BTCUSDT", limit=1)[0]["fundingRate"]
    minute = futures("fapi/v1/markPriceKlines", symbol="BTCUSDT", interval="1m", limit=1)[0]
    assert row["markPrice"] == minute[4]
    rows = {row["symbol"]: row for row in futures("fapi/v1/premiumIndex")}
    quarterly = rows["BTCUSDT_250328"]
    assert (quarterly["lastFundingRate"], quarterly["interestRate"], quarterly["nextFundingTime"]) == ("", "", 0)
    assert rows["SOLUSDT"]["nextFundingTime"] == times.utc_ms(2025, 3, 1, 13)
    assert not {"GONEUSDT", "BTCUSDT_241227", "SOONUSDT"} & set(rows)


def test_open_interest_has_thirty_days_on_the_grid_of_its_period(futures, nasty, times):
    start = times.NOW - 30 * times.DAY
    rows = rows_of(
        futures,
        "futures/data/openInterestHist",
        lambda row: row["timestamp"],
        start,
        times.NOW,
        symbol="BTCUSDT",
        period="1h",
        limit=500,
    )
    assert [row["timestamp"] for row in rows] == due_times(times, start, times.NOW, 1)
    known = truth(nasty, "open_interest", "BTCUSDT", interval="1h", start_ms=start)
    assert [(ms(row["open_interest_time"]), row["open_interest"], row["open_interest_value"]) for row in known] == [
        (row["timestamp"], Decimal(row["sumOpenInterest"]), Decimal(row["sumOpenInterestValue"])) for row in rows
    ]
    fine = futures("futures/data/openInterestHist", symbol="BTCUSDT", period="5m", endTime=rows[-1]["timestamp"])
    assert len(fine) == 30
    assert fine[-1] == rows[-1]
    now = futures("fapi/v1/openInterest", symbol="BTCUSDT")
    newest = futures("futures/data/openInterestHist", symbol="BTCUSDT", period="5m", limit=1)[0]
    assert Decimal(now["openInterest"]) == Decimal(newest["sumOpenInterest"])
    mark = futures("fapi/v1/markPriceKlines", symbol="BTCUSDT", interval="1m", startTime=newest["timestamp"], limit=1)[
        0
    ]
    value = Decimal(newest["sumOpenInterest"]) * Decimal(mark[1])
    assert abs(value - Decimal(newest["sumOpenInterestValue"])) < Decimal("0.00000001")


def test_tickers_have_no_book_and_are_those_of_the_last_trades(futures, times):
    row = futures("fapi/v1/ticker/24hr", symbol="BTCUSDT")
    assert not {"bidPrice", "askPrice", "bidQty", "askQty", "prevClosePrice"} & set(row)
    last = futures("fapi/v1/aggTrades", symbol="BTCUSDT", limit=1)[0]
    assert (row["lastPrice"], row["lastId"], row["closeTime"]) == (last["p"], last["l"], times.NOW)
    assert row["lastId"] - row["firstId"] + 1 > row["count"] > 0
    assert {"BTCUSDT_250328", "ODDUSDT"} <= {row["symbol"] for row in futures("fapi/v1/ticker/24hr")}


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("fapi/v1/klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": 1501}, -1130),
        ("fapi/v1/klines", {"symbol": "BTCUSDT", "interval": "1s"}, -1120),
        ("fapi/v1/klines", {"symbol": "NOSUCH", "interval": "1m"}, -1121),
        ("fapi/v1/klines", {"symbol": "BTCUSDT", "interval": "1m", "startTime": 2, "endTime": 1}, -1023),
        ("fapi/v1/exchangeInfo", {"symbol": "BTCUSDT"}, -1101),
        ("fapi/v1/aggTrades", {"symbol": "BTCUSDT", "limit": 1001}, -1130),
        ("fapi/v1/aggTrades", {"symbol": "BTCUSDT", "fromId": 1, "startTime": 1}, -1128),
        ("fapi/v1/aggTrades", {"symbol": "BTCUSDT", "startTime": 0, "endTime": 3_600_000}, -1127),
        ("fapi/v1/fundingRate", {"symbol": "BTCUSDT", "limit": 1001}, -1130),
        ("fapi/v1/premiumIndex", {"symbol": "GONEUSDT"}, -4108),
        ("fapi/v1/ticker/24hr", {"symbol": "SOONUSDT"}, -4108),
        ("futures/data/openInterestHist", {"symbol": "BTCUSDT", "period": "10m"}, -1130),
        ("futures/data/openInterestHist", {"symbol": "BTCUSDT", "period": "5m", "limit": 501}, -1130),
        ("futures/data/openInterestHist", {"symbol": "BTCUSDT", "period": "5m", "startTime": 1738240496788}, -1130),
    ],
)
def test_errors_have_their_codes(nasty, path, params, code):
    answer = nasty.session.get(f"{nasty.simulator.url}/{path}", params=params, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_the_last_millisecond_of_a_range_is_taken(futures, nasty, times):
    ask = {"symbol": "BTCUSDT", "startTime": times.NOW - times.HOUR, "limit": 1000}
    whole = futures("fapi/v1/aggTrades", endTime=times.NOW - 1, **ask)
    assert futures("fapi/v1/aggTrades", endTime=whole[-1]["T"], **ask) == whole
    oldest = times.NOW - 30 * times.DAY
    assert futures("futures/data/openInterestHist", symbol="BTCUSDT", period="5m", startTime=oldest, limit=1)
    known = truth(nasty, "agg_trades", "BTCUSDT", market="um", start_ms=times.NOW - times.HOUR, end_ms=times.NOW)
    assert [row["agg_trade_id"] for row in known] == [row["a"] for row in whole]
    assert [ms(row["trade_time"]) for row in known] == [row["T"] for row in whole]


def test_what_does_not_trade_yet_has_no_rows(futures):
    assert futures("fapi/v1/klines", symbol="SOONUSDT", interval="1m") == []
    assert futures("fapi/v1/markPriceKlines", symbol="SOONUSDT", interval="1m") == []
    assert futures("fapi/v1/aggTrades", symbol="SOONUSDT") == []
    assert futures("fapi/v1/fundingRate", symbol="SOONUSDT") == []


def test_rows_end_with_the_contract(futures, times):
    end = times.utc_ms(2025, 1, 20, 3)
    for path in ("klines", "markPriceKlines"):
        rows = futures(f"fapi/v1/{path}", symbol="GONEUSDT", interval="1m", startTime=end - times.HOUR)
        assert [row[0] for row in rows] == list(range(end - times.HOUR, end, times.MINUTE))
    paid = futures("fapi/v1/fundingRate", symbol="GONEUSDT", startTime=end - times.DAY)
    assert [row["fundingTime"] // 1000 * 1000 for row in paid] == due_times(times, end - times.DAY, end, 8)

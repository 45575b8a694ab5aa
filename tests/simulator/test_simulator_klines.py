"""Klines recomputed from the single trades with Decimal, and which klines there are."""

from collections import defaultdict
from datetime import datetime, timezone
from decimal import Decimal

import pytest

MINUTES = {
    "1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240, "6h": 360, "8h": 480, "12h": 720,
    "1d": 1440, "3d": 4320,
}  # fmt: skip
ZERO = Decimal("0.00000000")


def open_of(interval, ms):
    """The open time of the kline that holds a time, by the calendar."""
    if interval == "1s":
        return ms // 1000 * 1000
    day = datetime.fromtimestamp(ms // 1000, timezone.utc).replace(hour=0, minute=0, second=0)
    if interval == "1M":
        return int(day.replace(day=1).timestamp() * 1000)
    if interval == "1w":
        return int(day.timestamp() * 1000) - day.weekday() * 86_400_000
    return ms // (MINUTES[interval] * 60_000) * (MINUTES[interval] * 60_000)


def end_of(interval, opened):
    """The open time of the next kline."""
    if interval == "1s":
        return opened + 1000
    if interval == "1w":
        return opened + 7 * 86_400_000
    if interval == "1M":
        return open_of("1M", opened + 31 * 86_400_000)
    return opened + MINUTES[interval] * 60_000


def bar(trades):
    """Open, high, low, close, volume, quote volume, count, taker buy volume, taker buy quote volume of some trades."""
    prices = [Decimal(trade["price"]) for trade in trades]
    bought = [trade for trade in trades if not trade["isBuyerMaker"]]
    return [
        prices[0],
        max(prices),
        min(prices),
        prices[-1],
        sum((Decimal(trade["qty"]) for trade in trades), ZERO),
        sum((Decimal(trade["price"]) * Decimal(trade["qty"]) for trade in trades), ZERO),
        len(trades),
        sum((Decimal(trade["qty"]) for trade in bought), ZERO),
        sum((Decimal(trade["price"]) * Decimal(trade["qty"]) for trade in bought), ZERO),
    ]


def values(row):
    """The values of a served kline, in the order of bar()."""
    return [*map(Decimal, row[1:6]), Decimal(row[7]), row[8], Decimal(row[9]), Decimal(row[10])]


def assert_klines_are_those_of_the_trades(klines, trades, interval, close_before=None):
    """Check each kline against the trades inside it; without any it is flat at the close before."""
    groups = defaultdict(list)
    for trade in trades:
        groups[open_of(interval, trade["time"] // 1000)].append(trade)
    seen = set()
    for row in klines:
        inside = groups.get(row[0])
        if inside:
            seen.add(row[0])
            assert values(row) == bar(inside), row
        else:
            assert values(row) == [close_before] * 4 + [0] * 5, row
        close_before = Decimal(row[4])
        assert all(len(text.partition(".")[2]) == 8 for text in [*row[1:6], row[7], row[9], row[10]])
        assert row[11] == "0"
    assert seen == set(groups)


ALL_INTERVALS = ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M"]


@pytest.fixture(scope="module")
def sparse_trades(nasty):
    return nasty.trades("SPARSEUSDT")


@pytest.mark.parametrize("interval", ALL_INTERVALS)
def test_every_interval_of_a_whole_history_is_made_of_the_same_trades(nasty, times, sparse_trades, interval):
    listed = times.utc_ms(2024, 12, 1)
    klines = nasty.klines("SPARSEUSDT", interval, 0, times.NOW)
    assert len(sparse_trades) > 1000
    assert_klines_are_those_of_the_trades(klines, sparse_trades, interval)
    expected, opened = [], open_of(interval, listed)
    while opened < times.NOW:
        expected.append([opened, end_of(interval, opened) - 1])
        opened = end_of(interval, opened)
    assert [[row[0], row[6]] for row in klines] == expected


def test_seconds_are_made_of_the_same_trades(nasty, times):
    start = times.utc_ms(2025, 1, 5, 23, 30)
    end = start + 70 * times.MINUTE
    klines = nasty.klines("BTCUSDT", "1s", start, end - 1)
    before = nasty.get("aggTrades", symbol="BTCUSDT", endTime=start - 1, limit=1)[0]
    assert [row[0] for row in klines] == list(range(start, end, 1000))
    assert_klines_are_those_of_the_trades(
        klines, nasty.trades_between("BTCUSDT", start, end), "1s", Decimal(before["p"])
    )


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHBTC", "TINYUSDT", "TOMBUSDT", "币安人生USDT"])
@pytest.mark.parametrize("interval", ["1m", "15m", "4h"])
def test_klines_of_every_kind_of_symbol_are_made_of_its_trades(nasty, times, symbol, interval):
    start = times.utc_ms(2024, 12, 31)
    end = start + 2 * times.DAY
    klines = nasty.klines(symbol, interval, start, end - 1)
    before = nasty.get("aggTrades", symbol=symbol, endTime=start - 1, limit=3)
    close_before = [Decimal(row["p"]) for row in before if row["f"] >= 0][-1:]
    assert len(klines) == 2 * 1440 // MINUTES[interval]
    assert_klines_are_those_of_the_trades(
        klines, nasty.trades_between(symbol, start, end), interval, close_before[0] if close_before else None
    )


def test_prices_of_the_last_decimal_and_volumes_above_ten_trillion_are_exact(nasty, times):
    start = times.utc_ms(2025, 1, 1)
    klines = nasty.klines("TINYUSDT", "1m", start, start + times.DAY - 1)
    assert max(Decimal(row[5]) for row in klines) > 10**13
    assert all(Decimal(row[1]) < Decimal("0.00000100") for row in klines)
    assert all(Decimal(row[5]) == int(Decimal(row[5])) for row in klines)


class TestOutage:
    """An outage from 2024-12-10 04:00 to 2024-12-11 00:30 with a dead start, and one from 12:40:27.5."""

    def rows(self, nasty, times, interval, start, end):
        return nasty.klines("OUTAGEUSDT", interval, times.utc_ms(*start), times.utc_ms(*end) - 1)

    def test_minutes_before_it_are_flat_and_minutes_in_it_are_missing(self, nasty, times):
        rows = self.rows(nasty, times, "1m", (2024, 12, 10, 2), (2024, 12, 11, 2))
        opens = [row[0] for row in rows]
        before = range(times.utc_ms(2024, 12, 10, 2), times.utc_ms(2024, 12, 10, 4), times.MINUTE)
        after = range(times.utc_ms(2024, 12, 11, 0, 30), times.utc_ms(2024, 12, 11, 2), times.MINUTE)
        assert opens == [*before, *after]
        flat = rows[48:120]
        assert {tuple(row[1:5]) for row in flat} == {(rows[47][4],) * 4}
        assert {(row[5], row[7], row[8], row[9], row[10]) for row in flat} == {
            ("0.00000000", "0.00000000", 0, "0.00000000", "0.00000000")
        }
        assert all(row[6] == row[0] + 59_999 for row in rows)

    def test_a_page_jumps_over_it(self, nasty, times):
        start = times.utc_ms(2024, 12, 10, 3, 59)
        page = nasty.get("klines", symbol="OUTAGEUSDT", interval="1m", startTime=start, limit=2)
        assert [row[0] for row in page] == [start, times.utc_ms(2024, 12, 11, 0, 30)]
        latest = nasty.get(
            "klines", symbol="OUTAGEUSDT", interval="1m", endTime=times.utc_ms(2024, 12, 11, 0, 30), limit=2
        )
        assert latest == page

    def test_a_range_inside_it_is_empty(self, nasty, times):
        assert self.rows(nasty, times, "1m", (2024, 12, 10, 4), (2024, 12, 11, 0, 30)) == []

    def test_larger_klines_are_cut_short_or_missing_and_made_of_the_trades_that_there_are(self, nasty, times):
        start, end = times.utc_ms(2024, 12, 10), times.utc_ms(2024, 12, 12)
        trades = nasty.trades_between("OUTAGEUSDT", start, end)
        halt = times.utc_ms(2024, 12, 10, 4)
        hours = self.rows(nasty, times, "1h", (2024, 12, 10), (2024, 12, 12))
        assert [row[0] for row in hours] == [
            *range(start, halt, times.HOUR),
            *range(times.utc_ms(2024, 12, 11), end, times.HOUR),
        ]
        assert_klines_are_those_of_the_trades(hours, trades, "1h")
        eights = self.rows(nasty, times, "8h", (2024, 12, 10), (2024, 12, 12))
        assert [(row[0], row[6]) for row in eights] == [
            (start, halt - 1),
            (times.utc_ms(2024, 12, 11), times.utc_ms(2024, 12, 11, 8) - 1),
            (times.utc_ms(2024, 12, 11, 8), times.utc_ms(2024, 12, 11, 16) - 1),
            (times.utc_ms(2024, 12, 11, 16), end - 1),
        ]
        assert_klines_are_those_of_the_trades(eights, trades, "8h")
        days = self.rows(nasty, times, "1d", (2024, 12, 10), (2024, 12, 12))
        assert [(row[0], row[6]) for row in days] == [(start, halt - 1), (times.utc_ms(2024, 12, 11), end - 1)]
        assert_klines_are_those_of_the_trades(days, trades, "1d")

    def test_one_that_begins_within_a_minute_cuts_that_minute(self, nasty, times):
        rows = self.rows(nasty, times, "1m", (2025, 1, 15, 12, 39), (2025, 1, 15, 14, 2))
        start = times.utc_ms(2025, 1, 15, 12, 39)
        halt = times.utc_ms(2025, 1, 15, 12, 40, 27) + 500
        back = times.utc_ms(2025, 1, 15, 14)
        assert [(row[0], row[6]) for row in rows] == [
            (start, start + 59_999),
            (start + 60_000, halt - 1),
            (back, back + 59_999),
            (back + 60_000, back + 119_999),
        ]
        trades = nasty.trades_between("OUTAGEUSDT", start, back + 120_000)
        assert not [trade for trade in trades if halt * 1000 <= trade["time"] < back * 1000]

    def test_trade_ids_go_on_across_it_without_a_gap(self, nasty, times):
        trades = nasty.trades_between("OUTAGEUSDT", times.utc_ms(2024, 12, 10), times.utc_ms(2024, 12, 12))
        ids = [trade["id"] for trade in trades]
        assert ids == list(range(ids[0], ids[0] + len(ids)))

    def test_a_dead_day_has_all_its_minutes_flat(self, nasty, times):
        rows = self.rows(nasty, times, "1m", (2025, 2, 1), (2025, 2, 2))
        assert len(rows) == 1440
        assert len({tuple(row[1:5]) for row in rows}) == 1
        assert {row[8] for row in rows} == {0}


def test_a_late_listing_begins_in_the_middle_of_a_day(nasty, times):
    listed = times.utc_ms(2025, 1, 10, 8, 17)
    for interval in ("1m", "1h", "1d", "1w", "1M"):
        first = nasty.get("klines", symbol="LATEUSDT", interval=interval, startTime=0, limit=1)
        assert first[0][0] == open_of(interval, listed)
    trade = nasty.get("historicalTrades", symbol="LATEUSDT", fromId=0, limit=1)[0]
    assert (trade["id"], trade["time"]) == (0, listed)


def test_a_delisted_symbol_answers_up_to_its_end(nasty, times):
    ended = times.utc_ms(2025, 1, 20, 3)
    info = nasty.get("exchangeInfo", symbol="GONEUSDT")["symbols"][0]
    assert info["status"] == "BREAK"
    assert nasty.get("klines", symbol="GONEUSDT", interval="1m", limit=1)[0][0] == ended - 60_000
    assert nasty.get("klines", symbol="GONEUSDT", interval="1m", startTime=ended) == []
    ticker = nasty.get("ticker/24hr", symbol="GONEUSDT")
    assert (ticker["firstId"], ticker["lastId"], ticker["count"], ticker["volume"]) == (-1, -1, 0, "0.00000000")


def test_a_halted_symbol_goes_on_flat(nasty, times):
    info = nasty.get("exchangeInfo", symbol="HALTUSDT")["symbols"][0]
    assert info["status"] == "HALT"
    rows = nasty.klines("HALTUSDT", "1h", times.utc_ms(2025, 1, 25, 11), times.NOW)
    assert len(rows) == 35 * 24 + 2
    assert len({tuple(row[1:5]) for row in rows}) == 1
    assert {row[8] for row in rows} == {0}


def test_the_last_kline_is_still_open_and_holds_the_trades_so_far(nasty, times):
    for interval in ("1s", "1m", "5m", "1h", "1d", "3d", "1w", "1M"):
        row = nasty.get("klines", symbol="ETHUSDT", interval=interval, limit=1)[0]
        opened = open_of(interval, times.NOW)
        assert (row[0], row[6]) == (opened, end_of(interval, opened) - 1)
        if interval not in ("1w", "1M"):
            before = nasty.get("aggTrades", symbol="ETHUSDT", endTime=opened - 1, limit=1)[0]["p"]
            trades = nasty.trades_between("ETHUSDT", opened, times.NOW) if interval != "1s" else []
            assert_klines_are_those_of_the_trades([row], trades, interval, Decimal(before))


def test_a_time_zone_moves_the_boundaries(nasty, times):
    start = times.utc_ms(2025, 1, 9, 16)
    page = nasty.get("klines", symbol="ETHBTC", interval="1d", startTime=start, limit=2, timeZone="8")
    assert [(row[0], row[6]) for row in page] == [
        (start, start + times.DAY - 1),
        (start + times.DAY, start + 2 * times.DAY - 1),
    ]
    shifted = [
        {**trade, "time": trade["time"] + 8 * 3_600_000_000}
        for trade in nasty.trades_between("ETHBTC", start, start + 2 * times.DAY)
    ]
    moved = [[row[0] + 8 * times.HOUR, *row[1:]] for row in page]
    assert_klines_are_those_of_the_trades(moved, shifted, "1d")


def test_microseconds_are_asked_for_by_a_header(nasty, times):
    start = times.utc_ms(2025, 1, 9)
    for unit in ("MICROSECOND", "microsecond"):
        row = nasty.get("klines", {"X-MBX-TIME-UNIT": unit}, symbol="BTCUSDT", interval="1m", startTime=start, limit=1)[
            0
        ]
        assert (row[0], row[6]) == (start * 1000, start * 1000 + 59_999_999)


EXCHANGE_DOWN = """
[[outage]]
start = 2025-01-02T06:00:30Z
end = 2025-01-02T09:15:20Z
early_close = false

[[family]]
name = "SYM{}USDT"
count = 2
price = "5"
tick_size = "0.001"
step_size = "0.01"
usual_quantity = "20"
trades_per_minute = 8
listed = 2025-01-01T10:07:00Z
"""


def test_an_outage_of_the_exchange_stops_all_symbols_and_may_leave_close_times_alone(start, times, tmp_path):
    file = tmp_path / "market.toml"
    file.write_text(EXCHANGE_DOWN)
    client = start(market=file, clock="2025-01-02T12:00:00", clock_mode="frozen")
    down, back = times.utc_ms(2025, 1, 2, 6), times.utc_ms(2025, 1, 2, 9, 15)
    for symbol in ("SYM0USDT", "SYM1USDT"):
        rows = client.klines(symbol, "1m", down - times.HOUR, times.utc_ms(2025, 1, 2, 11))
        assert [row[0] for row in rows if down - times.MINUTE <= row[0] <= back + times.MINUTE] == [
            down - times.MINUTE,
            down,
            back,
            back + times.MINUTE,
        ]
        assert {row[6] - row[0] for row in rows} == {59_999}
        trades = client.trades_between(symbol, down - times.HOUR, times.utc_ms(2025, 1, 2, 11))
        assert not [t for t in trades if (down + 30_000) * 1000 <= t["time"] < (back + 20_000) * 1000]
        hours = client.klines(symbol, "1h", down, times.utc_ms(2025, 1, 2, 10))
        assert [row[0] for row in hours] == [down, back - 15 * times.MINUTE, times.utc_ms(2025, 1, 2, 10)]
    assert client.get("exchangeInfo", symbol="SYM0USDT")["symbols"][0]["status"] == "TRADING"
    client.simulator.clock_set(times.utc_ms(2025, 1, 2, 8))
    assert client.get("exchangeInfo", symbol="SYM0USDT")["symbols"][0]["status"] == "HALT"
    assert client.get("klines", symbol="SYM0USDT", interval="1m", limit=1)[0][0] == down

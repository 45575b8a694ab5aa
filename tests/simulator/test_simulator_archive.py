"""The simulated archive: which files there are, and what is in them against the truth."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from archive_reading import microseconds

DAILY, MONTHLY = "data/spot/daily", "data/spot/monthly"
NAME = "币安人生USDT"
FIRST_MICROSECONDS = 1_735_689_600_000_000  # 2025-01-01, from which on spot files are in microseconds
ALL_DAYS = [(datetime(2024, 12, 1, tzinfo=timezone.utc) + timedelta(days=n)).strftime("%Y-%m-%d") for n in range(90)]


@pytest.fixture(scope="module")
def archive(nasty, archive_of):
    return archive_of(nasty)


@pytest.fixture(scope="module")
def moved(start_for_module, archive_of):
    """An archive whose clock a test may set."""
    return archive_of(start_for_module(market="tests", clock="2025-02-01", clock_mode="frozen"))


def bounds(period):
    """First and last millisecond of a day or a month."""
    parts = [int(part) for part in period.split("-")]
    begin = datetime(*parts, *([1] if len(parts) == 2 else []), tzinfo=timezone.utc)
    end = (begin + timedelta(days=1 if len(parts) == 3 else 31)).replace(**({} if len(parts) == 3 else {"day": 1}))
    return microseconds(begin) // 1000, microseconds(end) // 1000 - 1


def in_unit(time, since=FIRST_MICROSECONDS):
    """A time of the truth as files have it: microseconds from 2025 on, truncated milliseconds before."""
    return time if time >= since else time // 1000


def expected_klines(archive, symbol, interval, period):
    rows = []
    for row in archive.simulator.truth("klines", symbol, interval, *bounds(period)).to_pylist():
        opened, closed = microseconds(row["open_time"]), microseconds(row["close_time"])
        # The truth has the last whole millisecond; in microseconds a kline ends with ...999999.
        last = closed + 999 if opened >= FIRST_MICROSECONDS else closed // 1000
        prices = [row[name] for name in ("open", "high", "low", "close", "volume")]
        takers = [row["taker_buy_volume"], row["taker_buy_quote_volume"]]
        rows.append([in_unit(opened), *prices, last, row["quote_volume"], row["trade_count"], *takers, 0])
    return rows


@pytest.mark.parametrize(
    ("symbol", "interval", "day"),
    [
        ("BTCUSDT", "1m", "2024-12-31"),
        ("BTCUSDT", "1m", "2025-01-01"),
        ("BTCUSDT", "1d", "2025-01-31"),
        (NAME, "15m", "2025-01-02"),
        ("TINYUSDT", "1m", "2025-01-07"),
        ("OUTAGEUSDT", "1m", "2024-12-10"),
        ("OUTAGEUSDT", "1h", "2025-01-15"),
        ("OUTAGEUSDT", "1m", "2025-02-01"),
        ("LATEUSDT", "1m", "2025-01-10"),
        ("GONEUSDT", "1s", "2025-01-20"),
        ("SPARSEUSDT", "12h", "2025-01-05"),
    ],
)
def test_daily_klines_are_the_truth(archive, symbol, interval, day):
    rows = archive.rows(f"{DAILY}/klines/{symbol}/{interval}/{symbol}-{interval}-{day}.zip")
    assert rows == expected_klines(archive, symbol, interval, day)
    assert {len(row) for row in rows} == {12}


@pytest.mark.parametrize(
    ("symbol", "interval", "month"),
    [("BTCUSDT", "1m", "2024-12"), ("OUTAGEUSDT", "30m", "2025-01"), ("ETHBTC", "1d", "2025-02")],
)
def test_monthly_klines_are_the_truth_and_their_days_together(archive, symbol, interval, month):
    name = f"{symbol}-{interval}-{month}"
    rows = archive.rows(f"{MONTHLY}/klines/{symbol}/{interval}/{name}.zip")
    assert rows == expected_klines(archive, symbol, interval, month)
    days = [day for day in ALL_DAYS if day.startswith(month)]
    keys = [f"{DAILY}/klines/{symbol}/{interval}/{symbol}-{interval}-{day}.zip" for day in days]
    assert [row for key in keys for row in archive.rows(key)] == rows


@pytest.mark.parametrize(
    ("interval", "month", "days"),
    [
        # The last week and the last three days of a month end after its files are made, and are in no file.
        ("1w", "2024-12", [2, 9, 16, 23]),
        ("1w", "2025-01", [6, 13, 20]),
        ("3d", "2025-01", [3, 6, 9, 12, 15, 18, 21, 24, 27]),
        ("1mo", "2024-12", [1]),
        ("1mo", "2025-01", [1]),
        ("1d", "2025-02", list(range(1, 29))),
    ],
)
def test_monthly_files_hold_what_opened_in_the_month_and_was_closed(archive, times, interval, month, days):
    rows = archive.rows(f"{MONTHLY}/klines/BTCUSDT/{interval}/BTCUSDT-{interval}-{month}.zip")
    year, number = (int(part) for part in month.split("-"))
    unit = 1000 if year >= 2025 else 1
    assert [row[0] for row in rows] == [times.utc_ms(year, number, day) * unit for day in days]
    by_open = {row[0]: row for row in expected_klines(archive, "BTCUSDT", interval.replace("mo", "M"), month)}
    assert rows == [by_open[row[0]] for row in rows]


def test_lines_are_as_the_archive_writes_them(archive):
    lines = archive.lines(f"{DAILY}/klines/BTCUSDT/1m/BTCUSDT-1m-2025-01-01.zip")
    assert lines[0][0] == "1735689600000000"
    assert lines[-1][6] == "1735775999999999"
    assert {len(cell.partition(".")[2]) for line in lines for cell in (*line[1:6], line[7], *line[9:11])} == {8}
    assert {line[11] for line in lines} == {"0"}
    before = archive.lines(f"{DAILY}/klines/BTCUSDT/1m/BTCUSDT-1m-2024-12-31.zip")
    assert (before[0][0], before[-1][6]) == ("1735603200000", "1735689599999")


@pytest.mark.parametrize("day", ["2024-12-05", "2024-12-31", "2025-01-01"])
def test_trades_are_the_truth(archive, day):
    for symbol in ("TOMBUSDT", NAME):
        truth = archive.simulator.truth("trades", symbol, None, *bounds(day)).to_pylist()
        rows = archive.rows(f"{DAILY}/trades/{symbol}/{symbol}-trades-{day}.zip")
        assert rows == [
            [
                *(row[name] for name in ("trade_id", "price", "quantity", "quote_quantity")),
                in_unit(microseconds(row["trade_time"])),
                row["is_buyer_maker"],
                True,
            ]
            for row in truth
        ]


@pytest.mark.parametrize("day", ["2024-12-05", "2024-12-31", "2025-01-01"])
def test_aggregate_trades_are_the_truth_with_tombstones(archive, day):
    truth = archive.simulator.truth("agg_trades", "TOMBUSDT", None, *bounds(day), tombstones=True).to_pylist()
    rows = archive.rows(f"{DAILY}/aggTrades/TOMBUSDT/TOMBUSDT-aggTrades-{day}.zip")
    assert rows == [
        [
            *(row[name] for name in ("agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id")),
            in_unit(microseconds(row["trade_time"])),
            row["is_buyer_maker"],
            True,
        ]
        for row in truth
    ]
    buried = {"2024-12-05": 4, "2024-12-31": 2, "2025-01-01": 0}[day]
    assert [row[1:5] for row in rows].count([Decimal(0), Decimal(0), -1, -1]) == buried


def test_booleans_and_tombstones_are_written_as_the_archive_does(archive):
    lines = archive.lines(f"{DAILY}/aggTrades/TOMBUSDT/TOMBUSDT-aggTrades-2024-12-31.zip")
    assert lines[-1][1:] == ["0.00000000", "0.00000000", "-1", "-1", "1735689599999", "False", "True"]
    assert {line[6] for line in lines} == {"True", "False"}


@pytest.mark.parametrize("kind", ["trades", "aggTrades"])
def test_monthly_trades_are_their_days_together(archive, kind):
    for month in ("2024-12", "2025-01"):
        key = f"{MONTHLY}/{kind}/SPARSEUSDT/SPARSEUSDT-{kind}-{month}.zip"
        days = [name for name in archive.zips(f"{DAILY}/{kind}/SPARSEUSDT/") if f"-{month}-" in name]
        together = [line for name in days for line in archive.lines(f"{DAILY}/{kind}/SPARSEUSDT/{name}")]
        assert archive.lines(key) == together
        assert len(days) == 31


def test_a_file_exists_for_each_period_with_rows(archive):
    def days(kind, symbol, interval=""):
        names = archive.zips(f"{DAILY}/{kind}/{symbol}/{interval}")
        return [name[-14:-4] for name in names]

    assert days("klines", "BTCUSDT", "1m/") == ALL_DAYS
    assert days("klines", "BTCUSDT", "1d/") == ALL_DAYS
    assert days("trades", "BTCUSDT") == ALL_DAYS
    assert days("klines", "OUTAGEUSDT", "1h/") == ALL_DAYS
    assert days("aggTrades", "OUTAGEUSDT") == [day for day in ALL_DAYS if day != "2025-02-01"]
    assert days("klines", "LATEUSDT", "1m/") == [day for day in ALL_DAYS if day >= "2025-01-10"]
    assert days("klines", "GONEUSDT", "1m/") == [day for day in ALL_DAYS if day <= "2025-01-20"]
    assert days("trades", "HALTUSDT") == [day for day in ALL_DAYS if day <= "2025-01-25"]
    assert days("klines", "HALTUSDT", "4h/") == ALL_DAYS
    assert archive.zips(f"{MONTHLY}/klines/LATEUSDT/1w/") == ["LATEUSDT-1w-2025-01.zip", "LATEUSDT-1w-2025-02.zip"]
    assert archive.zips(f"{MONTHLY}/trades/GONEUSDT/") == ["GONEUSDT-trades-2024-12.zip", "GONEUSDT-trades-2025-01.zip"]


def test_days_on_which_the_exchange_was_down_have_no_file(start, archive_of, tmp_path):
    market = tmp_path / "down.toml"
    market.write_text(
        """seed = 3
[[outage]]
start = 2025-01-02T12:00:00Z
end = 2025-01-05T06:00:00Z
[[symbol]]
name = "BTCUSDT"
base_asset = "BTC"
quote_asset = "USDT"
price = "82000"
tick_size = "0.01"
step_size = "0.00001"
usual_quantity = "0.35"
trades_per_minute = 1
listed = 2025-01-01
"""
    )
    archive = archive_of(start(market=market, clock="2025-01-07T12:00:00", clock_mode="frozen"))
    names = [f"BTCUSDT-1m-2025-01-0{day}.zip" for day in (1, 2, 5, 6)]
    assert archive.zips(f"{DAILY}/klines/BTCUSDT/1m/") == names
    assert len(archive.lines(f"{DAILY}/klines/BTCUSDT/1m/{names[1]}")) == 12 * 60
    assert archive.get(f"{DAILY}/klines/BTCUSDT/1m/BTCUSDT-1m-2025-01-03.zip").status_code == 404
    assert archive.folders(f"{MONTHLY}/") == []


def test_folders_are_those_of_the_archive(archive):
    assert archive.folders("") == ["data"]
    assert archive.folders("data/") == ["futures", "spot"]
    assert archive.folders("data/spot/") == ["daily", "monthly"]
    assert archive.folders(f"{DAILY}/") == ["aggTrades", "klines", "trades"]
    listed = archive.folders(f"{DAILY}/klines/")
    assert listed == sorted(listed, key=str.encode)
    assert {"BTCUSDT", "GONEUSDT", "LATEUSDT", NAME} <= set(listed)
    daily = {"1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d"}
    assert set(archive.folders(f"{DAILY}/klines/BTCUSDT/")) == daily
    assert set(archive.folders(f"{MONTHLY}/klines/BTCUSDT/")) == daily | {"3d", "1w", "1mo"}
    assert archive.folders(f"{DAILY}/trades/BTCUSDT/") == []
    assert archive.folders(f"{DAILY}/klines/NOPEUSDT/") == []


@pytest.mark.parametrize(
    "key",
    [
        f"{DAILY}/klines/NOPEUSDT/1m/NOPEUSDT-1m-2025-01-01.zip",
        f"{DAILY}/klines/BTCUSDT/1w/BTCUSDT-1w-2025-01-06.zip",
        f"{DAILY}/klines/BTCUSDT/1M/BTCUSDT-1M-2025-01-06.zip",
        f"{DAILY}/klines/BTCUSDT/1m/BTCUSDT-1m-2024-11-30.zip",
        f"{DAILY}/klines/BTCUSDT/1m/BTCUSDT-1m-2025-02-30.zip",
        f"{DAILY}/klines/BTCUSDT/1m/BTCUSDT-5m-2025-01-01.zip",
        f"{DAILY}/klines/BTCUSDT/1m/BTCUSDT-1m-2025-01.zip",
        f"{DAILY}/klines/BTCUSDT/1m/ETHUSDT-1m-2025-01-01.zip",
        f"{DAILY}/klines/BTCUSDT/1m/BTCUSDT-1m-2025-03-01.zip",
        f"{DAILY}/trades/BTCUSDT/BTCUSDT-aggTrades-2025-01-01.zip",
        f"{MONTHLY}/klines/BTCUSDT/1m/BTCUSDT-1m-2025-03.zip",
        "data/futures/cm/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2025-01-01.zip",
    ],
)
def test_what_does_not_exist_is_a_404(archive, key):
    for asked in (key, f"{key}.CHECKSUM"):
        answer = archive.get(asked)
        assert answer.status_code == 404
        assert "<Code>NoSuchKey</Code><Message>The specified key does not exist.</Message>" in answer.text
        assert f"<Key>{asked}</Key>" in answer.text


def test_a_page_holds_what_comes_after_the_marker(archive):
    folder = f"{DAILY}/klines/BTCUSDT/1h/"
    whole = archive.keys(folder)
    assert len(whole) == 180
    found, marker = [], ""
    while True:
        page = archive.page(prefix=folder, marker=marker, max_keys=7)
        found += [entry.key for entry in page.entries]
        if not page.is_truncated:
            break
        assert page.next_marker == found[-1]
        marker = page.next_marker
    assert found == whole
    late = archive.keys(folder, marker=f"{folder}BTCUSDT-1h-2025-02-27.zip.CHECKSUM")
    assert late == [f"{folder}BTCUSDT-1h-2025-02-28.zip", f"{folder}BTCUSDT-1h-2025-02-28.zip.CHECKSUM"]
    march = archive.page(prefix=f"{folder}BTCUSDT-1h-2025-02-0")
    assert len(march.entries) == 18


def test_a_day_and_a_month_appear_when_they_are_published(moved, times):
    day = f"{DAILY}/klines/BTCUSDT/1h/BTCUSDT-1h-2025-01-31.zip"
    month = f"{MONTHLY}/trades/BTCUSDT/BTCUSDT-trades-2025-01.zip"
    for key, moment, listed in (
        (day, times.utc_ms(2025, 2, 1, 5), "05:00:00"),
        (month, times.utc_ms(2025, 2, 1, 8, 6), "08:06:00"),
    ):
        moved.simulator.clock_set(moment - 1)
        assert moved.get(key).status_code == 404
        assert moved.page(prefix=key).entries == []
        moved.simulator.clock_set(moment)
        assert [entry.modified for entry in moved.page(prefix=key).entries] == [f"2025-02-01T{listed}.000Z"] * 2
        answer = moved.get(key)
        assert answer.status_code == 200
        assert answer.headers["Last-Modified"] == f"Sat, 01 Feb 2025 {listed} GMT"


def test_the_delays_can_be_set(start, archive_of, times):
    client = start(
        market="tests",
        clock="2025-02-01T01:30:00",
        clock_mode="frozen",
        archive_daily_delay_hours=1.5,
        archive_monthly_delay_hours=0,
    )
    archive = archive_of(client)
    day = f"{DAILY}/trades/SOLUSDT/SOLUSDT-trades-2025-01-31.zip"
    month = f"{MONTHLY}/trades/SOLUSDT/SOLUSDT-trades-2025-01.zip"
    assert archive.entry(day).modified == "2025-02-01T01:30:00.000Z"
    assert archive.entry(month).modified == "2025-02-01T00:00:00.000Z"
    assert client.simulator.archive_delays() == {
        "daily_delay_hours": 1.5,
        "monthly_delay_hours": 0.0,
        "futures_daily_delay_hours": 8.5,
    }
    client.simulator.archive_delays(daily_delay_hours=48, monthly_delay_hours=1.25)
    assert archive.get(day).status_code == 404
    assert archive.entry(month).modified == "2025-02-01T01:15:00.000Z"
    assert archive.zips(f"{DAILY}/trades/SOLUSDT/")[-1] == "SOLUSDT-trades-2025-01-29.zip"
    for wrong in ({"daily_delay_hours": -1}, {"monthly_delay_hours": "soon"}, {"weekly_delay_hours": 1}):
        with pytest.raises(ValueError, match="hours"):
            client.simulator.archive_delays(**wrong)


def test_a_late_month_holds_the_week_that_ended_after_it(start, archive_of):
    client = start(market="tests", clock="2025-02-09", clock_mode="frozen", archive_monthly_delay_hours=72)
    rows = archive_of(client).rows(f"{MONTHLY}/klines/BTCUSDT/1w/BTCUSDT-1w-2025-01.zip")
    assert [datetime.fromtimestamp(int(row[0]) / 1e6, timezone.utc).day for row in rows] == [6, 13, 20, 27]


def test_the_same_file_has_the_same_bytes_in_another_process(archive, start, archive_of):
    other = archive_of(start(market="tests", clock="2025-02-10T12:00:00"))
    keys = (
        f"{DAILY}/klines/{NAME}/1m/{NAME}-1m-2025-01-31.zip",
        f"{MONTHLY}/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2025-01.zip",
    )
    for key in keys:
        first, second = archive.get(key), other.get(key)
        assert first.content == second.content
        assert (first.headers["ETag"], first.headers["Last-Modified"]) == (
            second.headers["ETag"],
            second.headers["Last-Modified"],
        )


def test_nothing_of_it_is_weighted_and_all_of_it_counted(start, archive_of):
    client = start(market="tests", clock="2025-02-10", clock_mode="frozen", weight_limit=3)
    archive = archive_of(client)
    key = f"{DAILY}/klines/BTCUSDT/1d/BTCUSDT-1d-2025-02-01.zip"
    for _ in range(20):
        assert archive.get(key).status_code == 200
    archive.zips(f"{DAILY}/klines/BTCUSDT/1d/")
    stats = client.simulator.stats()
    assert (stats["weight"], stats["requests_by_path"]) == (0, {f"/{key}": 20, "/s3": 1})
    assert archive.lines(key)[0][0] == "1738368000000000"

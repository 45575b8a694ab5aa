"""Histories out of the archive, with REST for the rest, equal what the exchange holds; and nothing is fetched twice."""

from datetime import datetime

import pytest
from served_archive import assert_traced, assert_trades_equal, days, files, key_of, rest_requests, zips_asked_for

NOW = "2025-02-11T12:00:30"
SYMBOLS = ("BTCUSDT", "OUTAGEUSDT", "LATEUSDT", "GONEUSDT", "TINYUSDT", "币安人生USDT")
INTERVALS = ("1m", "1h", "1d", "3d", "1w", "1M")
# The market begins on 2024-12-01: the start is before any listing.
KLINES = (
    "--datasets", "klines", "--symbols", ",".join(SYMBOLS), "--intervals", ",".join(INTERVALS), "--start", "2024-11-20",
)  # fmt: skip
TRADES = ("--datasets", "trades,agg_trades", "--symbols", "BTCUSDT,TOMBUSDT")
ACROSS_THE_YEARS = ("2024-12-30T06:00:00", "2025-01-02T18:00:00")


@pytest.fixture(scope="module")
def klines(module_project, module_exchange):
    """Everything that the market has of a few symbols, loaded once."""
    module_project.use_archive(module_exchange).load(*KLINES)
    return module_project


def test_klines_of_all_intervals_out_of_archive_and_rest_are_exact(klines, module_truth):
    klines.assert_equals("klines", module_truth("klines", SYMBOLS, "2024-11-20", NOW, INTERVALS))


def test_months_come_from_monthly_files_days_from_daily_ones_and_the_rest_from_rest(klines):
    loaded = set(files(klines, "symbol = 'BTCUSDT' and interval = '1m'"))
    february = [key_of("klines", "BTCUSDT", day, "1m") for day in days("2025-02-01", "2025-02-10")]
    assert loaded == {key_of("klines", "BTCUSDT", month, "1m") for month in ("2024-12", "2025-01")} | set(february)
    by_rest = klines.query(
        "select min(open_time)::varchar from staging.klines "
        "where source = 'rest' and symbol = 'BTCUSDT' and interval = '1m' and open_time >= '2025-02-10'"
    )
    assert by_rest == [("2025-02-11 00:00:00+00",)]


def test_every_kline_leads_to_its_file_and_every_file_to_its_rows(klines, module_exchange):
    assert_traced(klines, module_exchange)


def test_a_second_run_loads_nothing_and_downloads_nothing(klines, exchange):
    rows, known = klines.count("klines"), files(klines)
    klines.load(*KLINES)
    assert (klines.count("klines"), files(klines)) == (rows, known)
    assert zips_asked_for(exchange) == {}


def test_the_next_day_adds_its_file_and_its_tail(klines, exchange, truth):
    exchange.clock_advance(24 * 3600)
    klines.load(*KLINES[:-2])
    klines.assert_equals("klines", truth("klines", SYMBOLS, "2024-11-20", "2025-02-12T12:00:30", INTERVALS))
    assert set(zips_asked_for(exchange)) <= {key for key in files(klines) if key.endswith("2025-02-11.zip")}


@pytest.mark.parametrize("source", ["auto", "archive"])
def test_trades_are_exact_across_the_change_of_the_time_unit(project, exchange, truth, source):
    symbols, period = ["BTCUSDT", "TOMBUSDT"], ACROSS_THE_YEARS
    exchange.clock_set(datetime(2025, 1, 4, 12))  # noqa: DTZ001 - UTC
    options = (*TRADES, "--start", period[0], "--end", period[1], "--source", source)
    project.use_archive(exchange).load(*options)
    for table in ("trades", "agg_trades"):
        assert_trades_equal(project, table, truth(table, symbols, *period))
    assert_traced(project, exchange)
    assert bool(rest_requests(exchange)) == (source == "auto")
    exchange.reset_stats()
    project.load(*options)
    assert zips_asked_for(exchange) == {}
    for table in ("trades", "agg_trades"):
        assert_trades_equal(project, table, truth(table, symbols, *period))


def test_tombstones_of_files_are_read_and_left_out(project, exchange, truth):
    day = key_of("aggTrades", "TOMBUSDT", "2024-12-05")
    project.use_archive(exchange).load(
        "--datasets", "agg_trades", "--symbols", "TOMBUSDT", "--start", "2024-12-05", "--end", "2024-12-06"
    )
    expected = truth("agg_trades", ["TOMBUSDT"], "2024-12-05", "2024-12-06")
    assert_trades_equal(project, "agg_trades", expected)
    line = files(project)[day]
    assert (line["row_count"], line["rows_loaded"]) == (expected.num_rows + 4, expected.num_rows)


def test_seconds_of_one_day_and_the_tail_of_the_next(project, exchange, truth):
    exchange.clock_set(datetime(2025, 1, 6, 12))  # noqa: DTZ001 - UTC
    project.use_archive(exchange).load(
        "--datasets", "klines", "--symbols", "ETHBTC", "--intervals", "1s",
        "--start", "2025-01-05", "--end", "2025-01-06T01:00:00",
    )  # fmt: skip
    project.assert_equals("klines", truth("klines", ["ETHBTC"], "2025-01-05", "2025-01-06T01:00:00", ["1s"]))
    assert list(files(project)) == [key_of("klines", "ETHBTC", "2025-01-05", "1s")]

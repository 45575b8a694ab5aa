"""Recorded files, served digit for digit, against an independent reading of the files."""

import csv
import gzip
import io
import json
import zipfile
from decimal import Decimal
from itertools import pairwise

import pytest


@pytest.fixture(scope="module")
def recorded(start_for_module, recordings):
    return start_for_module(recordings=recordings, no_limits=True)


def zipped_rows(files):
    """The rows of daily zips, by open time."""
    rows = {}
    for path in files:
        with zipfile.ZipFile(path) as archive:
            text = archive.read(archive.namelist()[0]).decode()
        for cells in csv.reader(io.StringIO(text)):
            rows[int(cells[0])] = cells
    return rows


def as_wire(cells):
    """A line of an archive file as REST would answer it."""
    return [int(cells[0]), *cells[1:6], int(cells[6]), cells[7], int(cells[8]), *cells[9:12]]


@pytest.mark.parametrize(
    ("folder", "symbol", "interval", "days"),
    [
        ("klines_1m", "BTCUSDT", "1m", 31),
        ("klines_1m", "ETHUSDT", "1m", 17),
        ("klines_15m", "BTCUSDT", "15m", 31),
        ("klines_1h", "ETHUSDT", "1h", 31),
    ],
)
def test_klines_of_the_daily_files_arrive_digit_for_digit(recorded, recordings, folder, symbol, interval, days):
    files = sorted((recordings / folder / "vision_spot_daily" / symbol).glob("*.zip"))
    assert len(files) >= min(days, 10)
    rows = zipped_rows(files)
    opens = sorted(rows)
    served = recorded.klines(symbol, interval, opens[0], opens[-1])
    assert served == [as_wire(rows[opened]) for opened in opens]


def test_the_halt_of_2023_03_24_is_in_them(recorded, times):
    rows = recorded.klines("BTCUSDT", "1m", times.utc_ms(2023, 3, 24, 12), times.utc_ms(2023, 3, 24, 14, 5))
    opens = [row[0] for row in rows]
    gaps = [(a, b) for a, b in pairwise(opens) if b - a > 60_000]
    assert gaps == [(times.utc_ms(2023, 3, 24, 12, 39), times.utc_ms(2023, 3, 24, 14))]
    last = rows[opens.index(times.utc_ms(2023, 3, 24, 12, 39))]
    assert last[6] < last[0] + 59_999


def test_klines_of_rest_answers_arrive_digit_for_digit(recorded, recordings):
    for path in sorted(recordings.glob("klines_*/rest_json/*.json")):
        symbol, interval = path.name.split("-")[:2]
        expected = json.loads(path.read_text())
        by_open = {row[0]: row for row in recorded.klines(symbol, interval, expected[0][0], expected[-1][0])}
        for row in expected:
            served = by_open[row[0]]
            assert [Decimal(text) for text in served[1:6]] == [Decimal(text) for text in row[1:6]]
            assert (served[6], served[7], served[8:]) == (row[6], row[7], row[8:])


def test_the_monthly_hours_arrive_exactly(recorded, recordings):
    for path in sorted((recordings / "klines_1h" / "vision_spot_monthly").glob("BTCUSDT-1h-2023-0[1245].csv")):
        lines = [cells for cells in csv.reader(path.open()) if cells[0].isdigit()]
        served = recorded.klines("BTCUSDT", "1h", int(lines[0][0]), int(lines[-1][0]))
        assert served == [as_wire(cells) for cells in lines]


def test_aggregate_trades_arrive_digit_for_digit(recorded, recordings):
    path = next((recordings / "trades" / "rest_aggtrades").glob("BTCUSDT-*.json"))
    expected = json.loads(path.read_text())
    assert recorded.get("aggTrades", symbol="BTCUSDT", fromId=expected[0]["a"], limit=1000) == expected
    start, end = expected[10]["T"], expected[500]["T"]
    inside = recorded.get("aggTrades", symbol="BTCUSDT", startTime=start, endTime=end, limit=1000)
    assert inside == [row for row in expected if start <= row["T"] <= end]
    truth = recorded.simulator.truth("agg_trades", "BTCUSDT")
    assert truth["agg_trade_id"].to_pylist() == [row["a"] for row in expected]
    assert truth["quantity"].to_pylist() == [Decimal(row["q"]) for row in expected]


def test_all_symbols_and_tickers_are_those_recorded(recorded, recordings):
    path = next((recordings / "exchange_info").glob("spot_*.json.gz"))
    expected = json.loads(gzip.decompress(path.read_bytes()))["symbols"]
    assert len(expected) == 1608
    assert recorded.get("exchangeInfo")["symbols"] == expected
    tickers = json.loads(next((recordings / "ticker_24hr").glob("spot_*.json")).read_text())
    served = {row["symbol"]: row for row in recorded.get("ticker/24hr")}
    assert served == {row["symbol"]: row for row in tickers if row["symbol"] in {s["symbol"] for s in expected}}


def test_the_clock_starts_after_the_newest_kline_and_the_truth_is_all_of_them(recorded, recordings):
    rows = zipped_rows(sorted((recordings / "klines_1m" / "vision_spot_daily" / "BTCUSDT").glob("*.zip")))
    newest = max(max(rows), *(json.loads(path.read_text())[-1][0] for path in recordings.glob("klines_*/rest_json/*")))
    assert newest < recorded.get("time")["serverTime"] < newest + 2 * 86_400_000
    truth = recorded.simulator.truth("klines", "BTCUSDT", "1m")
    assert truth.num_rows == len(rows) == 44_560
    assert truth["quote_volume"].to_pylist() == [Decimal(rows[opened][7]) for opened in sorted(rows)]


def test_what_was_not_recorded_is_empty(recorded):
    assert recorded.get("klines", symbol="ETHBTC", interval="1m") == []
    assert recorded.get("klines", symbol="BTCUSDT", interval="3m") == []
    assert recorded.get("trades", symbol="BTCUSDT") == []
    assert recorded.simulator.truth("klines", "ETHBTC", "1m").num_rows == 0

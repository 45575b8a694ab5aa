"""Where the archive ends, lags, lacks files or contradicts REST: the two meet without a gap or a doubled row."""

import re
from decimal import Decimal

import pytest

from tests.integration.served_archive import (
    assert_traced,
    assert_trades_equal,
    csv_rows,
    days,
    files,
    key_of,
    rest_requests,
    zips_asked_for,
)

NOW = "2025-02-11T12:00:30"
DAY_MS = 86_400_000
JANUARY_MS = 1_735_689_600_000
MONTH = key_of("klines", "ETHBTC", "2025-01", "1h")


# The newest day that the archive has of a symbol, and what it lacks of it.
ENDS = {
    "BTCUSDT": ("2025-02-05", {"kind": "not_published", "since": "2025-02-06", "path": "*/BTCUSDT/*"}),
    "ETHUSDT": ("2025-01-31", {"kind": "missing", "path": "data/spot/daily/*/ETHUSDT/*"}),
    "SOLUSDT": ("2025-02-10", {"kind": "missing", "path": "*/SOLUSDT-*-2025-02-04.zip"}),
    "ETHBTC": (None, {"kind": "missing", "path": "data/*/ETHBTC/*"}),
}


@pytest.mark.parametrize(
    ("delays", "ends"),
    [
        ({}, ENDS),
        pytest.param({"daily_delay_hours": 29}, {"ETHBTC": ("2025-02-09", None)}, marks=pytest.mark.soak),
        ({"daily_delay_hours": 100, "monthly_delay_hours": 400}, {"ETHBTC": ("2025-02-06", None)}),
    ],
    ids=["at different days", "a day late", "a month late"],
)
def test_wherever_the_archive_has_got_to_nothing_is_missing_or_doubled(project, exchange, truth, delays, ends):
    exchange.archive_delays(**delays)
    for _, fault in ends.values():
        if fault:
            exchange.add_archive_fault(**fault)
    options = ("--datasets", "klines,agg_trades", "--symbols", ",".join(ends), "--intervals", "1h,1w")
    project.use_archive(exchange).load(*options, "--start", "2025-01-28T10:30:00")
    expected = truth("klines", ends, "2025-01-28T10:30:00", NOW, ["1h", "1w"])
    project.assert_equals("klines", expected)
    trades = truth("agg_trades", ends, "2025-01-28T10:30:00", NOW)
    assert_trades_equal(project, "agg_trades", trades)
    newest = "select symbol, (max(trade_time) filter (where source <> 'rest'))::date::varchar"
    assert dict(project.query(f"{newest} from staging.agg_trades group by all")) == {
        symbol: day for symbol, (day, _) in ends.items()
    }
    exchange.clear_archive_faults()
    exchange.archive_delays(daily_delay_hours=5, monthly_delay_hours=8.1)
    exchange.reset_stats()
    project.load(*options)
    assert zips_asked_for(exchange) == {}
    project.assert_equals("klines", expected)
    assert_trades_equal(project, "agg_trades", trades)


def test_days_stand_in_for_a_month_that_cannot_be_proven(project, exchange, truth):
    exchange.add_archive_fault("wrong_checksum", path=MONTH)
    exchange.add_archive_fault("short_zip", path=key_of("klines", "ETHBTC", "2025-01-08", "1h"))
    exchange.add_archive_fault("missing", path=key_of("klines", "ETHBTC", "2025-01-09", "1h"))
    options = ("--datasets", "klines", "--symbols", "ETHBTC", "--intervals", "1h", "--end", "2025-02-01")
    done = project.use_archive(exchange).load(*options, "--start", "2025-01-01")
    assert f"QUARANTINED: {MONTH}: " in done.stdout
    project.assert_equals("klines", truth("klines", ["ETHBTC"], "2025-01-01", "2025-02-01", ["1h"]))
    by_rest = project.query("select distinct open_time::date::varchar from staging.klines where source = 'rest'")
    assert sorted(by_rest) == [("2025-01-08",), ("2025-01-09",)]
    assert len(files(project, "status = 'loaded'")) == 29
    assert_traced(project, exchange)


@pytest.mark.parametrize("source", ["auto", "archive"])
def test_a_month_that_lacks_days_is_completed(project, exchange, truth, source):
    # The daily files have the days that the monthly one lacks, as in 2024-07.
    start, end = JANUARY_MS + 9 * DAY_MS, JANUARY_MS + 12 * DAY_MS
    exchange.add_archive_fault("drop_rows", path="data/spot/monthly/*-2025-01.zip", from_ms=start, to_ms=end)
    options = (
        "--datasets", "klines,agg_trades", "--symbols", "ETHBTC", "--intervals", "1h", "--source", source,
        "--start", "2025-01-01", "--end", "2025-02-01",
    )  # fmt: skip
    project.use_archive(exchange).load(*options)
    project.assert_equals("klines", truth("klines", ["ETHBTC"], "2025-01-01", "2025-02-01", ["1h"]))
    assert_trades_equal(project, "agg_trades", truth("agg_trades", ["ETHBTC"], "2025-01-01", "2025-02-01"))
    assert_traced(project, exchange)


CONTRADICTED = {
    "klines": (key_of("klines", "ETHBTC", "2025-02-03", "1m"), "epoch_ms(open_time)", "close"),
    "agg_trades": (key_of("aggTrades", "ETHBTC", "2025-02-03"), "agg_trade_id", "price"),
    "trades": (key_of("trades", "ETHBTC", "2025-02-03"), "trade_id", "price"),
}


@pytest.fixture(scope="module")
def contradicted(module_project, module_exchange):
    """A day of which every tenth row of each file is another than REST's."""
    for path, *_ in CONTRADICTED.values():
        module_exchange.add_archive_fault("change_rows", path=path, every=10)
    options = ("--datasets", ",".join(CONTRADICTED), "--symbols", "ETHBTC")
    module_project.use_archive(module_exchange, ARCHIVE_SAMPLES="1").load(
        *options, "--start", "2025-02-03", "--end", "2025-02-04"
    )
    assert_traced(module_project, module_exchange)
    return module_project


@pytest.mark.parametrize("table", CONTRADICTED)
def test_a_file_that_contradicts_rest_gives_way_to_it(contradicted, truth, table):
    project, (path, number, price) = contradicted, CONTRADICTED[table]
    expected = truth(table, ["ETHBTC"], "2025-02-03", "2025-02-04", ["1m" if table == "klines" else None])
    right = dict(project.query(f"select {number}, {price} from truth", truth=expected))
    loaded = dict(project.query(f"select {number}, {price} from staging.{table}"))
    by_rest = {key for (key,) in project.query(f"select {number} from staging.{table} where source = 'rest'")}
    differences = project.query(
        "select row_key, archive_value, other_value, other_source, path, symbol, dataset, market "
        "from staging.archive_disagreements "
        f"where column_name = '{price}' and dataset = '{table}' order by row_key"
    )
    keys = sorted(right)
    changed = set(keys[9::10])
    # A page is compared: a run of up to 1,000 rows, of which every tenth was changed.
    found = [row[0] for row in differences]
    assert 20 < len(found) <= 100
    assert found == [key for key in keys if key in changed and found[0] <= key <= found[-1]]
    [(compared,)] = project.query(f"select rows_compared from staging.archive_files where dataset = '{table}'")
    # Nine rows that agree may come before the first that was changed, and after the last.
    assert 0 <= compared - sum(found[0] <= key <= found[-1] for key in keys) <= 18
    for key, archive_value, other_value, *labels in differences:
        assert Decimal(archive_value) > Decimal(other_value) == right[key]
        assert labels == ["rest", path, "ETHBTC", table, "spot"]
    assert by_rest == set(found)
    assert loaded.keys() == right.keys()
    assert {key for key in keys if loaded[key] != right[key]} == changed - by_rest


def test_without_rest_a_day_wins_over_its_month(project, exchange, truth):
    series = {"klines": ("klines", "1h"), "agg_trades": ("aggTrades", None)}
    for kind, interval in series.values():
        exchange.add_archive_fault("change_rows", path=key_of(kind, "ETHBTC", "2025-01", interval), every=5)
    options = ("--datasets", ",".join(series), "--symbols", "ETHBTC", "--intervals", "1h", "--source", "archive")
    options += ("--start", "2025-01-01", "--end", "2025-02-01")
    project.use_archive(exchange, ARCHIVE_SAMPLES="1").load(*options)
    for table, (kind, interval) in series.items():
        month = key_of(kind, "ETHBTC", "2025-01", interval)
        expected = truth(table, ["ETHBTC"], "2025-01-01", "2025-02-01", [interval])
        assert project.count(table) == expected.num_rows
        [(day, status, rows)] = project.query(
            "select path, status, rows_loaded from staging.archive_files "
            f"where dataset = '{table}' and path <> '{month}'"
        )
        assert day.startswith(f"data/spot/daily/{kind}/ETHBTC/")
        assert status == "compared"
        assert project.query(f"select count(*) from staging.{table} where source = '{day}'") == [(rows,)]
        assert rows > 3
        columns = ", ".join(f'"{name}"' for name in expected.column_names)
        of_day = f"select {columns} from staging.{table} where source = '{day}'"
        assert project.query(f"{of_day} except select {columns} from truth", truth=expected) == []
        assert project.query(
            "select path, other_source, count(distinct row_key) from staging.archive_disagreements "
            f"where dataset = '{table}' group by all"
        ) == [(month, day, rows)]
    assert rest_requests(exchange) == {}
    exchange.reset_stats()
    project.load(*options)
    assert zips_asked_for(exchange) == {}


def test_no_file_is_compared_where_none_is_to_be(project, exchange):
    exchange.add_archive_fault("change_rows", path=MONTH, every=10)
    options = (
        "--datasets", "klines", "--symbols", "ETHBTC", "--intervals", "1h",
        "--start", "2025-01-01", "--end", "2025-02-01",
    )  # fmt: skip
    project.use_archive(exchange, ARCHIVE_SAMPLES="0").load(*options)
    assert "/api/v3/klines" not in rest_requests(exchange)
    assert project.query("select count(*) from staging.archive_files") == [(1,)]
    served = {Decimal(row[4]) for row in csv_rows(exchange, MONTH)}
    assert served == {close for (close,) in project.query("select distinct close from staging.klines")}


def test_large_files_that_go_wrong_late_are_neither_doubled_nor_lost(project, exchange, truth):
    bad, unsorted = (key_of("trades", symbol, "2024-12") for symbol in ("ETHUSDT", "SOLUSDT"))
    exchange.add_archive_fault("bad_number", path=bad, row=60_000, column=1)
    exchange.add_archive_fault("unsorted", path=unsorted)
    exchange.clock_set(1_735_819_200_000)  # 2025-01-02 12:00
    options = ("--datasets", "trades", "--symbols", "ETHUSDT,SOLUSDT", "--start", "2024-12-01", "--end", "2025-01-01")
    done = project.use_archive(exchange).load(*options)
    assert_trades_equal(project, "trades", truth("trades", ["ETHUSDT", "SOLUSDT"], "2024-12-01", "2025-01-01"))
    assert re.findall(r"QUARANTINED: (\S+\.zip)", done.stdout) == [bad]
    assert {key for key, line in files(project).items() if line["status"] == "quarantined"} == {bad}
    assert_traced(project, exchange)


def test_an_outage_is_asked_for_once(project, exchange, truth):
    options = (
        "--datasets", "klines", "--symbols", "OUTAGEUSDT", "--intervals", "1m,1h", "--source", "archive",
        "--start", "2024-12-01", "--end", "2025-02-11",
    )  # fmt: skip
    project.use_archive(exchange).load(*options)
    expected = truth("klines", ["OUTAGEUSDT"], "2024-12-01", "2025-02-11", ["1m", "1h"])
    project.assert_equals("klines", expected)
    known = set(files(project))
    february = {
        key_of("klines", "OUTAGEUSDT", day, one) for one in ("1m", "1h") for day in days("2025-02-01", "2025-02-10")
    }
    assert february <= known
    exchange.reset_stats()
    project.load(*options)
    assert zips_asked_for(exchange) == {}
    project.assert_equals("klines", expected)

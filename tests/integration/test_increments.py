"""What later runs do: only what is new, earlier starts, new symbols, holes, and the odd symbols of the market."""

NOW = "2025-02-11T12:00:30"
KLINES = ("--datasets", "klines")
TIMES = {"klines": "open_time", "agg_trades": "trade_time", "trades": "trade_time"}


def klines_requests(exchange):
    return exchange.stats()["requests_by_path"].get("/api/v3/klines", 0)


def test_a_second_run_asks_for_what_is_new_and_loads_nothing_twice(project, exchange, truth):
    options = ("--symbols", "BTCUSDT,ETHUSDT", "--datasets", "klines,agg_trades")
    project.use(exchange).load(*options, "--start", "2025-02-11")
    exchange.reset_stats()
    exchange.clock_advance(120)
    project.load(*options)
    assert klines_requests(exchange) == 2
    now = "2025-02-11T12:02:30"
    project.assert_equals("klines", truth("klines", ["BTCUSDT", "ETHUSDT"], "2025-02-11", now, ["1m"]))
    project.assert_equals("agg_trades", truth("agg_trades", ["BTCUSDT", "ETHUSDT"], "2025-02-11", now))


def test_nothing_is_asked_for_while_no_candle_can_have_closed(project, exchange):
    options = (*KLINES, "--symbols", "BTCUSDT", "--intervals", "1m,1d", "--start", "2025-02-01")
    project.use(exchange).load(*options)
    rows = project.count("klines")
    exchange.reset_stats()
    exchange.clock_advance(20)
    project.load(*options)
    assert klines_requests(exchange) == 0
    assert project.count("klines") == rows


def test_a_symbol_and_an_interval_added_later_get_their_whole_history(project, exchange, truth):
    project.use(exchange).load(*KLINES, "--symbols", "BTCUSDT", "--start", "2025-02-10")
    project.load(*KLINES, "--symbols", "BTCUSDT,SOLUSDT", "--intervals", "1m,1h", "--start", "2025-02-10")
    project.assert_equals("klines", truth("klines", ["BTCUSDT", "SOLUSDT"], "2025-02-10", NOW, ["1m", "1h"]))


def test_an_earlier_start_extends_backwards_without_touching_what_is_there(project, exchange, truth):
    options = ("--datasets", ",".join(TIMES), "--symbols", "BTCUSDT")
    project.use(exchange).load(*options, "--start", "2025-02-11")
    before = {table: project.query(f"select * from staging.{table} order by all") for table in TIMES}
    project.load(*options, "--start", "2025-02-10T06:30:00")
    for table, time in TIMES.items():
        intervals = ["1m"] if table == "klines" else [None]
        project.assert_equals(table, truth(table, ["BTCUSDT"], "2025-02-10T06:30:00", NOW, intervals))
        after = project.query(f"select * from staging.{table} where {time} >= '2025-02-11 00:00:00+00' order by all")
        assert after == before[table]


def test_periods_apart_leave_a_hole_that_a_later_start_fills(project, exchange, truth):
    options = ("--datasets", ",".join(TIMES), "--symbols", "BTCUSDT")
    project.use(exchange)
    project.load(*options, "--start", "2025-02-01", "--end", "2025-02-01T06:00:00")
    project.load(*options, "--start", "2025-02-02", "--end", "2025-02-02T06:00:00")
    for table, time in TIMES.items():
        intervals = ["1m"] if table == "klines" else [None]
        for day in ("01", "02"):
            expected = truth(table, ["BTCUSDT"], f"2025-02-{day}", f"2025-02-{day}T06:00:00", intervals)
            project.assert_equals(table, expected, f"date_trunc('day', {time}) = '2025-02-{day} 00:00:00+00'")
    project.load(*options, "--start", "2025-01-31", "--end", "2025-02-03")
    for table in TIMES:
        intervals = ["1m"] if table == "klines" else [None]
        project.assert_equals(table, truth(table, ["BTCUSDT"], "2025-01-31", "2025-02-03", intervals))


def test_outages_dead_minutes_and_early_closes_arrive_as_they_are(project, exchange, truth):
    project.use(exchange).load(
        *KLINES, "--symbols", "OUTAGEUSDT", "--intervals", "1m,15m,1h,1d", "--start", "2024-12-01"
    )
    project.assert_equals("klines", truth("klines", ["OUTAGEUSDT"], "2024-12-01", NOW, ["1m", "15m", "1h", "1d"]))
    outage = "symbol = 'OUTAGEUSDT' and \"interval\" = '1m' and open_time"
    down = f"{outage} between '2024-12-10 04:00:00+00' and '2024-12-11 00:29:00+00'"
    assert project.query(f"select count(*) from staging.klines where {down}") == [(0,)]
    assert project.query(
        f"select close_time::varchar from staging.klines where {outage} = '2025-01-15 12:40:00+00'"
    ) == [("2025-01-15 12:40:27.499+00",)]
    assert project.query(
        "select distinct volume, trade_count, open = close from staging.klines "
        f"where {outage} between '2024-12-10 02:48:00+00' and '2024-12-10 03:59:00+00'"
    ) == [(0, 0, True)]


def test_symbols_that_came_late_ended_halted_or_hardly_trade_are_exact(project, exchange, truth):
    symbols = ("LATEUSDT", "GONEUSDT", "HALTUSDT", "SPARSEUSDT", "ETHBTC")
    project.use(exchange).load(*KLINES, "--symbols", ",".join(symbols), "--start", "2024-11-01")
    expected = truth("klines", symbols, "2024-11-01", NOW, ["1m"])
    project.assert_equals("klines", expected)
    exchange.reset_stats()
    project.load(*KLINES, "--symbols", "GONEUSDT")
    assert klines_requests(exchange) == 1
    project.assert_equals("klines", expected)


def test_tombstones_are_left_out_and_counted(project, exchange, truth):
    done = project.use(exchange).load(
        "--datasets", "agg_trades,trades", "--symbols", "TOMBUSDT", "--start", "2024-12-05", "--end", "2024-12-06"
    )
    project.assert_equals("agg_trades", truth("agg_trades", ["TOMBUSDT"], "2024-12-05", "2024-12-06"))
    project.assert_equals("trades", truth("trades", ["TOMBUSDT"], "2024-12-05", "2024-12-06"))
    assert "agg_trades: 4 tombstones of removed duplicates left out" in done.stdout


def test_a_start_and_an_end_at_tombstones_find_their_ids(project, exchange, truth):
    period = ("2024-12-05T12:00:00", "2024-12-31T23:59:59.999999")
    project.use(exchange).load(
        "--datasets", "agg_trades,trades", "--symbols", "TOMBUSDT", "--start", period[0], "--end", period[1]
    )
    for table in ("agg_trades", "trades"):
        project.assert_equals(table, truth(table, ["TOMBUSDT"], period[0], "2025-01-01"))


def test_a_long_run_is_loaded_in_several_packages(project, exchange, truth):
    project.use(exchange).load(
        *KLINES, "--symbols", "BTCUSDT,ETHUSDT", "--start", "2024-12-01", package_rows=40_000
    )  # fmt: skip
    sizes = [rows for (rows,) in project.query("select count(*) from staging.klines group by _dlt_load_id")]
    assert len(sizes) >= 4
    assert max(sizes) <= 42_000
    project.assert_equals("klines", truth("klines", ["BTCUSDT", "ETHUSDT"], "2024-12-01", NOW, ["1m"]))

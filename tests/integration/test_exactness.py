"""What is loaded equals what the exchange holds, digit for digit and row for row."""

SMALL_PRICE, NON_ASCII = "TINYUSDT", "币安人生USDT"
NOW = "2025-02-11T12:00:30"


def test_klines_of_all_kinds_of_symbols_and_intervals_are_exact(project, exchange, truth):
    symbols, intervals = ("BTCUSDT", SMALL_PRICE, NON_ASCII), ("1m", "15m", "1h", "1d", "3d", "1w", "1M")
    names = ("--symbols", ",".join(symbols), "--intervals", ",".join(intervals))
    project.use(exchange).load("--datasets", "klines", *names, "--start", "2024-12-01")
    expected = truth("klines", symbols, "2024-12-01", NOW, intervals)
    project.assert_equals("klines", expected)
    assert project.query(
        f"select max(volume) > 1e13, min(low) < 1e-6 from staging.klines where symbol = '{SMALL_PRICE}'"
    ) == [(True, True)]


def test_seconds_are_exact_too(project, exchange, truth):
    project.use(exchange).load(
        "--datasets", "klines", "--symbols", "BTCUSDT", "--intervals", "1s", "--start", "2025-02-11T10:00:00"
    )
    project.assert_equals("klines", truth("klines", ["BTCUSDT"], "2025-02-11T10:00:00", NOW, ["1s"]))


def test_trades_and_aggregate_trades_are_exact_across_the_turn_of_the_year(project, exchange, truth):
    symbols = ("BTCUSDT", SMALL_PRICE, NON_ASCII)
    project.use(exchange).load(
        "--datasets", "trades,agg_trades", "--symbols", ",".join(symbols),
        "--start", "2024-12-31T22:00:00", "--end", "2025-01-01T02:00:00",
    )  # fmt: skip
    for table in ("trades", "agg_trades"):
        expected = truth(table, symbols, "2024-12-31T22:00:00", "2025-01-01T02:00:00")
        project.assert_equals(table, expected)


def test_the_open_kline_is_left_for_the_run_after_its_close(project, exchange, truth):
    project.use(exchange).load("--datasets", "klines", "--symbols", "BTCUSDT", "--start", "2025-02-11")
    assert project.query("select max(open_time)::varchar from staging.klines") == [("2025-02-11 11:59:00+00",)]
    exchange.clock_advance(30)
    project.load("--datasets", "klines", "--symbols", "BTCUSDT")
    assert project.query("select max(open_time)::varchar from staging.klines") == [("2025-02-11 12:00:00+00",)]
    project.assert_equals("klines", truth("klines", ["BTCUSDT"], "2025-02-11", "2025-02-11T12:01:00", ["1m"]))


def test_snapshots_hold_what_the_exchange_says_of_symbols_and_tickers(project, exchange):
    project.use(exchange).load("--datasets", "symbols,tickers_24h", "--symbols", f"BTCUSDT,{NON_ASCII}")
    assert project.count("symbols") > 5
    assert project.query(
        "select base_asset, quote_asset, tick_size > 0 from staging.symbols where symbol = 'BTCUSDT'"
    ) == [("BTC", "USDT", True)]
    assert project.query("select symbol, snapshot_time::varchar from staging.tickers_24h order by symbol") == [
        ("BTCUSDT", "2025-02-11 12:00:30+00"),
        (NON_ASCII, "2025-02-11 12:00:30+00"),
    ]

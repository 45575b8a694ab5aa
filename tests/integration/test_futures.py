"""USD-M futures: what is loaded equals what the exchange holds, out of the archive, by REST, and by both."""

from datetime import datetime, timezone

import pyarrow as pa
import pytest

NOW = "2025-02-11T12:00:30"
START = "2025-01-05"
SYMBOLS = ("BTCUSDT", "SOLUSDT", "1000TINYUSDT", "币安人生USDT", "LATEUSDT")
"""Ordinary; funding every 8, 4, then 1 hours; a thousand of something; not ASCII; listed in the middle of a day."""

CANDLES = ("klines", "mark_price_klines")
UM = ("--market", "um")


def ms(text):
    """Milliseconds since 1970 of a UTC time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp()) * 1000


def named(*symbols):
    return ("--symbols", ",".join(symbols))


@pytest.fixture
def futures(project, exchange):
    """The project, told of the simulated futures and their archive."""
    return project.use_archive(exchange, FUTURES_URL=exchange.url)


@pytest.fixture
def truth_of(exchange):
    """Ask the exchange for what really is in [start, end) of the futures."""

    def ask(kind, symbols=SYMBOLS, start=START, end=NOW, intervals=(None,)):
        return pa.concat_tables(
            exchange.truth(kind, symbol, interval=interval, start_ms=ms(start), end_ms=ms(end) - 1, market="um")
            for symbol in symbols
            for interval in intervals
        )

    return ask


def assert_funding(project, truth):
    """The archive has no mark price and no type, REST no interval: what each of them has is right."""
    project.assert_equals("funding_rates", truth.select(["symbol", "funding_time", "funding_rate"]))
    is_rest = "loaded.source = 'rest'"
    assert project.query(
        f"""
        select count(*) from staging.funding_rates as loaded join truth using (symbol, funding_time)
        where loaded.mark_price is distinct from case when {is_rest} then truth.mark_price end
        or loaded.rate_type is distinct from case when {is_rest} then truth.rate_type end
        or loaded.funding_interval_hours is distinct from case when not {is_rest} then truth.funding_interval_hours end
        """,
        truth=truth,
    ) == [(0,)]


def sources(project, table):
    return {by for (by,) in project.query(f"select distinct source = 'rest' from staging.{table}")}


def test_archive_and_rest_together_give_all_of_each_series(futures, truth_of):
    futures.load(
        "--datasets", "klines,mark_price_klines,funding_rates,open_interest", *named(*SYMBOLS), *UM,
        "--intervals", "1h,1d", "--start", START,
    )  # fmt: skip
    for table in CANDLES:
        futures.assert_equals(table, truth_of(table, intervals=("1h", "1d")))
        assert sources(futures, table) == {True, False}
    # REST reaches back thirty days, to January 12: what is older is the archive's.
    futures.assert_equals("open_interest", truth_of("open_interest", intervals=("5m",)))
    assert sources(futures, "open_interest") == {True, False}
    # Of funding, REST has all, with its mark prices.
    assert_funding(futures, truth_of("funding_rates"))
    assert sources(futures, "funding_rates") == {True}
    assert futures.query("select distinct market from staging.klines") == [("um",)]


def test_the_archive_alone_gives_what_it_has_published(futures, truth_of):
    futures.load(
        "--datasets", "mark_price_klines,funding_rates,open_interest", *named(*SYMBOLS), *UM, "--source", "archive",
        "--intervals", "1h", "--start", START, "--end", "2025-02-01",
    )  # fmt: skip
    end = "2025-02-01"
    futures.assert_equals("mark_price_klines", truth_of("mark_price_klines", end=end, intervals=("1h",)))
    futures.assert_equals("open_interest", truth_of("open_interest", end=end, intervals=("5m",)))
    assert_funding(futures, truth_of("funding_rates", end=end))
    for table in ("mark_price_klines", "open_interest", "funding_rates"):
        assert sources(futures, table) == {False}


def test_rest_alone_gives_what_it_reaches_and_names_what_it_does_not(futures, truth_of):
    done = futures.run(
        "--datasets", "klines,funding_rates,open_interest", *named("BTCUSDT"), *UM, "--source", "rest",
        "--intervals", "1m", "--start", START,
    )  # fmt: skip
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if line.startswith("NOT COMPLETE")] == [
        "NOT COMPLETE: open_interest um BTCUSDT 5m: 2025-01-05 00:00 to 2025-01-12 13:00 lies further back than REST "
        "gives, and is not there from the archive"
    ]
    reached = truth_of("open_interest", ["BTCUSDT"], start="2025-01-12T13:05:00", intervals=("5m",))
    assert futures.query("select min(open_interest_time)::varchar from staging.open_interest") == [
        ("2025-01-12 13:05:00+00",)
    ]
    futures.assert_equals("open_interest", reached)
    futures.assert_equals("klines", truth_of("klines", ["BTCUSDT"], intervals=("1m",)))
    # Whoever does not ask for it again is not told again.
    futures.load("--datasets", "open_interest", *named("BTCUSDT"), *UM, "--source", "rest")


def test_aggregate_trades_are_the_archives_where_rest_has_them_no_more(futures, truth_of):
    start = "2025-02-07"
    futures.load("--datasets", "agg_trades", *named("BTCUSDT", "1000TINYUSDT"), *UM, "--start", start)
    truth = truth_of("agg_trades", ["BTCUSDT", "1000TINYUSDT"], start=start)
    futures.assert_equals("agg_trades", truth)
    assert sources(futures, "agg_trades") == {True, False}
    # Trades of the insurance fund are left out by the exchange: ids of single trades jump, those of aggregates do not.
    jumps = """
        select count(*) filter (first_trade_id <> before_it + 1) > 0, count(*) filter (agg_trade_id <> id_before + 1)
        from (
            select *, lag(last_trade_id) over one as before_it, lag(agg_trade_id) over one as id_before
            from staging.agg_trades window one as (partition by symbol order by agg_trade_id)
        )
    """
    assert futures.query(jumps) == [(True, 0)]


def test_a_second_run_loads_what_is_new_and_nothing_twice(futures, exchange, truth_of):
    what = ("--datasets", "klines,mark_price_klines,funding_rates,open_interest,agg_trades", *named("BTCUSDT"), *UM)
    futures.load(*what, "--intervals", "1m", "--start", "2025-02-11")
    futures.load(*what, "--intervals", "1m")
    exchange.clock_advance(4 * 3600 + 17)
    futures.load(*what, "--intervals", "1m")
    later, start = "2025-02-11T16:00:47", "2025-02-11"
    for table in CANDLES:
        futures.assert_equals(table, truth_of(table, ["BTCUSDT"], start, later, ("1m",)))
    futures.assert_equals("open_interest", truth_of("open_interest", ["BTCUSDT"], start, later, ("5m",)))
    futures.assert_equals("agg_trades", truth_of("agg_trades", ["BTCUSDT"], start, later))
    assert_funding(futures, truth_of("funding_rates", ["BTCUSDT"], start, later))


def test_an_earlier_start_extends_history_backwards(futures, truth_of):
    what = ("--datasets", "mark_price_klines,funding_rates,open_interest", *named("SOLUSDT"), *UM, "--intervals", "1h")
    futures.load(*what, "--start", "2025-02-05")
    futures.load(*what, "--start", "2024-12-20")
    start = "2024-12-20"
    futures.assert_equals("mark_price_klines", truth_of("mark_price_klines", ["SOLUSDT"], start, intervals=("1h",)))
    futures.assert_equals("open_interest", truth_of("open_interest", ["SOLUSDT"], start, intervals=("5m",)))
    assert_funding(futures, truth_of("funding_rates", ["SOLUSDT"], start))


def test_snapshots_and_contracts_of_every_kind(futures):
    futures.load("--datasets", "symbols,tickers_24h,premium_index", "--symbols", "*", *UM)
    contracts = {
        symbol: rest
        for symbol, *rest in futures.query(
            "select symbol, contract_type, status, base_asset, delivery_time::date::varchar from staging.symbols "
            "where market = 'um'"
        )
    }
    assert contracts["BTCUSDT"] == ["PERPETUAL", "TRADING", "BTC", None]
    assert contracts["BTCUSDT_250328"] == ["CURRENT_QUARTER", "TRADING", "BTC", "2025-03-28"]
    assert contracts["ODDUSDT"] == ["MOON_PERPETUAL", "TRADING", "ODD", None]
    assert contracts["SOONUSDT"][:2] == ["", "PENDING_TRADING"]
    assert contracts["GONEUSDT"][1] == "CLOSE"
    assert contracts["1000TINYUSDT"][2] == "1000TINY"
    assert futures.query(
        "select count(*) > 5, bool_and(bid_price is null and prev_close_price is null and last_price > 0), "
        "min(snapshot_time)::varchar from staging.tickers_24h"
    ) == [(True, True, "2025-02-11 12:00:30+00")]
    assert futures.query(
        "select last_funding_rate is not null, next_funding_time::varchar from staging.premium_index "
        "where symbol = 'BTCUSDT'"
    ) == [(True, "2025-02-11 16:00:00+00")]


def test_settled_and_delivery_contracts_have_their_histories(futures, truth_of):
    symbols = ("GONEUSDT", "BTCUSDT_241227")
    futures.load(
        "--datasets", "klines,mark_price_klines,funding_rates", *named(*symbols), *UM, "--intervals", "1h",
        "--start", "2024-12-20",
    )  # fmt: skip
    for table in CANDLES:
        futures.assert_equals(table, truth_of(table, symbols, "2024-12-20", intervals=("1h",)))
    assert_funding(futures, truth_of("funding_rates", symbols, "2024-12-20"))


def test_each_dataset_is_fetched_of_the_market_that_has_it(futures):
    done = futures.load(
        "--datasets",
        "symbols,klines,funding_rates",
        *named("BTCUSDT", "ETHBTC", "BTCUSDT_250328"),
        "--start",
        "2025-02-10",
    )
    assert futures.query("select distinct market, symbol from staging.klines order by all") == [
        ("spot", "BTCUSDT"), ("spot", "ETHBTC"),
    ]  # fmt: skip
    assert futures.query("select distinct symbol from staging.funding_rates") == [("BTCUSDT",)]
    assert futures.query("select distinct market from staging.symbols order by all") == [("spot",), ("um",)]
    assert "Binance USD-M futures has no ETHBTC" in done.stdout
    assert "Binance spot has no BTCUSDT_250328" in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--datasets", "trades", *UM), "trades is no dataset of market um, which has symbols,"),
        (("--datasets", "funding_rates", "--market", "spot"), "funding_rates is no dataset of market spot"),
        (("--market", "coin"), "unknown market 'coin'; there are spot, um"),
        (("--datasets", "klines", "--intervals", "1s", *UM), "unknown interval '1s'; did you mean 1"),
        (("--datasets", "funding_rate"), "unknown dataset 'funding_rate'; did you mean funding_rates?"),
        (("--datasets", "funding_rates", "--symbols", "BTCUSD"), "unknown symbol 'BTCUSD'; did you mean BTCUSDT"),
    ],
)
def test_what_a_market_does_not_have_is_refused(futures, options, said):
    done = futures.run(*named("BTCUSDT"), *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert not futures.database.exists()


def test_futures_of_another_exchange_are_left_out_unless_they_are_asked_for(project, exchange):
    project.use(exchange)
    done = project.load(*named("BTCUSDT"), "--start", "2025-02-11T11:00:00")
    skipped = "symbols, funding_rates, open_interest, mark_price_klines, premium_index of Binance USD-M futures"
    assert f"skipped: {skipped}: sources.binance.futures_url is https://fapi.binance.com" in done.stdout
    assert project.count("klines") == 60


def test_futures_that_do_not_answer_leave_spot_as_it_is(futures, exchange):
    exchange.add_fault("geo_451", path="/fapi", count=None)
    what = ("--datasets", "klines,funding_rates", *named("BTCUSDT"), "--start", "2025-02-11T07:00:00")
    done = futures.run(*what)
    assert done.returncode == 1
    assert "does not serve this place (HTTP 451, restricted location); run from elsewhere" in done.stderr
    assert "leave out the datasets of Binance USD-M futures" in done.stderr
    assert futures.count("klines") == 300
    exchange.clear_faults()
    futures.load(*what)
    assert (futures.count("klines"), futures.count("funding_rates")) == (300, 1)


@pytest.mark.parametrize("option", ["--repair", "--revisions"])
def test_a_look_back_leaves_markets_alone_that_nothing_was_asked_of(futures, exchange, option):
    futures.load("--datasets", "klines", *named("BTCUSDT"), "--start", "2025-02-11T11:00:00")
    exchange.reset_stats()
    futures.load(option)
    asked = [path for path in exchange.stats()["requests_by_path"] if "fapi" in path or "futures" in path]
    assert asked == []
    assert futures.count("klines") == 60


def test_days_of_which_rest_has_a_part_no_more_are_taken_out_of_their_files_once_these_are_there(
    futures, exchange, truth_of
):
    what = ("--datasets", "agg_trades,open_interest", *named("BTCUSDT"), *UM, "--start", "2025-02-09T06:00:00")
    exchange.archive_delays(futures_daily_delay_hours=1000)
    done = futures.run(*what)
    assert done.returncode == 1
    # Two days back, and an hour to be sure; open interest is no more than thirty days old.
    assert [line for line in done.stdout.splitlines() if line.startswith("NOT COMPLETE")] == [
        "NOT COMPLETE: agg_trades um BTCUSDT: 2025-02-09 06:00 to 2025-02-09 13:00 lies further back than REST gives, "
        "and is not there from the archive"
    ]
    exchange.archive_delays(futures_daily_delay_hours=8.5)
    futures.load("--datasets", "agg_trades,open_interest", *named("BTCUSDT"), *UM)
    # The file of a day of which only a part was wanted has the rest of it for an earlier start.
    for start in ("2025-02-09T06:00:00", "2025-02-09T02:00:00", "2025-02-08T20:00:00"):
        futures.load("--datasets", "agg_trades,open_interest", *named("BTCUSDT"), *UM, "--start", start)
        futures.assert_equals("agg_trades", truth_of("agg_trades", ["BTCUSDT"], start=start))
        futures.assert_equals("open_interest", truth_of("open_interest", ["BTCUSDT"], start=start, intervals=("5m",)))

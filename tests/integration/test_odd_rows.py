"""Odd rows in the venues' answers: they are left out by themselves, named, and nothing else is harmed."""

import json
from datetime import datetime, timezone
from decimal import Decimal

import pyarrow.compute as pc
import pytest
from forked import command, forked  # noqa: F401 - fixtures

START = ("--start", "2025-02-11T11:30:00")
NOW = "2025-02-11T12:00:30"


@pytest.fixture
def odd(exchange):
    """Switches oddities of the simulator on, and all of them off at the end."""
    switched = []

    def switch(*names):
        switched.extend(names)
        exchange.set_oddities(**dict.fromkeys(names, True))

    yield switch
    exchange.set_oddities(**dict.fromkeys(switched, False))


@pytest.fixture
def okx(command, exchange):  # noqa: F811
    return command.use_venue("okx", exchange.okx_url)


@pytest.fixture
def coinbase(command, exchange):  # noqa: F811
    return command.use_venue("coinbase", exchange.coinbase_url)


@pytest.fixture
def binance(command, exchange):  # noqa: F811
    return command.restore(MARKET_DATA_URL=exchange.url, API_URL=exchange.url, FUTURES_URL=exchange.url)


def load(venue, *options, code=0, **settings):
    done = venue.run(*options, **settings)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def rejected(project):
    return project.query("select dataset, row_key, reason, row_json from staging.rejected_rows order by all")


def test_placeholders_of_okx_are_instruments_without_numbers_and_harm_nothing(okx, module_project, odd, truth):
    odd("okx_placeholders")
    said = load(okx, *START, "--symbols", "BTC-USDT,BTC-USDT-SWAP")
    assert "okx_instruments: 4 rows without a name left out" in said
    assert module_project.query(
        "select instrument_type, symbol, state, base_asset, quote_asset, tick_size, lot_size, min_size "
        "from staging.okx_instruments where symbol like 'LISTING%' order by all"
    ) == [
        ("SPOT", "LISTING-SPOT-SLX-USDT", "preopen", *[None] * 5),
        ("SWAP", "LISTING-SWAP-SLX-USDT", "preopen", *[None] * 5),
    ]
    expected = truth("okx_candles", ["BTC-USDT", "BTC-USDT-SWAP"], START[1], NOW, ["1m"])
    module_project.assert_equals("okx_candles", expected)
    assert module_project.query(
        "select venue, market, symbol, base_asset, quote_asset from staging.connected_symbols order by all"
    ) == [("okx", "spot", "BTC-USDT", "BTC", "USDT"), ("okx", "swap", "BTC-USDT-SWAP", None, None)]


def test_a_pattern_does_not_mean_what_is_only_announced(okx, module_project, odd):
    odd("okx_placeholders")
    load(okx, "--start", "2025-02-11T11:55:00", "--symbols", "*-USDT", "--datasets", "okx_candles")
    symbols = module_project.query("select distinct symbol from staging.connected_symbols where market = 'spot'")
    assert ("BTC-USDT",) in symbols
    assert ("LISTING-SPOT-SLX-USDT",) not in symbols


def test_an_instrument_that_cannot_be_read_is_named_once_and_matters_to_who_asked_for_it(okx, module_project, odd):
    odd("okx_unreadable_instrument")
    said = load(okx, *START, "--symbols", "BTC-USDT")
    [line] = [line for line in said.splitlines() if "ODD-USDT" in line]
    assert line.startswith("rejected: okx_instruments ODD-USDT: ")
    [(dataset, key, _, row)] = rejected(module_project)
    assert (dataset, key, json.loads(row)["listTime"]) == ("okx_instruments", "ODD-USDT", "soon")
    assert module_project.query("select count(*) from staging.okx_instruments where symbol = 'ODD-USDT'") == [(0,)]
    assert module_project.count("okx_instruments") > 5
    said = load(okx, *START, "--symbols", "BTC-USDT,ODD-USDT", "--datasets", "okx_instruments", code=1)
    assert "NOT COMPLETE: okx_instruments ODD-USDT: " in said
    assert len(rejected(module_project)) == 1


def test_columns_that_are_added_to_candles_are_ignored(okx, module_project, odd, truth):
    odd("okx_extra_columns")
    load(okx, *START, "--symbols", "BTC-USDT", "--datasets", "okx_candles")
    module_project.assert_equals("okx_candles", truth("okx_candles", ["BTC-USDT"], START[1], NOW, ["1m"]))


def test_a_candle_that_stays_unconfirmed_costs_itself(okx, module_project, exchange, odd, truth):
    odd("okx_unconfirmed_candle")
    period = ("2025-02-10T11:00:00", "2025-02-10T12:00:00")
    options = ("--symbols", "BTC-USDT", "--datasets", "okx_candles", "--start", period[0], "--end", period[1])
    said = load(okx, *options, code=1)
    assert said.count("NOT COMPLETE: okx_candles BTC-USDT: 1m candle: over, and not confirmed") == 1
    unconfirmed = datetime(2025, 2, 10, 11, 37, tzinfo=timezone.utc)
    expected = truth("okx_candles", ["BTC-USDT"], *period, ["1m"])
    module_project.assert_equals("okx_candles", expected.filter(pc.field("open_time") != unconfirmed))
    assert module_project.count("okx_candles") == 59
    [(_, key, _, row)] = rejected(module_project)
    assert (key, json.loads(row)[0], json.loads(row)[-1]) == ("BTC-USDT", 1739187420000, "0")  # 11:37
    load(okx, *options)  # What was rejected is not asked for again.
    assert module_project.count("okx_candles") == 59


def test_an_empty_realised_rate_costs_itself_and_close_settlements_are_one(okx, module_project, odd, truth):
    odd("okx_empty_realized_rate", "okx_close_settlements")
    period = ("2025-02-09", "2025-02-11T12:00:00")
    options = ("--symbols", "BTC-USDT-SWAP", "--datasets", "okx_funding_rates")
    said = load(okx, *options, "--start", period[0], "--end", period[1], code=1)
    assert said.count("NOT COMPLETE: okx_funding_rates BTC-USDT-SWAP: realizedRate is empty") == 2
    expected = truth("okx_funding_rates", ["BTC-USDT-SWAP"], *period)
    module_project.assert_equals(
        "okx_funding_rates", expected.filter(pc.not_equal(pc.hour(expected["funding_time"]), 16))
    )
    hours = module_project.query("select hour(funding_time), second(funding_time) from staging.okx_funding_rates")
    assert sorted(hours) == [(0, 0), (0, 0), (0, 0), (8, 0), (8, 0), (8, 0)]


def test_a_doubled_candle_is_one_and_noise_behind_18_decimals_is_rounded(coinbase, module_project, odd, truth):
    odd("coinbase_doubled_candles", "coinbase_noisy_volume")
    said = load(coinbase, "--start", "2025-02-11T06:00:00", "--symbols", "BTC-USD")
    expected = truth("coinbase_candles", ["BTC-USD"], "2025-02-11T06:00:00", NOW, ["1m"])
    module_project.assert_equals("coinbase_candles", expected)
    [line] = [line for line in said.splitlines() if "rounded" in line]
    name, count, *rest = line.split()
    assert (name, " ".join(rest)) == ("coinbase_candles:", "volumes rounded to 18 decimals, half even")
    assert 20 < int(count) < expected.num_rows / 3


def test_odd_products_are_left_out_and_empty_increments_are_null(coinbase, module_project, odd):
    odd("coinbase_empty_increment", "coinbase_odd_row")
    said = load(coinbase, *START, "--symbols", "BTC-USD")
    assert "coinbase_products: 1 rows without a name left out" in said
    assert said.count("rejected: coinbase_products BAD-USD: ") == 1
    assert module_project.query(
        "select base_asset, quote_asset, quote_increment from staging.coinbase_products where symbol = 'ODD-USD'"
    ) == [("ODD", "USD", None)]
    assert module_project.query("select count(*) from staging.coinbase_products where symbol = 'BAD-USD'") == [(0,)]


def test_one_symbol_with_a_fine_step_or_another_shape_does_not_cost_the_table(binance, module_project, odd):
    odd("binance_fine_step", "binance_odd_rows")
    said = load(binance, *START, "--symbols", "BTCUSDT", "--datasets", "symbols,tickers_24h,premium_index,klines")
    lines = [line for line in said.splitlines() if line.startswith("rejected: symbols ")]
    assert [line.split()[2] for line in lines] == ["ODDCOIN:", "ETHUSDT:", "ODDCOIN:", "ETHUSDT:"]
    assert "step_size '0.0000000001' does not fit decimal128(28, 8) exactly" in lines[1]
    assert f"max_quantity '{'1' * 24}' does not fit" in lines[3]
    assert "nothing of this page" not in said
    symbols = [name for (name,) in module_project.query("select symbol from staging.symbols where market = 'spot'")]
    assert symbols.count("BTCUSDT") == 1
    assert not {"ETHUSDT", "ODDCOIN", ""} & set(symbols)
    assert len(symbols) > 5
    for table in ("tickers_24h", "premium_index"):
        assert module_project.query(f"select symbol, count(*) from staging.{table} group by 1") == [("BTCUSDT", 1)]
    assert {(one, key) for one, key, *_ in rejected(module_project)} == {("symbols", "ODDCOIN"), ("symbols", "ETHUSDT")}


def test_a_symbol_with_an_odd_row_has_its_name_and_its_candles(binance, module_project, odd, truth):
    odd("binance_fine_step")
    options = (*START, "--symbols", "BTCUSDT,ETHUSDT", "--market", "spot", "--datasets", "symbols,klines")
    said = load(binance, *options, code=1)
    assert said.count("NOT COMPLETE: ") == said.count("NOT COMPLETE: symbols ETHUSDT: ") == 1
    assert module_project.query(
        "select symbol, base_asset, quote_asset from staging.connected_symbols order by all"
    ) == [("BTCUSDT", "BTC", "USDT"), ("ETHUSDT", "ETH", "USDT")]
    module_project.assert_equals("klines", truth("klines", ["BTCUSDT", "ETHUSDT"], START[1], NOW, ["1m"]))


def test_columns_that_are_added_to_klines_are_ignored(binance, module_project, odd, truth):
    odd("binance_extra_columns")
    options = ("--symbols", "BTCUSDT", "--datasets", "klines", "--intervals", "1m")
    load(binance, *START, *options)
    module_project.assert_equals("klines", truth("klines", ["BTCUSDT"], START[1], NOW, ["1m"]))


def test_settlements_that_are_close_are_one_or_none(binance, module_project, odd, truth):
    odd("binance_close_settlements")
    period = ("2025-02-09", "2025-02-11T12:00:00")
    options = ("--symbols", "BTCUSDT", "--datasets", "funding_rates", "--start", period[0], "--end", period[1])
    said = load(binance, *options, code=1)
    expected = truth("funding_rates", ["BTCUSDT"], *period)
    hours = pc.hour(pc.round_temporal(expected["funding_time"], 1, "hour"))
    agreeing = expected.filter(pc.not_equal(hours, 8))
    rates = module_project.query("select funding_rate from staging.funding_rates order by funding_time")
    assert [rate for (rate,) in rates] == [Decimal(value) for value in agreeing["funding_rate"].to_pylist()]
    assert len(rates) == 5
    assert said.count("NOT COMPLETE: funding_rates BTCUSDT: the settlement of 2025-02-") == 6
    assert len(rejected(module_project)) == 6
    load(binance, *options)
    assert module_project.count("funding_rates") == 5


def test_changes_of_exchange_info_are_kept_with_their_time(binance, module_project, exchange, odd):
    options = (*START, "--symbols", "BTCUSDT", "--datasets", "symbols", "--market", "spot")
    load(binance, *options)
    first = module_project.count("exchange_info_history")
    assert first == module_project.count("symbols")
    exchange.clock_advance(3600)
    load(binance, *options)
    assert module_project.count("exchange_info_history") == first
    odd("binance_symbol_change")
    load(binance, *options)
    assert module_project.count("exchange_info_history") == first + 1
    before, after = module_project.query(
        "select status, tick_size, first_seen_at, is_listed from staging.exchange_info_history "
        "where symbol = 'ETHUSDT' order by first_seen_at"
    )
    assert (before[0], after[0]) == ("TRADING", "BREAK")
    assert after[1] == 10 * before[1]
    assert (after[2] - before[2]).total_seconds() >= 3600
    assert (before[3], after[3]) == (True, True)

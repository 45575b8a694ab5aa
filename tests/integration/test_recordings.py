"""Real recorded data, served by the simulator, arrive digit for digit; the recordings are read here independently."""

import csv
import gzip
import io
import json
import zipfile
from datetime import datetime, timezone
from decimal import Decimal

import pytest

from exchange_simulator import running_simulator


@pytest.fixture(scope="module")
def recorded_exchange(recordings):
    """An exchange that serves what was recorded."""
    with running_simulator(recordings=recordings, no_limits=True) as made:
        yield made


def utc(text, unit):
    return datetime.fromtimestamp(int(text) // unit, timezone.utc).replace(
        microsecond=int(text) % unit * (1_000_000 // unit)
    )


def recorded_klines(folder, symbol, interval):
    """Read data.binance.vision zips: exact decimals, times in milliseconds."""
    rows = set()
    for path in sorted((folder / f"klines_{interval}" / "vision_spot_daily" / symbol).glob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            text = archive.read(archive.namelist()[0]).decode()
        for row in csv.reader(io.StringIO(text)):
            numbers = [Decimal(row[i]) for i in (1, 2, 3, 4, 5, 7, 9, 10)]
            rows.add((utc(row[0], 1000), utc(row[6], 1000), int(row[8]), *numbers))
    return rows


@pytest.mark.parametrize(
    ("symbol", "intervals"), [("BTCUSDT", ("1m", "15m", "1h")), ("ETHUSDT", ("1m", "15m", "1h", "1d"))]
)
def test_recorded_klines(project, recorded_exchange, recordings, symbol, intervals):
    project.use(recorded_exchange).load(
        "--datasets", "klines", "--symbols", symbol, "--intervals", ",".join(intervals),
        "--start", "2020-01-01", "--end", "2023-05-01",
    )  # fmt: skip
    for interval in intervals:
        expected = recorded_klines(recordings, symbol, interval)
        first, last = min(expected)[0], max(expected)[0]
        loaded = project.query(
            "select open_time, close_time, trade_count, open, high, low, close, volume, quote_volume, "
            f"taker_buy_volume, taker_buy_quote_volume from staging.klines where \"interval\" = '{interval}' "
            f"and open_time between '{first}' and '{last}'"
        )
        assert len(loaded) >= len(expected) > 100 or interval == "1d"
        assert expected <= set(loaded)


def test_recorded_aggregate_trades(project, recorded_exchange, recordings):
    project.use(recorded_exchange).load(
        "--datasets", "agg_trades", "--symbols", "BTCUSDT", "--start", "2020-01-02", "--end", "2020-01-03"
    )
    path = recordings / "trades" / "rest_aggtrades" / "BTCUSDT-aggTrades-fromId-202790190.json"
    expected = {
        (row["a"], Decimal(row["p"]), Decimal(row["q"]), row["f"], row["l"], utc(row["T"], 1000), row["m"])
        for row in json.loads(path.read_text())
    }
    loaded = project.query(
        "select agg_trade_id, price, quantity, first_trade_id, last_trade_id, trade_time, is_buyer_maker "
        "from staging.agg_trades"
    )
    assert len(loaded) == len(expected) == 1_000
    assert set(loaded) == expected


def test_recorded_exchange_information_and_tickers(project, recorded_exchange, recordings):
    path = recordings / "exchange_info" / "spot_exchangeInfo_2021-08-26.json.gz"
    with gzip.open(path) as file:
        symbols = json.load(file)["symbols"]
    tickers = json.loads((recordings / "ticker_24hr" / "spot_ticker_24hr_2024-01-14_subset.json").read_text())
    listed = {symbol["symbol"] for symbol in symbols}
    asked = [ticker for ticker in tickers if ticker["symbol"] in listed]
    project.use(recorded_exchange).load(
        "--datasets", "symbols,tickers_24h", "--symbols", ",".join(ticker["symbol"] for ticker in asked)
    )

    def field(symbol, kind, name):
        found = [rule[name] for rule in symbol["filters"] if rule["filterType"] == kind]
        return Decimal(found[0]) if found else None

    expected = {
        (
            symbol["symbol"], symbol["status"], symbol["baseAsset"], symbol["quoteAsset"],
            field(symbol, "PRICE_FILTER", "tickSize"), field(symbol, "LOT_SIZE", "stepSize"),
            field(symbol, "MIN_NOTIONAL", "minNotional"),
        )
        for symbol in symbols
    }  # fmt: skip
    loaded = project.query(
        "select symbol, status, base_asset, quote_asset, tick_size, step_size, min_notional from staging.symbols"
    )
    assert len(loaded) == len(symbols) == 1_608
    assert set(loaded) == expected

    expected = {
        (one["symbol"], Decimal(one["lastPrice"]), Decimal(one["priceChange"]), Decimal(one["volume"]),
         Decimal(one["quoteVolume"]), one["firstId"], one["lastId"], one["count"], utc(one["openTime"], 1000))
        for one in asked
    }  # fmt: skip
    loaded = project.query(
        "select symbol, last_price, price_change, volume, quote_volume, first_id, last_id, count, open_time "
        "from staging.tickers_24h"
    )
    assert len(expected) >= 5
    assert set(loaded) == expected

"""What a dlt user does with the sources beside this script: python dlt_user.py prints the results as JSON."""

import json
import os
from datetime import datetime, timezone

import dlt
import duckdb
from dlt.common.configuration.exceptions import ConfigurationValueError
from dlt.pipeline.exceptions import PipelineStepFailed

from binance_source import binance_spot
from coinbase_source import coinbase_exchange
from okx_source import okx

DAY = {"symbols": ["BTCUSDT"], "source": "rest", "start": "2025-02-10", "end": "2025-02-11"}


def utc(*parts):
    return datetime(*parts, tzinfo=timezone.utc)


def load(name, source):
    """Load a source into a database of its own, which is kept from call to call."""
    dlt.pipeline(name, destination=dlt.destinations.duckdb(f"{name}.duckdb"), dataset_name="market").run(source)


def query(name, sql):
    with duckdb.connect(f"{name}.duckdb") as connection:
        connection.execute("set TimeZone = 'UTC'")
        return [[str(value) for value in row] for row in connection.execute(sql).fetchall()]


def state_of(name, resource):
    pipeline = dlt.pipeline(name, destination=dlt.destinations.duckdb(f"{name}.duckdb"), dataset_name="market")
    return sorted(pipeline.state["sources"]["binance"]["resources"][resource])


def some_resources():
    load("some", binance_spot(**DAY, intervals=["1h"]).with_resources("klines"))
    tables = (
        "select table_name from duckdb_tables() where schema_name = 'market' and not starts_with(table_name, '_dlt')"
    )
    return query("some", tables)


COUNTS = 'select count(*), count(distinct (symbol, "interval", open_time)), count(distinct symbol) from market.klines'


def a_limit():
    days = {**DAY, "symbols": ["BTCUSDT", "ETHUSDT", "SOLUSDT"], "start": "2025-01-01"}
    source = binance_spot(**days)
    source.klines.add_limit(1)
    load("limit", source)
    first = query("limit", COUNTS)
    load("limit", binance_spot(**days))
    return [first, query("limit", COUNTS)]


def hints():
    source = binance_spot(**DAY, intervals=["1h"]).with_resources("klines")
    source.klines.apply_hints(table_name="candles", columns={"close": {"description": "last price"}})
    load("hints", source)
    described = dlt.pipeline("hints").default_schema.get_table("candles")["columns"]["close"]
    return [query("hints", "select count(*) from market.candles"), described["description"], described["data_type"]]


SPAN = "select symbol, min(open_time), max(open_time), count(*) from market.klines group by symbol order by symbol"


def an_incremental():
    """A second symbol comes later: a cursor of dlt's, one for all of them, would leave out its past."""
    found = []
    for symbols in (["BTCUSDT"], ["BTCUSDT", "ETHUSDT"]):
        source = binance_spot(symbols=symbols, source="rest", intervals=["1h"])
        source.klines.apply_hints(incremental=dlt.sources.incremental("open_time", initial_value=utc(2025, 2, 10)))
        load("incremental", source.with_resources("klines"))
        found.append(query("incremental", SPAN))
    return [*found, state_of("incremental", "klines")]


def a_bound_incremental():
    source = binance_spot(symbols=["BTCUSDT"], source="rest").with_resources("trades")
    source.trades.bind(dlt.sources.incremental("trade_id", initial_value=FIRST_ID, end_value=FIRST_ID + 1500))
    load("ids", source)
    source = binance_spot(symbols=["BTCUSDT"], source="rest").with_resources("trades")
    source.trades.bind(dlt.sources.incremental("trade_id", initial_value=FIRST_ID + 1000, end_value=FIRST_ID + 2000))
    load("ids", source)
    return query("ids", "select min(trade_id), max(trade_id), count(*), count(distinct trade_id) from market.trades")


def a_scheduler():
    os.environ |= {"DLT_INTERVAL_START": "2025-02-08T06:00:00Z", "DLT_INTERVAL_END": "2025-02-08T12:00:00Z"}
    source = binance_spot(symbols=["BTCUSDT"], source="rest", intervals=["1h"]).with_resources("klines")
    scheduled = dlt.sources.incremental[datetime]("open_time", allow_external_schedulers=True)
    source.klines.apply_hints(incremental=scheduled)
    load("scheduled", source)
    return query("scheduled", SPAN)


def a_wrong_column():
    source = binance_spot(symbols=["BTCUSDT"], source="rest").with_resources("klines")
    source.klines.apply_hints(incremental=dlt.sources.incremental("close", initial_value=1.0))
    try:
        load("wrong", source)
    except PipelineStepFailed as error:
        cause = error.__cause__
        while cause is not None and not isinstance(cause, ConfigurationValueError):
            cause = cause.__cause__
        return str(cause)
    return "loaded"


def other_venues():
    period = {"start": "2025-02-10", "end": "2025-02-11", "intervals": ["1h"]}
    for _ in range(2):
        load("venues", coinbase_exchange(symbols=["BTC-USD"], **period))
        load("venues", okx(symbols=["BTC-USDT", "BTC-USDT-SWAP"], **period))
    return query(
        "venues",
        "select (select count(*) from market.coinbase_candles), (select count(*) from market.okx_candles), "
        "(select count(*) from market.okx_funding_rates), (select count(*) > 1 from market.coinbase_products), "
        "(select count(*) > 1 from market.okx_instruments), (select count(*) from market.connected_symbols)",
    )


FIRST_ID = int(os.environ["FIRST_ID"])
WHAT = (some_resources, a_limit, hints, an_incremental, a_bound_incremental, a_scheduler, a_wrong_column, other_venues)

if __name__ == "__main__":
    print(json.dumps({one.__name__: one() for one in WHAT}))

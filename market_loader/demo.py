"""The demo: load everything from the bundled simulator, and run a few queries on the result."""

import contextlib
import io
import os
import subprocess
import sys

import duckdb

from exchange_simulator import running_simulator

from . import console, project

QUERIES = (
    (
        "The last hours, rolled up from minutes and equal to the exchange's own candles",
        """select open_time, open, high, low, close, volume, is_complete
from gold.ohlcv
where symbol = 'BTCUSDT' and "interval" = '1h'
order by open_time desc
limit 5""",
    ),
    (
        "The last whole day of each symbol",
        """select symbol, day, close, round(100 * simple_return, 2) as return_percent,
    round(100 * realised_volatility, 2) as volatility_percent, round(100 * max_drawdown, 2) as drawdown_percent
from gold.daily_summary
where is_complete
qualify row_number() over (partition by symbol order by day desc) = 1
order by return_percent desc""",
    ),
    (
        "Who was in a hurry in the last hour: takers who bought, and takers who sold",
        """select symbol, round(sum(buy_quote_volume), 2) as bought, round(sum(sell_quote_volume), 2) as sold,
    round(sum(buy_quote_volume) / sum(buy_quote_volume + sell_quote_volume), 3) as bought_share
from gold.trade_flow
where minute >= (select max(minute) from gold.trade_flow) - interval '1 hour'
group by symbol
order by bought_share desc""",
    ),
    (
        "One candle, three venues: what a bitcoin cost on each of them, and how far apart they were",
        """select open_time, round(binance_close, 2) as binance, round(coinbase_close, 2) as coinbase,
    round(okx_close, 2) as okx, round(vwap, 2) as vwap, round(spread_bps, 2) as spread_bps
from gold.cross_exchange_ohlcv
where symbol = 'BTC-USDT' and "interval" = '1m' and n_venues = 3
order by open_time desc
limit 5""",
    ),
    (
        "What it cost to be long: funding of the last whole day, and what that is by the year",
        """select symbol, day, funding_rate_sum, settlements, round(100 * funding_rate_annualised, 2) as percent_a_year
from gold.funding_daily
where day < (select max(day) from gold.funding_daily)
qualify row_number() over (partition by symbol order by day desc) = 1
order by percent_a_year desc""",
    ),
)
WIDTH = 130

ODDITIES = "okx_placeholders,coinbase_doubled_candles"
"""What the real venues do now and then, too: announce listings as empty rows, and repeat a candle."""


def main() -> int:
    """Run the demo, and return the exit code of loading all venues."""
    print("A simulated exchange, with a simulated market: no number below is a real price.\n")
    with running_simulator(market="default", oddities=ODDITIES) as exchange:
        environment = {
            **os.environ,
            "SOURCES__BINANCE__MARKET_DATA_URL": exchange.url,
            "SOURCES__BINANCE__API_URL": exchange.url,
            "SOURCES__BINANCE__FUTURES_URL": exchange.url,
            "SOURCES__BINANCE__API_KEY": exchange.api_key,
            "SOURCES__BINANCE__API_SECRET": exchange.api_secret,
            "SOURCES__COINBASE__BASE_URL": exchange.coinbase_url,
            "SOURCES__OKX__BASE_URL": exchange.okx_url,
            # The request limits apply here, too: 30 days would take a minute each.
            "SOURCES__COINBASE__CANDLES_LOOKBACK_DAYS": "5",
            "SOURCES__OKX__CANDLES_LOOKBACK_DAYS": "5",
            "SOURCES__BINANCE__ARCHIVE_URL": exchange.archive_url,
            "SOURCES__BINANCE__ARCHIVE_LISTING_URL": exchange.archive_listing_url,
        }
        script = project.ROOT / "pipelines" / "all_venues.py"
        code = subprocess.run(  # noqa: S603 - our own script
            [sys.executable, str(script), "--transform", *sys.argv[1:]], env=environment, check=False
        ).returncode
    if code:
        return code
    database = os.environ.get(project.CREDENTIALS, str(project.ROOT / "market.duckdb"))
    with duckdb.connect(database, read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for title, query in QUERIES:
            print(f"\n{title}:\n\n{query};\n")
            shown = io.StringIO()
            with contextlib.redirect_stdout(shown):
                connection.sql(query).show(max_width=WIDTH)
            console.show(shown.getvalue())
    print(
        f"The database is {database}: open it with DuckDB, or with `make show`.\n"
        "Run `make demo` again, and it loads what has happened since, and nothing twice.\n"
        f"To go live, move the simulated market out of the way (mv {database} {database}.demo), and: make run"
    )
    return 0

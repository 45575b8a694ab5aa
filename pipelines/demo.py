"""`make demo`: the whole job against the bundled exchange simulator, and three queries on what came out of it."""

import os
import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from pipelines import project

project.enter()

import duckdb  # noqa: E402 - the project's place first

from exchange_simulator import running_simulator  # noqa: E402

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
)
WIDTH = 130


def main() -> int:
    """Run the demo; give the pipeline's exit code."""
    print("A simulated exchange, with a simulated market: no number below is a real price.\n")
    with running_simulator(market="default") as exchange:
        environment = {
            **os.environ,
            "SOURCES__BINANCE__MARKET_DATA_URL": exchange.url,
            "SOURCES__BINANCE__API_URL": exchange.url,
            "SOURCES__BINANCE__ARCHIVE_URL": exchange.archive_url,
            "SOURCES__BINANCE__ARCHIVE_LISTING_URL": exchange.archive_listing_url,
        }
        script = Path(__file__).with_name("binance_pipeline.py")
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
            connection.sql(query).show(max_width=WIDTH)
    print(
        f"The database is {database}: open it with DuckDB, or with `make show`.\n"
        "Run `make demo` again, and it loads what has happened since, and nothing twice.\n"
        f"To go live, move the simulated market out of the way (mv {database} {database}.demo), and: make run"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

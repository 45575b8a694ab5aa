"""How fast the REST path is, end to end into DuckDB, against the simulated exchange on the same machine.

    python -m benchmarks.rest [throughput] [limits] [increment]

throughput  1m klines of ten symbols, 50 ms latency, no limits: rows a second of the whole process, and peak memory
limits      the real limit of 6,000 weight a minute: share of it used in each whole minute, and refused requests
increment   one new candle for 500 symbols x 3 intervals: seconds outside of the fetching
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from exchange_simulator import running_simulator
from exchange_simulator.handle import Simulator

ROOT = Path(__file__).resolve().parents[1]
BEGIN = datetime(2025, 1, 1)  # noqa: DTZ001 - the market's UTC
MARKET = """
seed = 11
[[family]]
name = "SYM{{:03d}}USDT"
count = {count}
price = "5"
tick_size = "0.001"
step_size = "0.01"
usual_quantity = "20"
trades_per_minute = 2
listed = 2025-01-01
"""
PARTS = ("binance_source", "coinbase_source", "okx_source", "exchange_engine", "market_loader", "pipelines", ".dlt")


class Bench:
    """A copy of the project, and a simulated market, in a temporary folder."""

    def __init__(self, folder: Path, symbols: int) -> None:
        self.folder = folder
        self.database = folder / "market.duckdb"
        self.market = folder / "market.toml"
        self.market.write_text(MARKET.format(count=symbols))
        self.symbols = ",".join(f"SYM{number:03d}USDT" for number in range(symbols))
        for part in PARTS:
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns(".var", "__pycache__"))

    def run(self, exchange: Simulator, *options: str) -> tuple[float, int, str]:
        """Run the pipeline; return wall seconds, peak memory in bytes and what it printed."""
        script = str(self.folder / "pipelines" / "binance_pipeline.py")
        command = [sys.executable, script, "--progress", "none", "--datasets", "klines", "--symbols", self.symbols]
        environment = {**os.environ, "SOURCES__BINANCE__MARKET_DATA_URL": exchange.url}
        with (self.folder / "out").open("w+") as out:
            began = time.monotonic()
            process = subprocess.Popen([*command, *options], env=environment, stdout=out)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.monotonic() - began
            out.seek(0)
            printed = out.read()
        if status:
            sys.exit(f"the pipeline failed:\n{printed}")
        return seconds, usage.ru_maxrss * 1024, printed

    def rows(self) -> int:
        """Count the klines in the database."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            found = connection.execute("select count(*) from staging.klines").fetchone()
        return int(found[0]) if found else 0


def throughput(bench: Bench, runs: int, days: int) -> None:
    """Measure whole runs into an empty database; the first one, which warms the simulator, does not count."""
    end = BEGIN + timedelta(days=days)
    options = ("--start", BEGIN.isoformat(), "--end", end.isoformat())
    clock = (end + timedelta(days=1)).isoformat()
    with running_simulator(
        market=bench.market, clock=clock, clock_mode="frozen", no_limits=True, latency_ms=50, cache_mb=6000
    ) as exchange:
        results = []
        for number in range(runs + 1):
            bench.database.unlink(missing_ok=True)
            seconds, memory, _ = bench.run(exchange, *options)
            rows = bench.rows()
            if number:
                results.append((rows / seconds, memory))
                print(f"  {rows:,} rows in {seconds:.1f} s: {rows / seconds:,.0f} rows/s, peak {memory / 1e6:,.0f} MB")
    print(
        f"throughput: median {statistics.median(rate for rate, _ in results):,.0f} rows/s of {runs} runs, "
        f"peak memory {max(memory for _, memory in results) / 1e6:,.0f} MB"
    )


def limits(bench: Bench, minutes: float) -> None:
    """Run against the limit for some minutes, beginning shortly before one."""
    days = int(minutes * 6000 / 2 * 1000 / 10 / 1440)
    clock = BEGIN + timedelta(days=days + 1, seconds=55)
    with running_simulator(market=bench.market, clock=clock.isoformat(), weight_limit=6000, latency_ms=50) as exchange:
        bench.database.unlink(missing_ok=True)
        bench.run(exchange, "--start", BEGIN.isoformat(), "--end", (BEGIN + timedelta(days=days)).isoformat())
        stats = exchange.stats()
    used = list(stats["weight_by_window"].values())
    whole = ", ".join(f"{100 * weight / 6000:.1f} %" for weight in used[1:-1])
    print(f"limits: of the allowed weight used in each whole minute: {whole}; 429s: {stats['responses_429']}")


def increment(bench: Bench, runs: int) -> None:
    """Measure runs that find one new candle in each of 1,500 series."""
    options = ("--intervals", "1m,5m,15m", "--start", (BEGIN + timedelta(days=2)).isoformat())
    clock = BEGIN + timedelta(days=2, minutes=15, seconds=30)
    with running_simulator(
        market=bench.market, clock=clock.isoformat(), clock_mode="frozen", no_limits=True, latency_ms=50
    ) as exchange:
        bench.database.unlink(missing_ok=True)
        bench.run(exchange, *options)
        outside = []
        for _ in range(runs):
            exchange.clock_advance(900)
            seconds, _, printed = bench.run(exchange, *options)
            found = re.search(r"([\d.]+)s  \d{4}-", printed)
            fetching = float(found[1]) if found else 0.0
            outside.append(seconds - fetching)
            print(f"  {seconds:.2f} s in all, {fetching:.1f} s of it fetching")
    print(f"increment: median {statistics.median(outside):.2f} s outside of the fetching, of {runs} runs")


def main() -> None:
    """Run the measurements named on the command line, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", metavar="what", help="throughput, limits, increment; default all")
    parser.add_argument("--runs", type=int, default=3, help="counted runs")
    parser.add_argument("--days", type=int, default=348, help="days of ten symbols for throughput: 348 are 5M rows")
    parser.add_argument("--minutes", type=float, default=2.2, help="minutes' worth of weight for limits")
    given = parser.parse_args()
    measures: dict[str, tuple[int, Callable[[Bench], None]]] = {
        "throughput": (10, lambda bench: throughput(bench, given.runs, given.days)),
        "limits": (10, lambda bench: limits(bench, given.minutes)),
        "increment": (500, lambda bench: increment(bench, given.runs)),
    }
    unknown = set(given.what) - set(measures)
    if unknown:
        parser.error(f"unknown measure {', '.join(sorted(unknown))}; there are {', '.join(measures)}")
    for name in given.what or measures:
        symbols, measure = measures[name]
        with tempfile.TemporaryDirectory() as folder:
            measure(Bench(Path(folder), symbols))


if __name__ == "__main__":
    main()

"""The source folder alone, copied into another, empty dlt project, runs as its README says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).resolve().parents[2]


def copy_source(folder, name):
    """Copy a source folder, and the engine that it works on, as its README says."""
    for part in (name, "exchange_engine"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))


@pytest.mark.parametrize(
    "with_archive", [pytest.param(False, marks=pytest.mark.soak), True], ids=["rest", "archive and rest"]
)
def test_the_readme_example_runs_in_an_empty_project(tmp_path, exchange, with_archive):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    copy_source(folder, "binance_source")
    example = re.search(r"```python\n(.*?)```", (ROOT / "binance_source" / "README.md").read_text(), re.DOTALL)[1]
    (folder / "load.py").write_text(example)
    settings = {"SOURCES__BINANCE__MARKET_DATA_URL": exchange.url, "SOURCES__BINANCE__API_URL": exchange.url}
    if with_archive:
        settings["SOURCES__BINANCE__ARCHIVE_URL"] = exchange.archive_url
        settings["SOURCES__BINANCE__ARCHIVE_LISTING_URL"] = exchange.archive_listing_url
    environment = {
        **os.environ,
        **settings,
        "DLT_DATA_DIR": str(tmp_path / "dlt"),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
    }
    for _ in range(2):
        done = subprocess.run([sys.executable, "load.py"], cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    (database,) = folder.glob("*.duckdb")
    with duckdb.connect(str(database)) as connection:
        tables = dict(connection.execute("select table_name, estimated_size from duckdb_tables()").fetchall())
        rows, keys = connection.execute(
            'select count(*), count(distinct (symbol, "interval", open_time)) from market_data.klines'
        ).fetchone()
        from_files = connection.execute("select count(*) from market_data.klines where source <> 'rest'").fetchone()[0]
        per_file = []
        if with_archive:
            per_file = connection.execute(
                "select rows_loaded, (select count(*) from market_data.klines where source = path) "
                "from market_data.archive_files"
            ).fetchall()
    assert {"symbols", "tickers_24h", "klines", "agg_trades"} <= set(tables)
    assert rows == keys > 1_000
    assert (from_files > rows / 2) == with_archive
    assert bool(per_file) == with_archive
    assert all(loaded == counted > 0 for loaded, counted in per_file)


SOURCES = """
import dlt
from binance_source import binance_account, binance_futures, binance_spot

pipeline = dlt.pipeline("market", destination="duckdb", dataset_name="market_data")
for source in (binance_spot, binance_futures, binance_account):
    pipeline.run(source(symbols=["BTCUSDT"]))
"""


def test_all_sources_of_the_folder_share_a_pipeline_and_one_list_of_datasets(tmp_path, exchange):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    copy_source(folder, "binance_source")
    (folder / "load.py").write_text(SOURCES)
    urls = {f"SOURCES__BINANCE__{name}": exchange.url for name in ("MARKET_DATA_URL", "API_URL", "FUTURES_URL")}
    environment = {
        **os.environ,
        **urls,
        "SOURCES__BINANCE__DATASETS": '["klines", "funding_rates", "premium_index", "account_trades"]',
        "SOURCES__BINANCE__SOURCE": "rest",
        "SOURCES__BINANCE__INTERVALS": '["1h"]',
        "SOURCES__BINANCE__API_KEY": exchange.api_key,
        "SOURCES__BINANCE__API_SECRET": exchange.api_secret,
        "DLT_DATA_DIR": str(tmp_path / "dlt"),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
    }
    for _ in range(2):
        done = subprocess.run([sys.executable, "load.py"], cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    (database,) = folder.glob("*.duckdb")
    with duckdb.connect(str(database)) as connection:
        counted = connection.execute(
            "select (select count(*) from market_data.klines where market = 'spot'), "
            "(select count(*) from market_data.klines where market = 'um'), "
            "(select count(*) from market_data.funding_rates), (select count(*) from market_data.premium_index), "
            "(select count(*) = count(distinct trade_id) and count(*) > 100 from market_data.account_trades)"
        ).fetchone()
    # Thirty days until 12:00 on February 11: the first hour begins after half past, the open one is left out.
    hours = 30 * 24 - 1
    assert counted == (hours, hours, 90, 1, True)

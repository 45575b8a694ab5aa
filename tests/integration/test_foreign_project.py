"""The source folder alone, copied into another, empty dlt project, runs as its README says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[2]


def test_the_readme_example_runs_in_an_empty_project(tmp_path, exchange):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    shutil.copytree(ROOT / "binance_source", folder / "binance_source")
    example = re.search(r"```python\n(.*?)```", (ROOT / "binance_source" / "README.md").read_text(), re.DOTALL)[1]
    (folder / "load.py").write_text(example)
    settings = {"SOURCES__BINANCE__MARKET_DATA_URL": exchange.url, "SOURCES__BINANCE__API_URL": exchange.url}
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
    assert {"symbols", "tickers_24h", "klines", "agg_trades"} <= set(tables)
    assert rows == keys > 1_000

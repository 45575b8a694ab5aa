"""What the other venues have in common: their limits are kept, and their folders run in a foreign project."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb

from exchange_simulator import running_simulator

ROOT = Path(__file__).resolve().parents[2]
TABLES = {"coinbase": "coinbase_candles", "okx": "okx_candles"}


def test_no_limit_is_ever_reached_beyond(project):
    with running_simulator(market="tests", clock="2025-02-11T12:00:30") as exchange:
        project.use_venue("coinbase", exchange.coinbase_url, CONNECTIONS="16")
        project.load("--symbols", "BTC-USD,ETH-USD", "--start", "2025-02-10")
        project.use_venue("okx", exchange.okx_url, CONNECTIONS="16")
        project.load("--symbols", "BTC-USDT,BTC-USDT-SWAP", "--start", "2025-02-09")
        stats = exchange.stats()
    # More than may be asked for at once.
    for name, least in {"coinbase requests": 15, "okx market/history-candles": 20}.items():
        assert stats["limits"][name]["total"] > least
    assert {name: limit["refused"] for name, limit in stats["limits"].items() if limit["refused"]} == {}
    assert stats["limits"]["coinbase requests"]["max_in_window"] <= 10
    assert stats["limits"]["okx market/history-candles"]["max_in_window"] <= 20
    assert stats["responses_429"] == stats["requests_while_told_to_wait"] == 0


def test_the_readme_examples_run_in_an_empty_project_with_the_engine_beside_them(tmp_path, exchange):
    folder = tmp_path / "elsewhere"
    shutil.copytree(ROOT / "exchange_engine", folder / "exchange_engine")
    settings, examples = {}, []
    for venue in TABLES:
        shutil.copytree(ROOT / f"{venue}_source", folder / f"{venue}_source")
        readme = (ROOT / f"{venue}_source" / "README.md").read_text()
        examples.append(re.search(r"```python\n(.*?)```", readme, re.DOTALL)[1])
        settings[f"SOURCES__{venue.upper()}__BASE_URL"] = getattr(exchange, f"{venue}_url")
        settings[f"SOURCES__{venue.upper()}__CANDLES_LOOKBACK_DAYS"] = "10"
    # Each of them twice.
    (folder / "load.py").write_text("".join(examples * 2))
    environment = {**os.environ, **settings, "DLT_DATA_DIR": str(tmp_path), "RUNTIME__DLTHUB_TELEMETRY": "false"}
    done = subprocess.run([sys.executable, "load.py"], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for venue, table in TABLES.items():
        with duckdb.connect(str(folder / f"{venue}.duckdb")) as connection:
            rows, keys = connection.execute(
                f'select count(*), count(distinct (symbol, "interval", open_time)) from market_data.{table}'
            ).fetchone()
        # Of ten days, less an outage.
        assert rows == keys >= 238

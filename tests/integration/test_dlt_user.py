"""The source folders, copied into an empty dlt project or installed from the wheel, do what a dlt user expects."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("binance_source", "coinbase_source", "okx_source", "exchange_engine")
FIRST_DAY_MS = 1739059200000  # 2025-02-09


def environment(exchange, folder):
    urls = {
        **{f"SOURCES__BINANCE__{name}": exchange.url for name in ("MARKET_DATA_URL", "API_URL", "FUTURES_URL")},
        "SOURCES__COINBASE__BASE_URL": exchange.coinbase_url,
        "SOURCES__OKX__BASE_URL": exchange.okx_url,
    }
    quiet = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL"}
    return {**os.environ, **urls, **quiet, "DLT_DATA_DIR": str(folder / "dlt")}


@pytest.fixture(scope="module")
def trades(shared_exchange):
    """Single trades of a day, in the order of their ids."""
    return shared_exchange.truth("trades", "BTCUSDT", start_ms=FIRST_DAY_MS, end_ms=FIRST_DAY_MS + 86_400_000 - 1)


@pytest.fixture(scope="module")
def done(tmp_path_factory, shared_exchange, trades):
    """The results of dlt_user.py beside copies of the folders."""
    folder = tmp_path_factory.mktemp("elsewhere")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(Path(__file__).with_name("dlt_user.py"), folder)
    first = trades["trade_id"][0].as_py()
    ran = subprocess.run(
        [sys.executable, "dlt_user.py"], cwd=folder, capture_output=True, text=True,
        env={**environment(shared_exchange, folder), "FIRST_ID": str(first)},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def test_with_resources_loads_these_alone(done):
    assert done["some_resources"] == [["klines"]]


def test_what_a_limit_has_cut_off_is_loaded_by_the_next_run(done):
    limited, whole = done["a_limit"]
    assert limited[0][0] == limited[0][1] == "122880"
    rows = str(3 * 41 * 1440)
    assert whole == [[rows, rows, "3"]]


def test_hints_are_applied(done):
    assert done["hints"] == [[["24"]], "last price", "decimal"]


def test_an_incremental_says_the_period_and_no_symbol_is_cut_by_another_ones_cursor(done):
    first, second, state = done["an_incremental"]
    span = ["2025-02-10 00:00:00+00:00", "2025-02-11 11:00:00+00:00", "36"]
    assert first == [["BTCUSDT", *span]]
    assert second == [["BTCUSDT", *span], ["ETHUSDT", *span]]
    assert state == ["coverage", "wanted"]


def test_trades_take_an_incremental_on_their_ids(done, trades):
    first = trades["trade_id"][0].as_py()
    assert done["a_bound_incremental"] == [[str(first), str(first + 1999), "2000", "2000"]]


def test_an_external_scheduler_says_the_period(done):
    assert done["a_scheduler"] == [["BTCUSDT", "2025-02-08 06:00:00+00:00", "2025-02-08 11:00:00+00:00", "6"]]


def test_an_incremental_on_another_column_is_refused(done):
    assert "klines takes an incremental on open_time, and not on close" in done["a_wrong_column"]


def test_the_other_venues_run_as_copied_folders_and_load_nothing_twice(done):
    assert done["other_venues"] == [["24", "48", "3", "True", "True", "3"]]


def test_the_longer_examples_of_the_readme_run(tmp_path, exchange):
    for name in ("binance_source", "exchange_engine"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    _, *examples = re.findall(r"```python\n(.*?)```", (ROOT / "binance_source" / "README.md").read_text(), re.DOTALL)
    assert len(examples) == 2
    for number, example in enumerate(examples):
        (tmp_path / f"example_{number}.py").write_text(
            example.replace("2024, 1, 1", "2025, 2, 10").replace("2024-01-01", "2025-02-10")
        )
        ran = subprocess.run(
            [sys.executable, f"example_{number}.py"], cwd=tmp_path, capture_output=True, text=True,
            env={**environment(exchange, tmp_path), "SOURCES__BINANCE__SOURCE": "rest"},
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "None {'klines': []}"


def test_the_sources_run_from_the_wheel(tmp_path, exchange):
    project = tmp_path / "project"
    project.mkdir()
    for name in (*FOLDERS, "market_loader", "exchange_simulator"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, project)
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    wheels, site = tmp_path / "wheels", tmp_path / "site"
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", wheels, project], check=True)
    subprocess.run([*pip, "install", "--no-deps", "--target", site, *wheels.glob("*.whl")], check=True)
    (tmp_path / "load.py").write_text(WHEEL)
    ran = subprocess.run(
        [sys.executable, "load.py"], cwd=tmp_path, capture_output=True, text=True,
        env={**environment(exchange, tmp_path), "PYTHONPATH": str(site)},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["24", str(site / "binance_source" / "__init__.py")]


WHEEL = """
import binance_source, dlt

pipeline = dlt.pipeline("wheel", destination="duckdb", dataset_name="market")
day = {"start": "2025-02-10", "end": "2025-02-11"}
pipeline.run(binance_source.binance_spot(["BTCUSDT"], ["1h"], source="rest", datasets=["klines"], **day))
with pipeline.sql_client() as client:
    print(client.execute_sql("select count(*) from klines")[0][0], binance_source.__file__)
"""

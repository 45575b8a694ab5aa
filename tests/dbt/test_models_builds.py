"""dbt build where little or nothing was loaded, and from either working directory."""

import os
import shutil
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import yaml
from conftest import MARKET_MODELS, SPOT_MODELS, Warehouse
from staging_tables import STAGING

ROOT = Path(__file__).resolve().parents[2]
MIDNIGHT = datetime(2024, 1, 1, tzinfo=timezone.utc)
KLINE = {
    "market": "spot",
    "symbol": "BTCUSDT",
    "interval": "1m",
    "open_time": MIDNIGHT,
    "open": Decimal("10"),
    "high": Decimal("12.00000001"),
    "low": Decimal("9"),
    "close": Decimal("11"),
    "volume": Decimal("12345678901234567890.12345678"),
    "close_time": MIDNIGHT + timedelta(seconds=59, milliseconds=999),
    "quote_volume": Decimal("42"),
    "trade_count": 3,
    "taker_buy_volume": Decimal("1"),
    "taker_buy_quote_volume": Decimal("10"),
    "source": "rest",
}


@pytest.fixture(scope="module")
def grown(new_warehouse):
    """A warehouse built empty, then with klines alone; with what it held in between."""
    warehouse = new_warehouse(whole=True)
    warehouse.build("--resource-type", "all")
    empty = warehouse.contents()
    warehouse.load("1763700000.1", klines=[KLINE])
    warehouse.build()
    return warehouse, empty


def test_an_empty_database_builds_green_with_empty_models(grown):
    _, empty = grown
    assert len(empty) == 32
    assert set(map(len, empty.values())) == {0}


def test_columns_of_what_was_never_loaded_have_their_types(grown):
    warehouse, _ = grown
    types = dict(
        warehouse.query(
            "select column_name, data_type from information_schema.columns"
            " where table_schema = 'silver' and table_name = 'agg_trades'"
        )
    )
    assert types["price"] == types["quantity"] == "DECIMAL(28,8)"
    assert types["agg_trade_id"] == "BIGINT"
    assert types["trade_time"] == "TIMESTAMP WITH TIME ZONE"
    assert types["is_buyer_maker"] == "BOOLEAN"


def test_klines_alone_build_green_and_arrive_exactly(grown):
    warehouse, _ = grown
    assert warehouse.query("select high, volume from silver.klines") == [(KLINE["high"], KLINE["volume"])]
    assert warehouse.query('select "interval", volume from gold.ohlcv where "interval" = \'1d\'') == [
        ("1d", KLINE["volume"])
    ]
    assert warehouse.query("select symbol, first_kline_open_time from gold.dim_symbols") == [("BTCUSDT", MIDNIGHT)]
    assert warehouse.query("select count(*) from gold.trade_flow") == [(0,)]


def test_no_table_or_view_is_outside_the_named_schemas(grown):
    warehouse, _ = grown
    schemas = {name for (name,) in warehouse.query("select distinct table_schema from information_schema.tables")}
    assert schemas == {"staging", "stg", "silver", "gold"}


def test_what_users_query_can_be_read_from_a_copy_that_is_attached_under_another_name(grown, tmp_path):
    shutil.copy(grown[0].copy(tmp_path / "copy").path, tmp_path / "renamed.duckdb")
    with duckdb.connect() as connection:
        connection.execute(f"attach '{tmp_path / 'renamed.duckdb'}' as elsewhere (read_only)")
        relations = connection.execute(
            """select table_schema || '.' || table_name from information_schema.tables
            where table_catalog = 'elsewhere' and table_schema in ('silver', 'gold')"""
        ).fetchall()
        assert {name for (name,) in relations} == {*SPOT_MODELS, *MARKET_MODELS, "silver.known_outages"}
        for (name,) in relations:
            connection.execute(f"select * from elsewhere.{name}").fetchall()


def test_every_view_can_be_read_from_a_copy_under_another_name(new_warehouse, tmp_path):
    warehouse = new_warehouse(whole=True)
    warehouse.load("1763700000.1", **{table: [] for table in STAGING if table not in ("_dlt_loads", "klines")})
    warehouse.load("1763700010.1", klines=[KLINE])
    warehouse.build("--select", "staging", models_only=True)
    other = shutil.copy(warehouse.copy(tmp_path / "copy").path, tmp_path / "other.duckdb")
    with duckdb.connect(other) as connection:
        views = connection.execute("select schema_name || '.' || view_name from duckdb_views() where not internal")
        names = [name for (name,) in views.fetchall()]
        assert {name.split(".")[0] for name in names} == {"stg"}
        assert len(names) == len(list((ROOT / "dbt_project" / "models" / "staging").glob("*.sql")))
        opened = {name: connection.execute(f"select * from {name}").fetchall() for name in names}
    with duckdb.connect() as connection:
        # A table of the same name in the database that is open is not the one that is meant.
        connection.execute("create schema staging")
        connection.execute("create table staging.klines as select 1 as market")
        connection.execute(f"attach '{other}' as m (read_only)")
        attached = {name: connection.execute(f"select * from m.{name}").fetchall() for name in names}
    assert opened == attached
    assert {name: len(rows) for name, rows in opened.items() if rows} == {"stg.stg_binance__klines": 1}


def test_the_two_profiles_differ_in_the_default_path_alone():
    root = yaml.safe_load((ROOT / "profiles.yml").read_text())
    inner = yaml.safe_load((ROOT / "dbt_project" / "profiles.yml").read_text())
    paths = [profile["market"]["outputs"]["dev"].pop("path") for profile in (root, inner)]
    assert root == inner
    assert paths == [
        "{{ env_var('DESTINATION__MARKET__CREDENTIALS', 'market.duckdb') }}",
        "{{ env_var('DESTINATION__MARKET__CREDENTIALS', '../market.duckdb') }}",
    ]


def test_both_working_directories_build_the_same_file(tmp_path):
    shutil.copytree(ROOT / "dbt_project", tmp_path / "dbt_project", ignore=shutil.ignore_patterns("target", "logs"))
    shutil.copy(ROOT / "profiles.yml", tmp_path)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DESTINATION__")}
    warehouse = Warehouse(tmp_path / "market.duckdb", tmp_path / "dbt_project")

    def build(folder, *options):
        command = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "--warn-error", "build"]
        done = subprocess.run(
            [*command, "--select", "+klines", *options],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        return warehouse.query("select count(*) from silver.klines")

    assert build(tmp_path, "--project-dir", "dbt_project") == [(0,)]
    warehouse.load("1763700000.1", klines=[KLINE])
    assert build(tmp_path / "dbt_project") == [(1,)]
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.duckdb")] == ["market.duckdb"]

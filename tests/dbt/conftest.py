"""A DuckDB file with the staging schema that dlt writes, and dbt on it."""

import csv
import functools
import io
import shutil
import zipfile
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from dbt.cli.main import dbtRunner

ROOT = Path(__file__).resolve().parents[2]

TIME, NUMBER = "timestamp with time zone", "decimal(28, 8)"
STAGING = {
    "_dlt_loads": {
        "load_id": "text",
        "schema_name": "text",
        "status": "bigint",
        "inserted_at": TIME,
        "schema_version_hash": "text",
    },
    "klines": {
        **dict.fromkeys(("market", "symbol", "interval"), "text"),
        "open_time": TIME,
        **dict.fromkeys(("open", "high", "low", "close", "volume"), NUMBER),
        "close_time": TIME,
        "quote_volume": NUMBER,
        "trade_count": "bigint",
        **dict.fromkeys(("taker_buy_volume", "taker_buy_quote_volume"), NUMBER),
        **dict.fromkeys(("source", "_dlt_load_id"), "text"),
    },
    "agg_trades": {
        **dict.fromkeys(("market", "symbol"), "text"),
        "agg_trade_id": "bigint",
        **dict.fromkeys(("price", "quantity"), NUMBER),
        **dict.fromkeys(("first_trade_id", "last_trade_id"), "bigint"),
        "trade_time": TIME,
        "is_buyer_maker": "boolean",
        **dict.fromkeys(("source", "_dlt_load_id"), "text"),
    },
    "trades": {
        **dict.fromkeys(("market", "symbol"), "text"),
        "trade_id": "bigint",
        **dict.fromkeys(("price", "quantity", "quote_quantity"), NUMBER),
        "trade_time": TIME,
        "is_buyer_maker": "boolean",
        **dict.fromkeys(("source", "_dlt_load_id"), "text"),
    },
    "archive_files": {
        **dict.fromkeys(("path", "market", "dataset", "symbol", "interval", "status", "reason", "sha256"), "text"),
        "last_modified": TIME,
        **dict.fromkeys(("size_bytes", "row_count", "rows_loaded"), "bigint"),
        "loaded_at": TIME,
        **dict.fromkeys(("revision", "rows_changed", "rows_compared"), "bigint"),
        **dict.fromkeys(("replaced_load_id", "_dlt_load_id"), "text"),
    },
    "archive_disagreements": {
        **dict.fromkeys(("path", "market", "dataset", "symbol", "interval"), "text"),
        "row_key": "bigint",
        **dict.fromkeys(("column_name", "archive_value", "other_value", "other_source"), "text"),
        "found_at": TIME,
        "_dlt_load_id": "text",
    },
    "symbols": {
        **dict.fromkeys(("market", "symbol", "status", "base_asset", "quote_asset"), "text"),
        "tick_size": NUMBER,
        "updated_at": TIME,
        "_dlt_load_id": "text",
    },
    "series_periods": {
        **dict.fromkeys(("series", "market", "dataset", "symbol", "interval", "state"), "text"),
        **dict.fromkeys(("period_start", "period_end"), TIME),
        **dict.fromkeys(("first_id", "end_id"), "bigint"),
        "recorded_at": TIME,
        "_dlt_load_id": "text",
    },
    "listings": {
        **dict.fromkeys(("market", "symbol"), "text"),
        **dict.fromkeys(("first_open_time", "checked_at"), TIME),
        "_dlt_load_id": "text",
    },
    "gap_checks": {
        **dict.fromkeys(("market", "dataset", "symbol", "interval"), "text"),
        **dict.fromkeys(("gap_start", "gap_end"), TIME),
        **dict.fromkeys(("first_id", "last_id"), "bigint"),
        **dict.fromkeys(("source", "outcome"), "text"),
        "rows_found": "bigint",
        "detail": "text",
        "checked_at": TIME,
        "_dlt_load_id": "text",
    },
}
ARROW_TYPES = {
    "text": pa.string(),
    "bigint": pa.int64(),
    "boolean": pa.bool_(),
    TIME: pa.timestamp("us", tz="UTC"),
    NUMBER: pa.decimal128(28, 8),
}
MODELS = (
    "silver.klines",
    "silver.rejected_klines",
    "silver.trades",
    "silver.agg_trades",
    "silver.kline_runs",
    "silver.kline_gaps",
    "silver.trade_runs",
    "silver.trade_gaps",
    "gold.completeness",
    "gold.ohlcv",
    "gold.daily_summary",
    "gold.trade_flow",
    "gold.dim_symbols",
    "silver.trade_minutes",
    "silver.agg_trade_minutes",
    "gold.reconciled_trade_days",
    "gold.reconciled_agg_trade_days",
    "gold.reconciled_rollup_days",
    "silver.covered_periods",
    "gold.reconciliation",
    "gold.reconciliation_summary",
)


MODELS_ONLY = ("--resource-type", "model", "--resource-type", "seed")


def invoke(project, command, *options, manifest=None):
    """Run dbt in this process. A second thread would only wait for the first one's Python."""
    return dbtRunner(manifest=manifest).invoke(
        [
            *("--warn-error", "--quiet", "--no-write-json", "--log-level-file", "none", command),
            *("--project-dir", str(project), "--profiles-dir", str(ROOT), "--threads", "1"),
            *options,
        ]
    )


@contextmanager
def destination(path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DESTINATION__MARKET__CREDENTIALS", str(path))
        yield


@functools.cache
def parsed(project, database):
    """The project as it is for all databases of a name: dbt would read it anew for each file."""
    with destination(f"{database}.duckdb"):
        outcome = invoke(project, "parse")
    assert outcome.success, outcome.exception
    return outcome.result


class Warehouse:
    """A database file, filled as dlt fills it and built by dbt in this process."""

    def __init__(self, path: Path, project: Path) -> None:
        self.path = path
        self.project = project

    def connect(self):
        # dbt leaves its connection open in this process: another configuration would be refused.
        connection = duckdb.connect(str(self.path))
        connection.execute("set TimeZone = 'UTC'")
        return connection

    def query(self, sql, *parameters):
        with self.connect() as connection:
            return connection.execute(sql, parameters).fetchall()

    def load(self, load_id, complete=True, **tables):
        """Append rows (mappings) to staging tables as one load; without an entry in _dlt_loads if it is incomplete."""
        with self.connect() as connection:
            connection.execute("create schema if not exists staging")
            for table in ("_dlt_loads", *tables):
                columns = ", ".join(f'"{name}" {kind}' for name, kind in STAGING[table].items())
                connection.execute(f"create table if not exists staging.{table} ({columns})")
            for table, rows in tables.items():
                arrow = pa.table(
                    {
                        name: pa.array([{**row, "_dlt_load_id": load_id}.get(name) for row in rows], ARROW_TYPES[kind])
                        for name, kind in STAGING[table].items()
                    }
                )
                connection.register("arrow", arrow)
                connection.execute(f"insert into staging.{table} select * from arrow")
            if complete:
                connection.execute("insert into staging._dlt_loads values (?, 'binance', 0, now(), 'hash')", [load_id])

    def build(self, *options, models_only=False):
        """Run dbt build; warnings and deprecations are errors. Unit tests, which see no data, run where asked for.

        models_only: leave out the data tests, which take as long as the models, where another build runs them.
        """
        if models_only:
            options = (*MODELS_ONLY, *options)
        elif "--resource-type" not in options:
            # Made-up rows do not agree with each other: what differs between them is shown by tests of its own.
            options = ("--exclude-resource-type", "unit_test", "--exclude", "reconciliation_is_empty", *options)
        with destination(self.path):
            outcome = invoke(self.project, "build", *options, manifest=parsed(self.project, self.path.stem))
        failed = [
            f"{r.node.name}: {r.message}" for r in (outcome.result or []) if r.status in ("error", "fail", "warn")
        ]
        assert not failed, failed
        assert outcome.success, outcome.exception

    def copy(self, folder, name="market.duckdb"):
        """Copy the file into a new folder; a database under another name has to be parsed for it."""
        self.query("checkpoint")
        folder.mkdir()
        return Warehouse(Path(shutil.copy(self.path, folder / name)), self.project)

    def refreshed(self, folder):
        """What a full refresh makes of a copy. The staging views are those of the last build."""
        warehouse = self.copy(folder, self.path.name)
        warehouse.build("--full-refresh", "--select", "silver", "gold", models_only=True)
        return warehouse.contents()

    def contents(self):
        """Every silver and gold table as a sorted list of rows."""
        with self.connect() as connection:
            return {model: connection.execute(f"select * from {model} order by all").fetchall() for model in MODELS}


@pytest.fixture(scope="session")
def dbt_project(tmp_path_factory):
    """A copy of the dbt project, so that no test writes into the checkout's target folder."""
    folder = tmp_path_factory.mktemp("project") / "dbt_project"
    shutil.copytree(ROOT / "dbt_project", folder, ignore=shutil.ignore_patterns("target", "logs"))
    return folder


@pytest.fixture(scope="module")
def new_warehouse(tmp_path_factory, dbt_project):
    """Make an empty warehouse."""
    return lambda: Warehouse(tmp_path_factory.mktemp("warehouse") / "market.duckdb", dbt_project)


def read_zips(paths):
    """Every row of the CSV files in the zips, as text, header rows left out."""
    for path in paths:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                for row in csv.reader(io.StringIO(archive.read(name).decode())):
                    if row[0].isdigit():
                        yield row


@pytest.fixture(scope="session")
def recorded_klines(recordings):
    """Read the recorded daily zips of one symbol and interval as staging rows."""

    def read(symbol, interval, pattern, folder=None):
        files = sorted((recordings / (folder or f"klines_{interval}/vision_spot_daily/{symbol}")).glob(pattern))
        assert files, f"no recordings of {symbol} {interval} {pattern}"
        numbers = ("open", "high", "low", "close", "volume")
        return [
            {
                "market": "spot",
                "symbol": symbol,
                "interval": interval,
                "open_time": utc(row[0]),
                **{name: Decimal(text) for name, text in zip(numbers, row[1:6], strict=True)},
                "close_time": utc(row[6]),
                "quote_volume": Decimal(row[7]),
                "trade_count": int(row[8]),
                "taker_buy_volume": Decimal(row[9]),
                "taker_buy_quote_volume": Decimal(row[10]),
                "source": "recording",
            }
            for row in read_zips(files)
        ]

    return read


def utc(milliseconds):
    """The time so many milliseconds after the epoch, exactly."""
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=int(milliseconds))

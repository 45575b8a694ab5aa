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
from parsed import DATABASE, place
from staging_tables import ARROW_TYPES, STAGING

ROOT = Path(__file__).resolve().parents[2]

SPOT_MODELS = (
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
# Of futures, the account and other venues.
MARKET_MODELS = (
    "silver.account_trades",
    "silver.candle_series",
    "silver.candles",
    "silver.funding_rates",
    "silver.open_interest",
    "silver.rejected_candles",
    "gold.basis_daily",
    "gold.cross_exchange_ohlcv",
    "gold.funding_daily",
    "gold.open_interest_daily",
    "gold.portfolio_balances",
)
MARKET_VIEWS = (
    *(f"stg_binance__{table}" for table in ("mark_price_klines", "funding_rates", "open_interest", "premium_index")),
    *(
        "stg_binance__account_balances",
        "stg_binance__account_trades",
        "stg_coinbase__candles",
        "stg_coinbase__products",
    ),
    *("stg_okx__candles", "stg_okx__instruments", "stg_okx__funding_rates"),
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
    """A database file, filled as dlt fills it and built by dbt in this process.

    Args:
        path: Where the file is.
        project: The dbt project's folder.
        whole: Build the models of futures, the account and other venues too; without these a build takes half as long.
    """

    def __init__(self, path: Path, project: Path, whole: bool = False) -> None:
        self.path = path
        self.project = project
        self.whole = whole

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
        excluded = [] if self.whole else [f"{view}+" for view in MARKET_VIEWS]
        if models_only:
            options = (*MODELS_ONLY, *options)
        elif "--resource-type" not in options:
            # Made-up rows do not agree with each other: what differs between them is shown by tests of its own.
            options = ("--exclude-resource-type", "unit_test", *options)
            excluded.append("reconciliation_is_empty")
        if excluded:
            options = (*options, "--exclude", *excluded)
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
        return Warehouse(Path(shutil.copy(self.path, folder / name)), self.project, self.whole)

    def refreshed(self, folder):
        """What a full refresh makes of a copy. The staging views are those of the last build."""
        warehouse = self.copy(folder, self.path.name)
        warehouse.build("--full-refresh", "--select", "silver", "gold", models_only=True)
        return warehouse.contents()

    def contents(self):
        """Every silver and gold table as a sorted list of rows."""
        with self.connect() as connection:
            models = (*SPOT_MODELS, *MARKET_MODELS) if self.whole else SPOT_MODELS
            return {model: connection.execute(f"select * from {model} order by all").fetchall() for model in models}


@pytest.fixture(scope="session")
def dbt_project(tmp_path_factory, share_parsed_models):
    """A copy of the dbt project, so that no test writes into the checkout's target folder."""
    folder = tmp_path_factory.mktemp("project") / "dbt_project"
    shutil.copytree(ROOT / "dbt_project", folder, ignore=shutil.ignore_patterns("target", "logs"))
    place(folder, DATABASE)
    return folder


@pytest.fixture(scope="module")
def new_warehouse(tmp_path_factory, dbt_project):
    """Make an empty warehouse."""

    def new(whole=False):
        return Warehouse(tmp_path_factory.mktemp("warehouse") / "market.duckdb", dbt_project, whole)

    return new


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

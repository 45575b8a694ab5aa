"""What all tests share: where the recordings are, and a copy of the project to run the commands in."""

import os
import random
import shutil
import subprocess
from pathlib import Path

import duckdb
import parsed
import pytest
from warm import start_script

ROOT = Path(__file__).resolve().parents[1]
PARTS = (
    "binance_source",
    "coinbase_source",
    "exchange_engine",
    "okx_source",
    "market_loader",
    "pipelines",
    ".dlt",
    "dbt_project",
    "profiles.yml",
)
LEFT_OUT = shutil.ignore_patterns(".var", "target", "logs", "secrets.toml", "*.duckdb")


def pytest_addoption(parser):
    parser.addoption("--seed", type=int, help="of the random tests; default 0, and a new one in each run of -m soak")


def pytest_configure(config):
    # Workers are told the seed of the first process: all of them have to draw the same.
    inherited = getattr(config, "workerinput", {}).get("seed")
    is_soak = config.option.markexpr == "soak"
    given = inherited if inherited is not None else config.option.seed
    config.seed = given if given is not None else random.randrange(1_000_000) if is_soak else 0


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    node.workerinput["seed"] = node.config.seed


def pytest_report_header(config):
    return f"seed of the random tests: {config.seed}"


@pytest.fixture(scope="session")
def seed(request) -> int:
    """What random tests draw from, together with a number of their own."""
    return request.config.seed


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recorded market data."""
    folder = Path(os.environ.get("RECORDINGS_DIR", ROOT.parent / "shared" / "recordings"))
    if not (folder / "INDEX.md").exists():
        pytest.skip("no recorded market data: set RECORDINGS_DIR")
    return folder


@pytest.fixture(scope="session", autouse=True)
def share_parsed_models(tmp_path_factory):
    """Let the processes of a test run have one folder for what dbt parses."""
    own = tmp_path_factory.getbasetemp()
    parsed.share(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)


class Project:
    """A copy of the project in a folder of its own, so that no test touches the state of the checkout."""

    venue = "binance"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "market.duckdb"
        self.settings: dict[str, str] = {}
        for part in PARTS:
            source, target = ROOT / part, folder / part
            if source.is_dir():
                shutil.copytree(source, target, ignore=LEFT_OUT)
            else:
                shutil.copy(source, target)

    def use(self, exchange, **settings):
        """Talk to this simulated exchange from now on, by REST alone: the archive is another exchange's."""
        self.venue = "binance"
        self.settings = {"MARKET_DATA_URL": exchange.url, "API_URL": exchange.url, **settings}
        return self

    def use_venue(self, venue, url, **settings):
        """Run the command of another venue from now on; what fails is tried again soon."""
        self.venue = venue
        self.settings = {"BASE_URL": url, "BACKOFF_SECONDS": "0.05", **settings}
        return self

    def use_archive(self, exchange, **settings):
        """Talk to this simulated exchange and to its archive from now on; what fails is tried again soon."""
        archive = {"ARCHIVE_URL": exchange.archive_url, "ARCHIVE_LISTING_URL": exchange.archive_listing_url}
        return self.use(exchange, **archive, BACKOFF_SECONDS="0.05", **settings)

    def environment(self, **settings):
        chosen = {**self.settings, **{key.upper(): str(value) for key, value in settings.items()}}
        inherited = {key: value for key, value in os.environ.items() if "__" not in key}
        return {**inherited, **{f"SOURCES__{self.venue.upper()}__{key}": value for key, value in chosen.items()}}

    def parse_models(self):
        """Spare dbt the reading of its project."""
        parsed.place(self.folder / "dbt_project", self.database)

    def start(self, *options, **settings):
        """Start the pipeline command and give the process."""
        if {"--transform", "--repair"} & set(options):
            self.parse_models()
        script = self.folder / "pipelines" / f"{self.venue}_pipeline.py"
        arguments = [script, "--progress", "none", *options]
        return start_script(arguments, self.folder.parent, self.environment(**settings))

    def run(self, *options, **settings):
        """Run the pipeline command to its end."""
        process = self.start(*options, **settings)
        try:
            out, error = process.communicate(timeout=180)
        finally:
            process.kill()
        assert "Traceback" not in error, error
        return subprocess.CompletedProcess(process.args, process.returncode, out, error)

    def load(self, *options, **settings):
        """Run the pipeline command and expect it to do all."""
        done = self.run(*options, **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def query(self, sql, **tables):
        """Query the database; keyword arguments are Arrow tables that the query may name."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            for name, table in tables.items():
                connection.register(name, table)
            return connection.execute(sql).fetchall()

    def count(self, table):
        return self.query(f"select count(*) from staging.{table}")[0][0]

    def assert_equals(self, table, truth, where="true"):
        """Assert that a staging table holds exactly the rows of the truth, each of them once."""
        columns = ", ".join(f'"{name}"' for name in truth.column_names)
        loaded = f"select {columns} from staging.{table} where {where}"
        assert truth.num_rows > 0
        assert self.query(f"select count(*) from staging.{table} where {where}")[0][0] == truth.num_rows
        assert self.query(f"({loaded} except select {columns} from truth) limit 3", truth=truth) == []
        assert self.query(f"(select {columns} from truth except {loaded}) limit 3", truth=truth) == []


@pytest.fixture
def project(tmp_path) -> Project:
    """A fresh copy of the project."""
    return Project(tmp_path / "project")


@pytest.fixture(scope="module")
def module_project(tmp_path_factory) -> Project:
    """A fresh copy of the project that the tests of a module look at together."""
    return Project(tmp_path_factory.mktemp("module") / "project")

"""A load of all kinds of data, runs of it that are killed, and what has to hold after each of them."""

import time
from pathlib import Path

from warm import start_script

from tests.integration.served_archive import assert_rows_lead_to_files, assert_trades_equal, zips_asked_for

NOW = "2025-02-11T12:00:30"
START = "2025-02-09"
SYMBOLS = ("SOLUSDT", "ETHBTC")
KEYS = {"klines": "open_time", "agg_trades": "agg_trade_id", "trades": "trade_id"}
OPTIONS = ("--datasets", ",".join(KEYS), "--symbols", ",".join(SYMBOLS), "--start", START)
SMALL = {"package_rows": 3_000, "archive_connections": 2}
REST = ("--source", "rest")
KILLED = -9


def launch(project, action, stage, *options, **settings):
    """Start a run that is killed or held at a stage of launcher.py, and return the process."""
    if "--transform" in options:
        project.parse_models()
    launcher = Path(__file__).with_name("launcher.py")
    arguments = [launcher, action, project.folder, project.venue, stage, *options]
    return start_script(arguments, project.folder.parent, project.environment(**settings))


def run_until(project, stage, *options, **settings):
    """Run the pipeline until it is killed at a stage of launcher.py."""
    process = launch(project, "kill", stage, *options, **settings)
    out, error = process.communicate(timeout=120)
    assert process.returncode == KILLED, f"{stage} was not reached: {out}{error}"


def wait_for(process, reached):
    """Wait until a running process has come somewhere."""
    began = time.monotonic()
    while not reached():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() - began < 60
        time.sleep(0.02)


def held(project, stage, *options, **settings):
    """Start a run and wait until it is held at a stage of launcher.py; return it, and the file that holds it."""
    marker = project.folder / "held"
    marker.unlink(missing_ok=True)
    process = launch(project, "hold", stage, *options, **settings)
    wait_for(process, marker.exists)
    return process, marker


def assert_said(done, code, *words):
    """Assert that a run failed with one line that has some words."""
    assert done.returncode == code, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("error: ")
    for word in words:
        assert word in done.stderr


def has_table(project, name):
    if not project.database.exists():
        return False
    return bool(project.query(f"from duckdb_tables() where schema_name = 'staging' and table_name = '{name}'"))


def loaded_files(project):
    """Paths of the files of loads that were completed, as a reader of the database sees them."""
    if not has_table(project, "archive_files") or not has_table(project, "_dlt_loads"):
        return set()
    rows = project.query(
        "select path from staging.archive_files where status = 'loaded' "
        "and _dlt_load_id in (select load_id from staging._dlt_loads)"
    )
    return {path for (path,) in rows}


def assert_nothing_twice(project):
    """Assert that no reader of complete loads sees a row twice, whatever the last run came to."""
    if not has_table(project, "_dlt_loads"):
        return
    for table, key in KEYS.items():
        if has_table(project, table):
            seen = f"from staging.{table} where _dlt_load_id in (select load_id from staging._dlt_loads)"
            assert project.query(f"select symbol, {key} {seen} group by all having count(*) > 1 limit 3") == []


def assert_nothing_unfinished(project):
    """Assert that all rows and lines are those of loads that were completed."""
    for table in (*KEYS, "archive_files"):
        if has_table(project, table):
            orphans = f"from staging.{table} where _dlt_load_id not in (select load_id from staging._dlt_loads)"
            assert project.query(f"select count(*) {orphans}") == [(0,)]


def assert_as_uninterrupted(project, truth, start=START, now=NOW):
    """Assert that the tables hold what is there, each row once and led to by its file, and nothing else."""
    project.assert_equals("klines", truth("klines", SYMBOLS, start, now, ["1m"]))
    for table in ("agg_trades", "trades"):
        assert_trades_equal(project, table, truth(table, SYMBOLS, start, now))
    assert_nothing_unfinished(project)
    if has_table(project, "archive_files"):
        assert_rows_lead_to_files(project)


class Watched:
    """A project whose runs must never fetch a file again that they have loaded."""

    def __init__(self, project, exchange):
        self.project = project
        self.exchange = exchange
        self.kept = set()
        exchange.reset_stats()

    def check(self):
        """Assert that since the last check no file was fetched that was loaded before, and nothing is there twice."""
        assert self.kept & set(zips_asked_for(self.exchange)) == set()
        self.exchange.reset_stats()
        loaded = loaded_files(self.project)
        assert self.kept - loaded == set()
        self.kept = loaded
        assert_nothing_twice(self.project)

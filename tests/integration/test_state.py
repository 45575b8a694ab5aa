"""The database and dlt's working folder agree, whatever happens to either."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb

NOW = "2025-02-11T12:00:30"
OPTIONS = ("--datasets", "klines,agg_trades", "--symbols", "BTCUSDT,ETHUSDT", "--start", "2025-02-09")


def assert_complete(project, truth):
    project.assert_equals("klines", truth("klines", ["BTCUSDT", "ETHUSDT"], "2025-02-09", NOW, ["1m"]))
    project.assert_equals("agg_trades", truth("agg_trades", ["BTCUSDT", "ETHUSDT"], "2025-02-09", NOW))


def working_folder(project) -> Path:
    return project.folder / ".dlt" / ".var" / "dev" / "pipelines"


def test_the_state_lies_in_the_project_and_a_lost_folder_comes_back_from_the_database(project, exchange, truth):
    project.use(exchange).load(*OPTIONS)
    assert (working_folder(project) / "binance" / "state.json").exists()
    shutil.rmtree(working_folder(project))
    exchange.reset_stats()
    project.load(*OPTIONS)
    assert "/api/v3/klines" not in exchange.stats()["requests_by_path"]
    assert_complete(project, truth)


def test_a_deleted_database_is_filled_again(project, exchange, truth):
    project.use(exchange).load(*OPTIONS)
    project.database.unlink()
    project.load(*OPTIONS)
    assert_complete(project, truth)


def test_an_older_copy_of_the_database_gets_what_it_lacks(project, exchange, truth):
    project.use(exchange).load("--datasets", "klines", "--symbols", "BTCUSDT", "--start", "2025-02-10")
    shutil.copy(project.database, project.folder / "backup")
    project.load(*OPTIONS)
    shutil.copy(project.folder / "backup", project.database)
    project.load(*OPTIONS)
    assert_complete(project, truth)


def test_a_copied_project_writes_to_its_own_database(project, exchange, truth, tmp_path):
    project.use(exchange).load(*OPTIONS)
    rows = project.count("klines")
    copy = type(project).__new__(type(project))
    copy.folder, copy.settings = tmp_path / "copy", project.settings
    copy.database = copy.folder / "market.duckdb"
    shutil.copytree(project.folder, copy.folder)
    exchange.clock_advance(60)
    copy.load(*OPTIONS)
    assert copy.count("klines") == rows + 2
    assert project.count("klines") == rows


def test_rows_of_a_load_that_never_completed_are_removed_and_fetched_again(project, exchange, truth):
    project.use(exchange).load(*OPTIONS)
    with duckdb.connect(str(project.database)) as connection:
        connection.execute(
            "insert into staging.klines select * replace ('9999999999.9' as _dlt_load_id) from staging.klines limit 500"
        )
    project.load(*OPTIONS)
    assert_complete(project, truth)


def test_dlt_finds_the_pipeline_from_the_project_and_the_trace_is_in_the_database(project, exchange):
    project.use(exchange).load(*OPTIONS)
    dlt = str(Path(sys.executable).with_name("dlt"))

    def said(*command):
        done = subprocess.run(
            [dlt, "pipeline", "binance", *command], cwd=project.folder, capture_output=True, text=True, check=True,
            env=project.environment(),
        )  # fmt: skip
        return done.stdout

    assert str(working_folder(project)) in said("info")
    trace = said("trace")
    assert "klines: 7200 row(s)" in trace
    assert str(project.database) in trace
    assert project.query("select count(*) from staging._trace") == [(1,)]
    assert project.query("select step from staging._trace__steps order by started_at") == [
        (step,) for step in ("extract", "normalize", "load")
    ]


def test_states_replaced_long_ago_are_forgotten_and_newer_ones_kept(project, exchange, truth):
    project.use(exchange).load(*OPTIONS)
    with duckdb.connect(str(project.database)) as connection:
        connection.execute(
            "insert into staging._dlt_pipeline_state select * replace (version - 500 as version) "
            "from staging._dlt_pipeline_state where pipeline_name = 'binance'"
        )
    exchange.clock_advance(60)
    project.load(*OPTIONS)
    versions = project.query(
        "select version from staging._dlt_pipeline_state where pipeline_name = 'binance' order by 1"
    )
    assert versions == [(1,), (2,)]


def test_what_was_loaded_is_not_kept_a_second_time(project, exchange):
    project.use(exchange).load(
        "--datasets", "klines", "--symbols", "BTCUSDT", "--start", "2025-01-20", package_rows=1_000
    )
    loaded = working_folder(project) / "binance" / "load" / "loaded"
    assert project.query("select count(distinct _dlt_load_id) from staging.klines")[0][0] > 20
    assert len(list(loaded.iterdir())) == 20
    # dlt's markers of a job's state bear the name of the job's file, and may be left: a line of JSON, and no rows.
    markers = {file for file in loaded.rglob(".pending_transitions/*.parquet") if json.loads(file.read_text())["state"]}
    assert not set(loaded.rglob("*.parquet")) - markers

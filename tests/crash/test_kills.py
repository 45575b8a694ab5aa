"""The pipeline is killed at each stage; the next run ends with the tables of an uninterrupted one."""

from datetime import datetime, timezone

import pytest
from crashes import OPTIONS, SMALL, Watched, assert_as_uninterrupted, assert_nothing_unfinished, run_until
from launcher import STAGES

from tests.integration.served_archive import key_of

AT_THE_END = "trace copied"
FIRST_OF_RECOVERY = "before recovery"
LEAVES_A_PACKAGE = "rows of a table copied"
MONTH = key_of("klines", "ETHBTC", "2025-01", "1h")
REVISED = datetime(2025, 2, 12, 6, tzinfo=timezone.utc)
WHILE_REVISING = (
    "line of a file copied", "before the entry of the load", "before settling", "settled in recovery"
)  # fmt: skip


def test_runs_that_are_killed_one_stage_after_the_other_lose_and_double_nothing(project, exchange, truth):
    watched = Watched(project.use_archive(exchange), exchange)
    for stage in STAGES:
        if stage == FIRST_OF_RECOVERY:
            run_until(project, LEAVES_A_PACKAGE, *OPTIONS, **SMALL)
        run_until(project, stage, *OPTIONS, **({} if stage == AT_THE_END else SMALL))
        watched.check()
    project.load(*OPTIONS)
    watched.check()
    assert_as_uninterrupted(project, truth)


def test_runs_that_are_killed_while_they_take_a_revised_file_end_with_its_rows_alone(project, exchange, truth):
    options = (
        "--datasets", "klines", "--symbols", "ETHBTC", "--intervals", "1h", "--source", "archive",
        "--start", "2025-01-01", "--end", "2025-02-01",
    )  # fmt: skip
    at_ms = int(REVISED.timestamp() * 1000) - 3_600_000
    exchange.add_archive_fault("republished", path=MONTH, at_ms=at_ms, every=10)
    expected = truth("klines", ["ETHBTC"], "2025-01-01", "2025-02-01", ["1h"])
    project.use_archive(exchange).load(*options, ARCHIVE_SAMPLES=0)
    with pytest.raises(AssertionError):
        project.assert_equals("klines", expected)
    exchange.clock_set(REVISED)
    for stage in WHILE_REVISING:
        run_until(project, stage, "--revisions")
    project.load("--revisions")
    project.assert_equals("klines", expected)
    assert project.query("select path, revision from staging.archive_files") == [(MONTH, 2)]
    assert_nothing_unfinished(project)


@pytest.mark.soak
@pytest.mark.parametrize("stage", STAGES)
def test_a_run_that_is_killed_at_one_stage_is_completed_by_the_next(project, exchange, truth, stage):
    watched = Watched(project.use_archive(exchange), exchange)
    project.load(*OPTIONS, "--end", "2025-02-09T06:00")
    if "recover" in stage or "working folder" in stage or stage in ("orphans removed", "state restored"):
        run_until(project, LEAVES_A_PACKAGE, *OPTIONS, **SMALL)
    watched.check()
    run_until(project, stage, *OPTIONS, **({} if stage == AT_THE_END else SMALL))
    watched.check()
    project.load(*OPTIONS)
    watched.check()
    assert_as_uninterrupted(project, truth)

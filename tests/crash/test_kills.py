"""The pipeline is killed at each stage; the next run ends with the tables of an uninterrupted one."""

from crashes import OPTIONS, SMALL, Watched, assert_as_uninterrupted, run_until
from launcher import STAGES

AT_THE_END = "trace copied"
FIRST_OF_RECOVERY = "before recovery"
LEAVES_A_PACKAGE = "rows of a table copied"


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

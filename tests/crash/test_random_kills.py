"""The pipeline is killed at random moments; the next run ends with the tables of an uninterrupted one."""

import random
import time

import pytest
from crashes import KILLED, OPTIONS, REST, Watched, assert_as_uninterrupted


def kill_at_random(project, exchange, chance, *options):
    """Start a run and kill it some time after some requests; it may have ended by itself before that."""
    process = project.start(*OPTIONS, *options, package_rows=chance.choice((1_000, 3_000, 20_000)))
    requests = chance.randrange(60)
    while exchange.stats()["requests"] < requests and process.poll() is None:
        time.sleep(0.02)
    time.sleep(chance.uniform(0, 1))
    process.kill()
    out, error = process.communicate()
    assert process.returncode in (0, KILLED), out + error


def assert_survives(project, exchange, truth, chance):
    watched = Watched(project.use_archive(exchange), exchange)
    for _ in range(chance.choice((1, 2, 2, 3))):
        kill_at_random(project, exchange, chance, *chance.choice((REST, ())))
        watched.check()
    project.load(*OPTIONS)
    watched.check()
    assert_as_uninterrupted(project, truth)


@pytest.mark.parametrize("number", range(1))
def test_a_run_that_is_killed_at_a_random_moment_is_completed(project, exchange, truth, seed, number):
    assert_survives(project, exchange, truth, random.Random(f"{seed}-{number}"))


@pytest.mark.soak
@pytest.mark.parametrize("number", range(1, 51))
def test_a_run_that_is_killed_at_any_of_many_moments_is_completed(project, exchange, truth, seed, number):
    assert_survives(project, exchange, truth, random.Random(f"{seed}-{number}"))

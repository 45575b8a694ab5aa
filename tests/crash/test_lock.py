"""Runs that meet each other: the second one says so and fetches nothing, or waits; a run that died locks nothing."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest
from crashes import held, wait_for

OPTIONS = ("--datasets", "klines", "--symbols", "SOLUSDT", "--start", "2025-02-11T11:00:00", "--source", "rest")
ROWS = 60
BUSY = r"error: another run is under way in this project \(process {} on \S+ since \d{{4}}-\d\d-\d\d [\d:]{{8}} UTC\); "
STALL = {"path": "/api/v3/klines", "count": None, "seconds": 60}


@pytest.fixture
def busy(project, exchange):
    """A run that holds the lock until the file is removed, and the project."""
    process, marker = held(project.use(exchange), "before recovery", *OPTIONS)
    exchange.reset_stats()
    yield process, marker
    process.kill()
    process.communicate()


def ended(process):
    out, error = process.communicate(timeout=120)
    assert "Traceback" not in error
    return process.returncode, out, error


def build_models(project, *options):
    return subprocess.run(
        [sys.executable, str(project.folder / "pipelines" / "build_models.py"), *options],
        env=project.environment(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_a_second_run_says_who_is_in_its_way_and_fetches_nothing(project, exchange, busy):
    process, marker = busy
    for done in (project.run(*OPTIONS), project.run(*OPTIONS, "--wait", "0"), build_models(project)):
        assert (done.returncode, done.stdout) == (1, "")
        assert re.match(BUSY.format(process.pid), done.stderr), done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert exchange.stats()["requests"] == 0
    marker.unlink()
    assert ended(process)[0] == 0
    assert project.count("klines") == ROWS


def test_another_venue_and_another_database_are_in_the_way_too(project, exchange, busy):
    # dlt's working folder is common to the venues and to all databases.
    process, _ = busy
    other = project.folder / "other.duckdb"
    project.use_venue("coinbase", exchange.coinbase_url)
    done = subprocess.run(
        [sys.executable, str(project.folder / "pipelines" / "coinbase_pipeline.py"), "--progress", "none"],
        env={**project.environment(), "DESTINATION__MARKET__CREDENTIALS": str(other)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert re.match(BUSY.format(process.pid), done.stderr), done.stderr
    assert exchange.stats()["requests"] == 0
    assert not other.exists()


def test_a_run_that_waits_begins_when_the_other_one_ends(project, exchange, busy):
    process, marker = busy
    waiting = project.start(*OPTIONS, "--wait")
    said = waiting.stderr.readline()
    assert re.fullmatch(
        rf"waiting for the end of another run \(process {process.pid} on \S+ since [-\d]+ [:\d]+ UTC\)\n", said
    )
    assert exchange.stats()["requests"] == 0
    marker.unlink()
    assert ended(process)[0] == 0
    code, out, error = ended(waiting)
    assert (code, error) == (0, "")
    assert re.search(r"^klines +spot +SOLUSDT +0 ", out, re.MULTILINE)
    assert project.count("klines") == ROWS


def test_a_wait_ends_after_its_minutes(project, exchange, busy):
    process, _ = busy
    began = time.monotonic()
    done = project.run(*OPTIONS, "--wait", "0.05")
    assert time.monotonic() - began > 3
    assert done.returncode == 1
    first, second = done.stderr.splitlines()
    assert first.startswith(f"waiting for the end of another run (process {process.pid} ")
    assert second.startswith("error: another run is under way in this project after 0.05 minutes (")
    assert exchange.stats()["requests"] == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_wait(project, busy, number, code):
    waiting = project.start(*OPTIONS, "--wait")
    waiting.stderr.readline()
    began = time.monotonic()
    waiting.send_signal(number)
    assert ended(waiting)[0] == code
    assert time.monotonic() - began < 3


def test_a_run_that_was_killed_is_in_nobodys_way(project, exchange, busy):
    process, _ = busy
    process.kill()
    process.communicate()
    file = project.folder / ".dlt" / ".var" / "run.lock"
    # What is left there is text, and nothing that anybody goes by.
    assert file.read_text().startswith(f"process {process.pid} on ")
    project.load(*OPTIONS)
    file.write_text(f"process {os.getpid()} on elsewhere since 2025-02-11 12:00:00 UTC\n")
    project.load(*OPTIONS)
    file.write_bytes(bytes(range(256)))
    project.load(*OPTIONS)
    assert project.count("klines") == ROWS


def test_a_working_folder_that_is_removed_meanwhile_does_not_let_two_runs_in(project, exchange, busy):
    file = project.folder / ".dlt" / ".var" / "run.lock"
    waiting = project.start(*OPTIONS, "--wait")
    waiting.stderr.readline()
    file.unlink()
    exchange.add_fault("stall", **STALL)
    # The lock is another file from here on; who waited takes that one.
    wait_for(waiting, lambda: exchange.faults()[0]["hits"])
    done = project.run(*OPTIONS)
    assert done.returncode == 1
    assert re.match(BUSY.format(waiting.pid), done.stderr), done.stderr
    waiting.kill()
    waiting.communicate()


def test_a_process_that_outlives_the_run_does_not_hold_its_lock(project):
    program = """
import os, subprocess, sys
sys.path[0] = sys.argv[1]
from market_loader import lock
lock.acquire(None)
started = subprocess.Popen(["sleep", "60"], close_fds=False)
forked = os.fork()
if forked == 0:
    os.execvp("sleep", ["sleep", "60"]) if sys.argv[2] == "exec" else __import__("time").sleep(60)
print(started.pid, forked, flush=True)
os._exit(0)
"""
    for kind in ("exec", "fork"):
        first = subprocess.Popen(
            [sys.executable, "-c", program, str(project.folder), kind], stdout=subprocess.PIPE, text=True
        )
        survivors = [int(pid) for pid in first.stdout.readline().split()]
        assert first.wait(timeout=30) == 0
        try:
            taken = subprocess.run(
                [sys.executable, "-c", f"import sys; sys.path[0] = {str(project.folder)!r}\n"
                 "from market_loader import lock; lock.acquire(None)"],
                capture_output=True, text=True, timeout=30, check=False,
            )  # fmt: skip
            assert (taken.returncode, taken.stderr) == (0, "")
            assert all(os.path.exists(f"/proc/{pid}") for pid in survivors)
        finally:
            for pid in survivors:
                os.kill(pid, signal.SIGKILL)


def test_a_lock_that_cannot_be_made_is_said_in_one_line(project, exchange):
    project.use(exchange)
    (project.folder / ".dlt" / ".var").write_text("a file in the place of the working folder")
    done = project.run(*OPTIONS)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert str(project.folder / ".dlt" / ".var") in done.stderr
    assert len(done.stderr.splitlines()) == 1

"""A disk that is full or read-only, and a database that another process opens: one line, and the next run completes."""

import os
import subprocess
import sys

import duckdb
import pytest
from crashes import OPTIONS, SMALL, assert_as_uninterrupted, assert_said, held

from tests.conftest import Project

MEGABYTES = 96
FIRST = ("--datasets", "klines", "--symbols", "ETHBTC", "--start", "2025-02-10T12:00")


@pytest.fixture
def disk(tmp_path):
    """A small file system of its own, or a skip where none may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a small file system can be mounted by root alone")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def on_disk(what, disk, folder):
    """Make a project of which the database, the working folder, or both are on the small disk."""
    project = Project((folder if what == "working folder" else disk) / "project")
    if what != "both":
        var = (disk if what == "working folder" else folder) / "var"
        var.mkdir()
        (project.folder / ".dlt" / ".var").symlink_to(var)
    return project


def fill(disk, left):
    """Fill the disk up to some bytes."""
    with (disk / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(2**16))
        except OSError:
            file.truncate(max(file.tell() - left, 0))


@pytest.mark.parametrize("what", ["database", pytest.param("working folder", marks=pytest.mark.soak)])
def test_a_full_disk_is_said_and_loses_nothing(what, disk, tmp_path, exchange, truth):
    project = on_disk(what, disk, tmp_path).use_archive(exchange)
    project.load(*FIRST)
    for left in (0, 2**18):
        fill(disk, left)
        assert_said(project.run(*OPTIONS, **SMALL), 1, "No space left")
    (disk / "filler").unlink()
    project.load(*OPTIONS)
    assert_as_uninterrupted(project, truth)


@pytest.mark.soak
@pytest.mark.parametrize("what", ["database", "working folder", "both"])
def test_a_disk_that_is_full_soon_or_late_is_said_and_loses_nothing(what, disk, tmp_path, exchange, truth):
    project = on_disk(what, disk, tmp_path).use_archive(exchange)
    ended = []
    for left in range(0, 12 * 2**20, 2**19):
        fill(disk, left)
        done = project.run(*OPTIONS, **SMALL)
        ended.append(done.returncode)
        if done.returncode:
            assert_said(done, 1)
    assert set(ended) == {0, 1}
    (disk / "filler").unlink()
    project.load(*OPTIONS)
    assert_as_uninterrupted(project, truth)


@pytest.mark.soak
def test_a_disk_that_is_full_when_models_are_built_is_said(disk, tmp_path, exchange):
    project = on_disk("both", disk, tmp_path).use(exchange)
    project.load(*FIRST)
    process, marker = held(project, "before the models", *FIRST, "--transform")
    fill(disk, 2**16)
    marker.unlink()
    out, error = process.communicate(timeout=120)
    assert process.returncode == 1, out + error
    assert "Traceback" not in error
    assert all(line.startswith("error: dbt: ") for line in error.splitlines())
    assert "space" in error
    (disk / "filler").unlink()
    project.load(*FIRST, "--transform")
    assert project.query("select count(*) from silver.klines") == [(project.count("klines"),)]


@pytest.mark.parametrize("what", ["database", "working folder"])
def test_a_read_only_disk_is_said(what, disk, tmp_path, exchange):
    project = on_disk(what, disk, tmp_path).use(exchange)
    for is_loaded in (False, True):
        if is_loaded:
            project.load(*FIRST)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert_said(project.run(*FIRST), 1, str(project.folder))
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)


def test_files_that_may_not_grow_are_said(project, exchange, truth):
    # What a quota does, as far as it can be had without root.
    script = str(project.use_archive(exchange).folder / "pipelines" / "binance_pipeline.py")
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 2048; exec "$@"', "sh", sys.executable, script, "--progress", "none", *OPTIONS],
        env=project.environment(), cwd=project.folder.parent, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert_said(done, 1, "too large")
    project.load(*OPTIONS)
    assert_as_uninterrupted(project, truth)


@pytest.mark.parametrize("read_only", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_a_database_that_another_process_opens_meanwhile_is_said(project, exchange, truth, read_only):
    project.use_archive(exchange).load(*FIRST)
    for stage in ("before recovery", "before the load", "before settling"):
        process, marker = held(project, stage, *OPTIONS, **SMALL)
        with duckdb.connect(str(project.database), read_only=read_only):
            marker.unlink()
            out, error = process.communicate(timeout=60)
        assert_said(subprocess.CompletedProcess(process.args, process.returncode, out, error), 1, "process")
    project.load(*OPTIONS)
    assert_as_uninterrupted(project, truth)

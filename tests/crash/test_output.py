"""What becomes of the output never decides what becomes of a run."""

import errno
import os
import shlex
import signal
import subprocess
import sys
import time

import pytest
from crashes import held

from tests.conftest import ROOT

OPTIONS = ("--datasets", "klines", "--symbols", "SOLUSDT", "--source", "rest")
STARTS = [f"2025-02-11T{hour:02}:00:00" for hour in range(11, 0, -1)]
"""Each run has an hour more to fetch than the one before."""

BROKEN = {
    "the reader goes away": "{} --progress tqdm | true",
    "the reader of both goes away": "{} --progress log 2>&1 | true",
    "the reader takes a line": "{} --progress none | head -1",
    "a full disk": "{} --progress tqdm >/dev/full 2>/dev/full",
    "no stdout": "{} --progress tqdm >&-",
    "no stderr": "{} --progress tqdm 2>&-",
    "nothing at all": "{} --progress tqdm <&- >&- 2>&-",
    "nothing to write to": "{} --progress tqdm >/dev/null 2</dev/null",
}


def script(project, name="binance_pipeline.py"):
    return str(project.folder / "pipelines" / name)


def shell(project, line, **environment):
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        env={**project.environment(), **environment}, cwd=project.folder.parent,
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert b"Traceback" not in done.stderr
    return done


def test_a_run_whose_output_goes_nowhere_loads_all_and_ends_with_its_own_code(project, exchange):
    project.use(exchange)
    command = shlex.join([sys.executable, script(project), *OPTIONS])
    for hours, (start, (name, line)) in enumerate(zip(STARTS, BROKEN.items(), strict=False), 1):
        done = shell(project, line.format(f"{command} --start {start}"))
        assert done.returncode == 0, name
        assert project.count("klines") == 60 * hours, name
    # What fails goes on being told by the code, where nobody reads the reason.
    for line in BROKEN.values():
        assert shell(project, line.format(f"{command} --start 2031-01-01")).returncode == 2


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_what_a_terminal_cannot_show_is_escaped(project, exchange, encoding):
    project.use(exchange, FUTURES_URL=exchange.url)
    options = ("--market", "um", "--datasets", "klines", "--symbols", "币安人生USDT", "--start", "2025-02-11T11:00:00")
    for progress in ("tqdm", "none"):
        done = subprocess.run(
            [sys.executable, script(project), "--progress", progress, *options],
            env={**project.environment(), "PYTHONIOENCODING": encoding}, capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert rb"\u5e01\u5b89\u4eba\u751fUSDT" in done.stdout
        assert (rb"\u5e01\u5b89" in done.stderr) == (progress == "tqdm")
        (done.stdout + done.stderr).decode("ascii")
    command = shlex.join([sys.executable, script(project), "--market", "um", "--symbols", "币安"])
    done = shell(project, command, PYTHONIOENCODING=encoding)
    assert done.returncode == 2
    assert rb"unknown symbol '\u5e01\u5b89'" in done.stderr


@pytest.mark.parametrize(
    "name", ["all_venues", "binance_pipeline", "coinbase_pipeline", "okx_pipeline", "build_models"]
)
def test_help_that_nobody_reads_is_no_failure(project, name):
    command = shlex.join([sys.executable, script(project, f"{name}.py"), "--help"])
    for rest in (">/dev/full", "| true", ">&-") if name == "all_venues" else ("| true",):
        assert shell(project, f"{command} {rest}").returncode == 0


def test_a_signal_ends_a_run_whose_errors_nobody_reads(project, exchange):
    process, _ = held(project.use(exchange), "before recovery", *OPTIONS, "--start", STARTS[0])
    process.stderr.close()
    process.stdout.close()
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 143
    assert time.monotonic() - began < 6


def test_a_signal_ends_a_run_whose_errors_are_not_taken(project, exchange):
    # The pipe is full, and its reader is alive and does not read.
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    try:
        while True:
            os.write(writes, bytes(2**16))
    except BlockingIOError:
        pass
    os.set_blocking(writes, True)
    exchange.add_fault("stall", path="/api/v3/klines", count=None, seconds=60)
    project.use(exchange)
    process = subprocess.Popen(
        [sys.executable, script(project), "--progress", "none", *OPTIONS, "--start", STARTS[0]],
        env=project.environment(), stdout=subprocess.DEVNULL, stderr=writes,
    )  # fmt: skip
    os.close(writes)
    while not exchange.faults()[0]["hits"]:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 143
    os.close(reads)


TABLE = """
import sys
sys.path[0] = sys.argv[1]
from market_loader import console
console.prepare()
console.show("┌──────┐\\n│ name │\\n├──────┤\\n│ 币安 │\\n│  ·   │\\n└──────┘")
"""


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", "+------+\n| name |\n+------+\n| \\u5e01\\u5b89 |\n|  .   |\n+------+\n"),
        ("cp1252", "+------+\n| name |\n+------+\n| \\u5e01\\u5b89 |\n|  .   |\n+------+\n"),
        ("utf-8", "┌──────┐\n│ name │\n├──────┤\n│ 币安 │\n│  ·   │\n└──────┘\n"),
    ],
)
def test_tables_stay_readable_on_terminals_without_boxes(encoding, shown):
    done = subprocess.run(
        [sys.executable, "-c", TABLE, str(ROOT)],
        env={**os.environ, "PYTHONIOENCODING": encoding}, capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.decode(encoding) == shown
    assert done.stderr == b""


OF_SPACE = ("ENOSPC", "EDQUOT", "EACCES", "EPERM", "EROFS")
OTHERS = ("EMFILE", "EIO", "EFBIG", "ENOMEM", "ECONNRESET")

FAILING = """
import errno, os, sys
sys.path[0] = sys.argv[1]
from market_loader import project
project.enter()
from market_loader import binance, command, signals
for name in sys.argv[2].split(","):
    def fail(*_):
        number = getattr(errno, name)
        raise OSError(number, os.strerror(number))
    command.recovery.recover = fail
    if not (child := os.fork()):
        os._exit(binance.main(signals.Signals(), sys.argv[3:]))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
"""


def test_only_errors_of_space_and_permission_speak_of_them(project, exchange):
    names = (*OF_SPACE, *OTHERS)
    options = [*OPTIONS, "--start", STARTS[0]]
    done = subprocess.run(
        [sys.executable, "-c", FAILING, str(project.use(exchange).folder), ",".join(names), *options],
        env=project.environment(), capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    lines = done.stderr.splitlines()
    assert len(lines) == len(names)
    for name, line in zip(names, lines, strict=True):
        said = os.strerror(getattr(errno, name))
        assert line.startswith("error: ")
        assert said in line
        assert "run again" in line
        assert ("see that there is space" in line) == (name in OF_SPACE), line

"""Breaks each promise on purpose in a copy of the project, and sees that its test fails: python -m tests.mutations."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.mutations.promises import PROMISES, Promise

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".var", "target", "logs", "__pycache__", ".pytest_cache", ".hypothesis", "*.duckdb", "*.egg-info"
)
PASSED, FAILED = 0, 1
"""Exit codes of pytest; an error in collecting the tests, or none of them, is another one."""


def exit_code(promise: Promise, folder: Path) -> int:
    """Run the test of a promise in a copy of the project."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *promise.test.split()]
    recordings = os.environ.get("RECORDINGS_DIR", str(ROOT.parent / "shared" / "recordings"))
    environment = {**os.environ, "RECORDINGS_DIR": recordings, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False).returncode


def is_noticed(promise: Promise, folder: Path) -> bool:
    """Break a promise in a copy of the project, and tell whether its test fails."""
    path = folder / promise.file
    whole = path.read_text()
    path.write_text(whole.replace(promise.old, promise.new))
    try:
        return exit_code(promise, folder) == FAILED
    finally:
        path.write_text(whole)


def main() -> int:
    """Break one promise after the other; the exit code is the number of those that nobody noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help="promises with this text in their names")
    parser.add_argument("--whole", action="store_true", help="run the tests without breaking anything: all must pass")
    given = parser.parse_args()
    chosen = [one for one in PROMISES if given.only in one.name]
    wrong = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "project"
        shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
        for one in chosen:
            began = time.monotonic()
            is_right = exit_code(one, folder) == PASSED if given.whole else is_noticed(one, folder)
            wrong += not is_right
            verdict = ("passes" if given.whole else "noticed") if is_right else "WRONG"
            print(f"{verdict:<8} {time.monotonic() - began:>6.1f}s  {one.name}: {one.test}", flush=True)
    print(f"{len(chosen) - wrong} of {len(chosen)}")
    return wrong


if __name__ == "__main__":
    sys.exit(main())

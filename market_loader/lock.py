"""One run at a time: a lock that is released when its process ends, however it ends."""

import argparse
import contextlib
import fcntl
import math
import os
import re
import socket
import sys
import time
from datetime import datetime, timezone
from typing import Final

from .project import ROOT

FILE: Final = ROOT / ".dlt" / ".var" / "run.lock"
"""The lock of all commands, which share dlt's working folder and the database.

Its text about the holder is only for messages. A file that was left behind locks nothing."""

_PAUSE_SECONDS: Final = 0.2
_SHOWN_BYTES: Final = 200

_held: list[int] = []


class LockedError(Exception):
    """Another run is in progress."""


def add_option(found: argparse.ArgumentParser) -> None:
    """Add the option to wait for the end of another run."""
    found.add_argument(
        "--wait",
        nargs="?",
        type=_minutes,
        const=math.inf,
        metavar="MINUTES",
        help="wait for the end of another run, this long at most; without a number as long as it takes",
    )


def handed_on(given: argparse.Namespace) -> list[str]:
    """Return the options that make another command wait as long as this one was told to."""
    if given.wait is None:
        return []
    return ["--wait" if math.isinf(given.wait) else f"--wait={given.wait!r}"]


def acquire(minutes: float | None) -> None:
    """Take the lock, and hold it until the process ends.

    Args:
        minutes: How long to wait for another run; None to fail at once.

    Raises:
        LockedError: Another run is in progress.
        OSError: The working folder cannot be used.
    """
    if _held:
        return
    deadline = time.monotonic() + 60 * (minutes or 0)
    is_told = False
    while (descriptor := _try_to_lock()) is None:
        left = deadline - time.monotonic()
        if left <= 0:
            waited = f" after {minutes:g} minutes" if minutes else ""
            advice = "run again later" if minutes else "--wait waits for its end"
            raise LockedError(f"another run is under way in this project{waited}{_holder()}; {advice}")
        if not is_told:
            print(f"waiting for the end of another run{_holder()}", file=sys.stderr, flush=True)
            is_told = True
        time.sleep(min(_PAUSE_SECONDS, left))
    _held.append(descriptor)
    with contextlib.suppress(OSError):
        since = f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S} UTC"
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()} since {since}\n".encode(), 0)


def _minutes(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not (math.isfinite(found) and found >= 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of minutes, such as 60")
    return found


def _try_to_lock() -> int | None:
    """Return the descriptor of the locked file, or None if another process holds the lock."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    # os.open makes it non-inheritable: programs that this one starts may outlive it.
    descriptor = os.open(FILE, os.O_RDWR | os.O_CREAT, 0o644)
    is_locked = False
    try:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_locked = _is_in_place(descriptor)
    finally:
        if not is_locked:
            os.close(descriptor)
    return descriptor if is_locked else None


def _is_in_place(descriptor: int) -> bool:
    """Return whether a file is still the one that others would lock: the working folder may be removed at any time."""
    try:
        return os.path.samestat(os.fstat(descriptor), FILE.stat())
    except FileNotFoundError:
        return False


def _holder() -> str:
    try:
        text = FILE.read_bytes()[:_SHOWN_BYTES].decode("ascii", "replace")
    except OSError:
        return ""
    found = re.match(r"process \d+ on \S+ since [-\d]+ [:\d]+ UTC$", text)
    return f" ({found[0]})" if found else ""


def _let_go() -> None:
    """Close a forked child's copy of the lock; the parent keeps it."""
    while _held:
        os.close(_held.pop())


os.register_at_fork(after_in_child=_let_go)

"""The command that loads all venues, one after the other, and builds the models."""

import argparse
import signal
import subprocess
import sys
from collections.abc import Mapping
from types import FrameType

from . import lock, project
from .codes import AS_PART, BLOCKED, BUSY, DONE, INCOMPLETE

VENUES = ("binance", "coinbase", "okx")

OPTIONS = {
    "start": "UTC date or datetime, inclusive; an earlier one extends history backwards",
    "end": "UTC date or datetime, exclusive; default now",
}
"""Options that are passed on to each venue's command."""


class Commands:
    """The venues' commands, each in its own process, so that a crash of one does not affect the others.

    A signal is passed on to the running process, and no other one is started after it.
    """

    def __init__(self) -> None:
        self._running: subprocess.Popen[bytes] | None = None
        self._signal = 0

    def listen(self) -> None:
        """Start listening for signals; call it in the main thread."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._hand_on)

    @property
    def is_stopped(self) -> bool:
        """Whether a signal has arrived."""
        return self._signal > 0

    def run(self, script: str, options: list[str]) -> int:
        """Run a command to its end and return its exit code: 128 + number after a signal, INCOMPLETE if killed."""
        command = [sys.executable, str(project.ROOT / "pipelines" / script), AS_PART, *options]
        self._running = subprocess.Popen(command)  # noqa: S603 - our own script
        code = self._running.wait()
        self._running = None
        return 128 + self._signal if self.is_stopped else code if code >= 0 else INCOMPLETE

    def _hand_on(self, number: int, _frame: FrameType | None) -> None:
        self._signal = number
        # On a terminal the process has the signal already, and a second one would end it at once.
        is_on_terminal = number == signal.SIGINT and sys.stdin is not None and sys.stdin.isatty()
        if self._running is not None and not is_on_terminal:
            self._running.send_signal(number)


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Without the program's name; default those of the command line.

    Returns:
        The exit code: 0 everything served here is loaded, 1 something of a venue is not loaded, 2 a venue's request is
        wrong, 130 or 143 after a signal.
    """
    given = _parser().parse_args(arguments)
    handed_on = [text for name in OPTIONS for value in [getattr(given, name)] if value for text in (f"--{name}", value)]
    handed_on += ["--progress", given.progress, *lock.handed_on(given)]
    commands = Commands()
    commands.listen()
    codes: dict[str, int] = {}
    for number, venue in enumerate(VENUES):
        print(f"{venue}:" if not number else f"\n{venue}:", flush=True)
        codes[venue] = commands.run(f"{venue}_pipeline.py", handed_on)
        if commands.is_stopped:
            return codes[venue]
        if codes[venue] == BUSY:
            # The other run would block the remaining venues as well.
            return INCOMPLETE
    models = DONE
    if given.transform:
        print(flush=True)
        models = commands.run("build_models.py", lock.handed_on(given))
        if commands.is_stopped:
            return models
    return max(_summary(codes), INCOMPLETE if models == BUSY else models)


def _summary(codes: Mapping[str, int]) -> int:
    """Print which venues are not loaded, and why; return the exit code for all of them."""
    blocked = [venue for venue, code in codes.items() if code == BLOCKED]
    failed = [f"{venue} (exit code {code})" for venue, code in codes.items() if code not in (DONE, BLOCKED)]
    if len(blocked) == len(codes):
        print("\nNOT COMPLETE: no venue serves this place")
        return INCOMPLETE
    if blocked:
        print(f"\nskipped: {', '.join(blocked)}: this place is not served")
    if failed:
        print(f"\nNOT COMPLETE: {', '.join(failed)}; the other venues are loaded, and a further run goes on from there")
    return max(code for code in codes.values() if code != BLOCKED)


def _parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        description="Load all venues, as .dlt/config.toml says: Binance, Coinbase Exchange, OKX. One that fails does "
        "not stop the others, and one that does not serve this place is skipped.",
        epilog="Exit codes: 0 all done; 1 something asked for is not loaded; 2 a request itself is wrong.",
    )
    for name, text in OPTIONS.items():
        found.add_argument(f"--{name}", metavar="TIME", help=text)
    found.add_argument(
        "--transform", action=argparse.BooleanOptionalAction, default=False, help="run `dbt build` afterwards"
    )
    found.add_argument("--progress", choices=("tqdm", "log", "none"), default="tqdm", help="how progress is shown")
    lock.add_option(found)
    return found

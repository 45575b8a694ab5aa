"""The start of a command: what has to happen before dlt is imported."""

import gc
import os
import sys
from importlib import import_module

from . import console, project
from .signals import Signals


def start(name: str) -> None:
    """Run a command as a process of its own, and end the process with its exit code.

    Args:
        name: A module of this package whose function `main` takes the signals to obey and returns the exit code.
    """
    console.prepare()
    signals = Signals()
    signals.watch()
    project.enter()
    # The imports take a second, in which signals must already be obeyed.
    command = import_module(f".{name}", __package__)
    # Pages are large lists without cycles: collecting garbage among them takes a fifth of the time of decoding.
    gc.freeze()
    gc.set_threshold(20_000, 5, 5)
    status = command.main(signals)
    if status > 128:
        # Threads may still wait for a response that nobody needs any more.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def supervise(name: str) -> None:
    """Run a command that runs others, which obey the signals, and end the process with its exit code.

    Args:
        name: A module of this package whose function `main` returns the exit code.
    """
    console.prepare()
    project.enter()
    sys.exit(import_module(f".{name}", __package__).main())

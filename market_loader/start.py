"""The start of a command: what has to be done before dlt is imported."""

import gc
import os
import sys
from importlib import import_module

from . import console, project
from .signals import Signals


def start(name: str) -> None:
    """Run a command as a process of its own, and end the process with its exit code.

    Args:
        name: A module of this package with a function `main`, which is given the signals to obey and returns the code.
    """
    console.prepare()
    signals = Signals()
    signals.watch()
    project.enter()
    # A second of imports: a signal is obeyed meanwhile.
    command = import_module(f".{name}", __package__)
    # Pages are large lists that hold no cycles: collecting among them takes a fifth of the time that decoding does.
    gc.freeze()
    gc.set_threshold(20_000, 5, 5)
    status = command.main(signals)
    if status > 128:
        # Threads may still wait for an answer of the exchange; nothing of theirs is wanted any more.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def supervise(name: str) -> None:
    """Run a command that runs others, which obey the signals, and end the process with its exit code.

    Args:
        name: A module of this package with a function `main` that returns the code.
    """
    console.prepare()
    project.enter()
    sys.exit(import_module(f".{name}", __package__).main())

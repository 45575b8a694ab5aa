"""Builds and tests the models on what is loaded: python pipelines/build_models.py."""

import argparse
import os
import sys

if __name__ == "__main__":
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from . import console, project
from .signals import Signals

signals = Signals()
if __name__ == "__main__":
    console.prepare()
    signals.watch()
project.enter()

from . import command, lock, options  # noqa: E402
from .codes import INCOMPLETE  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Without the program's name; default those of the command line.

    Returns:
        The exit code: 0 all done, 1 something is wrong, 2 a setting is wrong, 130 or 143 after a signal.
    """
    pipeline = command.open_pipeline("binance", _parser().parse_args(arguments))
    if isinstance(pipeline, int):
        return pipeline
    file = project.database_file(pipeline)
    if file is not None and not file.exists():
        return command.say(f"{file} is not there: load something first", INCOMPLETE)
    return signals.code or command.transform(pipeline)


def _parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        description="Build and test the models on what is loaded.",
        epilog="Exit codes: 0 all done; 1 something is wrong; 2 a setting is wrong.",
    )
    lock.add_option(found)
    options.add_part(found)
    return found


if __name__ == "__main__":
    command.finish(main)

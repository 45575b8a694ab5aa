"""The command that builds and tests the models on the loaded data."""

import argparse

from . import command, lock, options, project
from .codes import INCOMPLETE
from .signals import Signals


def main(signals: Signals, arguments: list[str] | None = None) -> int:
    """Run the command; arguments and exit codes as for Binance (binance.py)."""
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

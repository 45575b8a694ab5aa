"""Builds and tests the models on what is loaded: python pipelines/build_models.py."""

import os
import sys

if __name__ == "__main__":
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from pipelines import project
from pipelines.signals import Signals

signals = Signals()
if __name__ == "__main__":
    signals.watch()
project.enter()

from pipelines import command  # noqa: E402


def main() -> int:
    """Run the command.

    Returns:
        The exit code: 0 all done, 1 something is wrong, 2 a setting is wrong, 130 or 143 after a signal.
    """
    pipeline = command.open_pipeline("binance")
    if isinstance(pipeline, int):
        return pipeline
    file = project.database_file(pipeline)
    if file is not None and not file.exists():
        return command.say(f"{file} is not there: load something first", command.INCOMPLETE)
    return signals.code or command.transform(pipeline)


if __name__ == "__main__":
    command.finish(main)

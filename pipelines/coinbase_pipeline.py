"""Loads Coinbase Exchange market data into the destination `market`: python pipelines/coinbase_pipeline.py --help."""

import os
import sys
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from typing import Any

if __name__ == "__main__":
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from . import console, project
from .signals import Signals

signals = Signals()
if __name__ == "__main__":
    console.prepare()
    signals.watch()
project.enter()

from coinbase_source import DATASETS, CoinbaseRun, coinbase_source, load_configuration  # noqa: E402
from coinbase_source.settings import INTERVALS, NAME, TITLE  # noqa: E402

from . import command, venue  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Without the program's name; default those of the command line.

    Returns:
        The exit code: 0 all done, 1 something is not loaded, 2 the request is wrong, 130 or 143 after a signal.
    """
    given = venue.parser(TITLE, "BTC-USD,ETH-USD", tuple(INTERVALS), DATASETS).parse_args(arguments)
    return command.execute(given, NAME, partial(_job, given), signals)


def _job(given: Namespace, _pipeline: Callable[[], Any]) -> command.Job:
    request = venue.request(given, NAME, tuple(INTERVALS), DATASETS)
    return venue.job(CoinbaseRun(request, load_configuration()), coinbase_source)


if __name__ == "__main__":
    command.finish(main)

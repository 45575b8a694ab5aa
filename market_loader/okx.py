"""The command for OKX."""

from argparse import Namespace
from collections.abc import Callable
from functools import partial
from typing import Any

from exchange_engine.run import Run
from okx_source import DATASETS
from okx_source.settings import INTERVALS, NAME, TITLE, load_configuration
from okx_source.venue import Okx

from . import command, rest_venue
from .signals import Signals


def main(signals: Signals, arguments: list[str] | None = None) -> int:
    """Run the command.

    Args:
        signals: What ends it early.
        arguments: Without the program's name; default those of the command line.

    Returns:
        The exit code: 0 all done, 1 something is not loaded, 2 the request is wrong, 130 or 143 after a signal.
    """
    given = rest_venue.parser(TITLE, "BTC-USDT,BTC-USDT-SWAP", tuple(INTERVALS), DATASETS).parse_args(arguments)
    return command.execute(given, NAME, partial(_job, given), signals)


def _job(given: Namespace, _pipeline: Callable[[], Any]) -> command.Job:
    request = rest_venue.request(given, NAME, tuple(INTERVALS), DATASETS)
    return command.Job(NAME, [Run(Okx(request, load_configuration()))])

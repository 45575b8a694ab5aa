"""The command for a venue that has only REST."""

import argparse
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from exchange_engine.config.venue import VenueConfiguration
from exchange_engine.rest_venue import RestVenue
from exchange_engine.run import Run

from . import command, options
from .signals import Signals


@dataclass(frozen=True)
class RestCommand:
    """The command for one venue.

    Attributes:
        venue: The venue.
        configuration: Its section of the configuration.
        symbols: Some of its symbols, as an example in the help.
    """

    venue: type[RestVenue]
    configuration: type[VenueConfiguration]
    symbols: str

    def run(self, signals: Signals, arguments: list[str] | None = None) -> int:
        """Run the command; arguments and exit codes as for Binance (binance.py)."""
        given = self._parser().parse_args(arguments)
        return command.execute(given, self.venue.name, partial(self._job, given), signals)

    def _parser(self) -> argparse.ArgumentParser:
        found = argparse.ArgumentParser(
            description=f"Load {self.venue.exchange} market data into DuckDB. Without options it loads what "
            ".dlt/config.toml names, and goes on where the last run ended.",
            epilog=options.EXIT_CODES,
        )
        datasets = ", ".join(table.name for table in self.venue.tables)
        add = found.add_argument
        add("--symbols", type=options.comma_list, metavar="A,B", help=f"such as {self.symbols}; patterns; or all")
        add("--intervals", type=options.comma_list, metavar="1m,1h", help=f"of {', '.join(self.venue.intervals)}")
        add("--datasets", type=options.comma_list, metavar="A,B", help=f"of {datasets}")
        options.add_period(found)
        options.add_common(found)
        return found

    def _job(self, given: Namespace, _pipeline: Callable[[], Any]) -> command.Job:
        name = self.venue.name
        request = self.venue.check(*options.what(given, name), given.start, given.end)
        return command.Job(name, [Run(self.venue(request, self.configuration.load()))])

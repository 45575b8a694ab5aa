"""What the commands of the venues with REST alone share: their options, and the request that these make."""

import argparse
from argparse import Namespace
from collections.abc import Sequence

from exchange_engine.request import Request, check_request

from . import options


def parser(exchange: str, symbols: str, intervals: Sequence[str], datasets: Sequence[str]) -> argparse.ArgumentParser:
    """Make the parser of a venue's command line.

    Args:
        exchange: Its name.
        symbols: Some, as an example.
        intervals: All of them.
        datasets: All of them.
    """
    found = argparse.ArgumentParser(
        description=f"Load {exchange} market data into DuckDB. Without options it loads what .dlt/config.toml names, "
        "and goes on where the last run ended.",
        epilog=options.EXIT_CODES,
    )
    add = found.add_argument
    add("--symbols", type=options.comma_list, metavar="A,B", help=f"such as {symbols}; patterns; or all")
    add("--intervals", type=options.comma_list, metavar="1m,1h", help=f"of {', '.join(intervals)}")
    add("--datasets", type=options.comma_list, metavar="A,B", help=f"of {', '.join(datasets)}")
    options.add_period(found)
    options.add_common(found)
    return found


def request(given: Namespace, name: str, intervals: Sequence[str], datasets: Sequence[str]) -> Request:
    """Check the request that the options and the configuration make.

    Args:
        given: The options.
        name: Section of the configuration.
        intervals: All that there are.
        datasets: All that there are.
    """
    return check_request(
        options.configured_list(given.symbols, "symbols", name),
        options.configured_list(given.intervals, "intervals", name),
        options.configured_list(given.datasets, "datasets", name),
        given.start,
        given.end,
        known_datasets=datasets,
        known_intervals=intervals,
    )

"""What the commands of the venues with REST alone share: their options, their plan and their job."""

import argparse
from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import Any

from exchange_engine.http.errors import SeriesError
from exchange_engine.request import Request, check_request
from exchange_engine.rest_venue import VenueRun

from . import command, options


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


def job(run: VenueRun, source: Callable[[Any, bool], Any]) -> command.Job:
    """Make the job of one run.

    Args:
        run: Not yet opened.
        source: Makes the dlt source of one load package.
    """
    made = command.Job(run.venue, [run], source)

    def plan(opened: VenueRun, state: Any) -> None:
        if not print_plan(opened, state):
            made.failed.append(opened.title)

    made.plan = plan
    return made


def print_plan(run: VenueRun, state: dict[str, Any]) -> bool:
    """Print the requests of each series and in all, and what cannot be had.

    Args:
        run: The opened run; long series are asked for where their data begin and end, which costs a few requests.
        state: dlt's pipeline state, for what is loaded already.

    Returns:
        Whether all can be had.
    """
    resources = state.get("sources", {}).get(run.venue, {}).get("resources", {})
    total, lacking = 0, []
    print(f"{'dataset':<17} {'series':<28} {'requests':>9}")
    for dataset in run.request.datasets:
        requests = {"all": 1}
        if dataset in run.series:
            known = resources.get(dataset, {})
            series, _ = run.wanted_series(dataset, known.get("wanted", {}), known.get("coverage", {}))
            requests = dict.fromkeys((one.key for one in series), 0)
            for one in series:
                try:
                    requests[one.key] += len(one.open())
                except SeriesError as error:
                    lacking.append(f"NOT COMPLETE: {dataset} {one.key.replace('|', ' ')}: {error}")
        for key, count in requests.items():
            print(f"{dataset:<17} {key.replace('|', ' '):<28} {count:>9,}")
        total += sum(requests.values())
    minutes = total / run.budget.per_window * run.budget.window_seconds / 60
    print(f"in all {total:,} requests: about {minutes:.1f} minutes; nothing was loaded")
    for line in lacking:
        print(line)
    return not lacking

"""Loads Binance market and account data into the destination `market`: python pipelines/binance_pipeline.py --help."""

import os
import sys
import threading
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
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

from binance_source import AccountRun, MarketRun, account_source, load_configuration, market_source  # noqa: E402
from binance_source.datasets import ACCOUNT_DATASETS, DATASETS, datasets_by_market  # noqa: E402
from binance_source.markets import MARKETS, Market  # noqa: E402
from binance_source.origin import exchange_of  # noqa: E402
from binance_source.rest.signing import HOW_TO_SET, configured_signer  # noqa: E402
from binance_source.series import DATASETS_OF_SERIES  # noqa: E402
from binance_source.settings import SPOT, BinanceConfiguration  # noqa: E402
from exchange_engine.coverage import split_key  # noqa: E402
from exchange_engine.request import (  # noqa: E402
    ARCHIVE,
    Request,
    RequestError,
    check_request,
    known_names,
)
from exchange_engine.run import Run  # noqa: E402
from exchange_engine.symbols import ALL, chooser  # noqa: E402
from exchange_engine.times import INTERVAL_MS  # noqa: E402

from . import archive_files, command, options, repair  # noqa: E402
from .plan import print_plan  # noqa: E402

NAME = "binance"

_LOOKING_BACK = {
    "revisions": ("start", "end", "quote", "plan", "repair"),
    "repair": ("start", "end", "quote", "plan", "revisions"),
}
"""Options that look at what was loaded or asked for before, and those that have no meaning beside them."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Without the program's name; default those of the command line.

    Returns:
        The exit code: 0 all done, 1 something is not loaded, 2 the request is wrong, 130 or 143 after a signal.
    """
    given = options.parser().parse_args(arguments)
    return command.execute(given, NAME, partial(_job, given), signals)


def _job(given: Namespace, pipeline: Callable[[], Any]) -> command.Job:
    """Make the job: a run for each market, and one for the account."""
    request = _request(given)
    settings = load_configuration()
    stop = threading.Event()
    skipped: list[str] = []
    # What was loaded before may be of any market.
    markets = tuple(MARKETS) if given.market is None and (given.revisions or given.repair) else given.market
    by_market = datasets_by_market(request.datasets, markets, is_asked=given.datasets is not None)
    if not given.datasets and not given.market:
        _leave_out_other_exchanges(by_market, settings, skipped)
    known = {name for market in by_market or MARKETS for name in MARKETS[market].intervals}
    known_names("interval", request.intervals, sorted(known, key=list(INTERVAL_MS).index))
    runs = [
        MarketRun(
            _of_market(request, MARKETS[market], datasets),
            settings,
            stop,
            known_files=lambda: archive_files.known_files(pipeline()),
            keep_archives=given.keep_archives,
            market=MARKETS[market],
        )
        for market, datasets in by_market.items()
    ]
    account = _account_run(given, request, settings, runs, skipped, stop)
    if not runs and account is None:
        raise RequestError(f"there is nothing to load; {'; '.join(skipped)}")
    is_meant = chooser(given.symbols, given.intervals)
    # The account last: what is public is loaded whatever becomes of the key.
    all_runs: list[Run] = [*runs, account] if account else [*runs]
    is_asked = bool(given.datasets or given.market)
    job = command.Job(NAME, all_runs, _source, plan=print_plan, skipped=skipped, is_asked_by_name=is_asked)
    if given.revisions or given.repair:
        job.prepare = partial(_look_back, job, runs, given, is_meant)
        job.summary = partial(_say_repaired, runs)
    return job


def _source(run: MarketRun | AccountRun, as_files: bool) -> Any:
    return account_source(run, as_files) if isinstance(run, AccountRun) else market_source(run, as_files)


def _account_run(
    given: Namespace,
    request: Request,
    settings: BinanceConfiguration,
    runs: Sequence[MarketRun],
    skipped: list[str],
    stop: threading.Event,
) -> AccountRun | None:
    """Make the run for the account, if it is meant; where it cannot be, only what is asked for by name is an error."""
    datasets = tuple(name for name in request.datasets if name in ACCOUNT_DATASETS)
    is_asked = given.datasets is not None
    if not datasets or not (is_asked or SPOT in (given.market or [SPOT])):
        return None
    signer = configured_signer()
    hosts = [
        (run.market.host, run.client.url)
        for run in runs
        if exchange_of(run.client.url) != exchange_of(settings.api_url)
    ]
    if signer is not None and not hosts:
        spot = next((run for run in runs if run.market.name == SPOT), None)
        return AccountRun(replace(request, datasets=datasets), settings, signer, stop, spot)
    if signer is None:
        reason = f"there is no API key; {HOW_TO_SET}"
    else:
        host, url = hosts[0]
        reason = f"sources.{NAME}.api_url is {settings.api_url}, and {host} is {url}, another exchange"
    if is_asked:
        raise RequestError(f"{', '.join(datasets)}: {reason}")
    skipped.append(f"skipped: {', '.join(datasets)}: {reason}")
    return None


def _request(given: Namespace) -> Request:
    for name, excluded in _LOOKING_BACK.items():
        if getattr(given, name):
            for option in excluded:
                if getattr(given, option):
                    raise RequestError(f"--{name} looks at all that was asked for before, and takes no --{option}")
            datasets = given.datasets or list(DATASETS_OF_SERIES)
            known_names("dataset", datasets, tuple(DATASETS_OF_SERIES))
            source = ARCHIVE if given.revisions else given.source
            intervals = given.intervals or list(INTERVAL_MS)
            return check_request(given.symbols or [ALL], intervals, datasets, source=source, known_datasets=DATASETS)
    return check_request(
        options.configured_list(given.symbols, "symbols", NAME),
        options.configured_list(given.intervals, "intervals", NAME),
        options.configured_list(given.datasets, "datasets", NAME),
        given.start,
        given.end,
        given.source,
        given.quote,
        known_datasets=DATASETS,
    )


def _of_market(request: Request, market: Market, datasets: Sequence[str]) -> Request:
    intervals = tuple(name for name in request.intervals if name in market.intervals)
    return replace(request, datasets=tuple(datasets), intervals=intervals)


def _leave_out_other_exchanges(by_market: dict[str, tuple[str, ...]], settings: Any, skipped: list[str]) -> None:
    """Leave out markets that nobody has asked for by name, whose host is of another exchange than the first one's."""
    first, *others = by_market or [SPOT]
    for name in others:
        market = MARKETS[name]
        url, of_first = getattr(settings, market.host), getattr(settings, MARKETS[first].host)
        if exchange_of(url) != exchange_of(of_first):
            skipped.append(
                f"skipped: {', '.join(by_market.pop(name))} of {market.title}: sources.binance.{market.host} is "
                f"{url}, and {MARKETS[first].host} is {of_first}"
            )


def _look_back(
    job: command.Job, runs: list[MarketRun], given: Namespace, is_meant: repair.IsMeant, pipeline: Any
) -> None:
    """Find what was loaded or asked for before, and is to be looked at again, of the markets that have any of it."""
    known = [run for run in runs if any(_asked_before(pipeline.state, run.market.name))]
    runs[:] = known or runs[:1]
    # A market that nothing was ever asked of would be fetched as a whole.
    job.runs = list(runs)
    for run in runs:
        if given.revisions:
            run.revisions = archive_files.revisions(pipeline, run.request.datasets, is_meant, run.market.name)
    if given.repair:
        repair.update_ledger(pipeline)
        for run in runs:
            run.repairs = repair.find_repairs(pipeline, run.request.datasets, is_meant, run.market.name)


def _asked_before(state: Mapping[str, Any], market: str) -> Iterator[str]:
    """Give the series of a market that runs have asked for."""
    resources = state.get("sources", {}).get(NAME, {}).get("resources", {})
    return (key for one in resources.values() for key in one.get("wanted", {}) if split_key(key)[0] == market)


def _say_repaired(runs: Sequence[MarketRun], pipeline: Any) -> Iterator[str]:
    repairing: list[Run] = [run for run in runs if run.repairs is not None]
    if repairing:
        yield from repair.summary(pipeline, repairing)


if __name__ == "__main__":
    command.finish(main)

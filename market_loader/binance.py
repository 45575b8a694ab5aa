"""The command for Binance: one run per market, and one for the account."""

import threading
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from binance_source.account import BinanceAccount
from binance_source.connection import Connection
from binance_source.datasets import ACCOUNT_DATASETS, DATASETS, datasets_by_market
from binance_source.market import BinanceMarket
from binance_source.markets import MARKETS, Market
from binance_source.origin import exchange_of
from binance_source.rest.signing import HOW_TO_SET, configured_signer
from binance_source.series import DATASETS_OF_SERIES
from binance_source.settings import SPOT, BinanceConfiguration
from exchange_engine.coverage import split_key
from exchange_engine.request import (
    ARCHIVE,
    Request,
    RequestError,
    check_request,
    known_names,
)
from exchange_engine.run import Run
from exchange_engine.symbols import ALL, chooser
from exchange_engine.times import INTERVAL_MS
from exchange_engine.venue import Venue

from . import archive_files, command, options, repair
from .signals import Signals

NAME = "binance"

_LOOKING_BACK = {
    "revisions": ("start", "end", "quote", "plan", "repair"),
    "repair": ("start", "end", "quote", "plan", "revisions"),
}
"""Options that check what was loaded or requested before, and the options that they exclude."""


def main(signals: Signals, arguments: list[str] | None = None) -> int:
    """Run the command.

    Args:
        signals: Signals that end it early.
        arguments: Without the program's name; default those of the command line.

    Returns:
        The exit code: 0 all done, 1 something is not loaded, 2 the request is wrong, 130 or 143 after a signal.
    """
    given = options.parser().parse_args(arguments)
    return command.execute(given, NAME, partial(_job, given), signals)


def _job(given: Namespace, pipeline: Callable[[], Any]) -> command.Job:
    """Return the job: one run per market, and one for the account."""
    request = _request(given)
    settings = BinanceConfiguration.load()
    stop = threading.Event()
    skipped: list[str] = []
    # Earlier runs may have loaded any market.
    markets = tuple(MARKETS) if given.market is None and (given.revisions or given.repair) else given.market
    by_market = datasets_by_market(request.datasets, markets, is_asked=given.datasets is not None)
    if not given.datasets and not given.market:
        _leave_out_other_exchanges(by_market, settings, skipped)
    known = {name for market in by_market or MARKETS for name in MARKETS[market].intervals}
    known_names("interval", request.intervals, sorted(known, key=list(INTERVAL_MS).index))
    market_venues = [
        BinanceMarket(
            Connection(
                _of_market(request, MARKETS[market], datasets),
                settings,
                MARKETS[market],
                stop,
                known_files=lambda: archive_files.known_files(pipeline()),
                keep_archives=given.keep_archives,
            )
        )
        for market, datasets in by_market.items()
    ]
    account = _account(given, request, settings, market_venues, skipped, stop)
    if not market_venues and account is None:
        raise RequestError(f"there is nothing to load; {'; '.join(skipped)}")
    # The account comes last: public data is loaded whatever happens to the key.
    venues: list[Venue] = [*market_venues, account] if account else [*market_venues]
    job = command.Job(NAME, [Run(venue) for venue in venues], skipped=skipped)
    job.is_asked_by_name = bool(given.datasets or given.market)
    if given.revisions or given.repair:
        job.prepare = partial(_look_back, job, market_venues, given)
        job.summary = partial(_say_repaired, job)
    return job


def _account(
    given: Namespace,
    request: Request,
    settings: BinanceConfiguration,
    markets: Sequence[BinanceMarket],
    skipped: list[str],
    stop: threading.Event,
) -> BinanceAccount | None:
    """Return the account if it is requested and can be read; if it cannot, only a request by name is an error."""
    datasets = tuple(name for name in request.datasets if name in ACCOUNT_DATASETS)
    is_asked = given.datasets is not None
    if not datasets or not (is_asked or SPOT in (given.market or [SPOT])):
        return None
    signer = configured_signer()
    urls = {one.market.host: getattr(settings, one.market.host) for one in markets}
    others = [(host, url) for host, url in urls.items() if exchange_of(url) != exchange_of(settings.api_url)]
    if signer is not None and not others:
        spot = next((one for one in markets if one.market.name == SPOT), None)
        return BinanceAccount(replace(request, datasets=datasets), settings, signer, stop, spot)
    if signer is None:
        reason = f"there is no API key; {HOW_TO_SET}"
    else:
        host, url = others[0]
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
        *options.what(given, NAME), given.start, given.end, given.source, given.quote, known_datasets=DATASETS
    )


def _of_market(request: Request, market: Market, datasets: Sequence[str]) -> Request:
    intervals = tuple(name for name in request.intervals if name in market.intervals)
    return replace(request, datasets=tuple(datasets), intervals=intervals)


def _leave_out_other_exchanges(by_market: dict[str, tuple[str, ...]], settings: Any, skipped: list[str]) -> None:
    """Remove markets that were not requested by name and whose host belongs to another venue than the first one's."""
    first, *others = by_market or [SPOT]
    for name in others:
        market = MARKETS[name]
        url, of_first = getattr(settings, market.host), getattr(settings, MARKETS[first].host)
        if exchange_of(url) != exchange_of(of_first):
            skipped.append(
                f"skipped: {', '.join(by_market.pop(name))} of {market.title}: sources.binance.{market.host} is "
                f"{url}, and {MARKETS[first].host} is {of_first}"
            )


def _look_back(job: command.Job, markets: Sequence[BinanceMarket], given: Namespace, pipeline: Any) -> None:
    """Set what is to be reloaded or retried, and drop the markets without anything loaded or requested before."""
    known = [one for one in markets if any(_asked_before(pipeline.state, one.market.name))]
    # A market without an earlier request would be fetched as a whole.
    looked_at = known or markets[:1]
    job.runs = [run for run in job.runs if run.venue in looked_at]
    is_meant = chooser(given.symbols, given.intervals)
    if given.repair:
        repair.update_ledger(pipeline)
    for one in looked_at:
        if given.revisions:
            one.revisions = archive_files.revisions(pipeline, one.request.datasets, is_meant, one.market.name)
        if given.repair:
            one.repairs = repair.find_repairs(pipeline, one.request.datasets, is_meant, one.market.name)


def _asked_before(state: Mapping[str, Any], market: str) -> Iterator[str]:
    """Yield the series of a market that earlier runs have requested."""
    resources = state.get("sources", {}).get(NAME, {}).get("resources", {})
    return (key for one in resources.values() for key in one.get("wanted", {}) if split_key(key)[0] == market)


def _say_repaired(job: command.Job, pipeline: Any) -> Iterator[str]:
    markets = [run.venue for run in job.runs if isinstance(run.venue, BinanceMarket)]
    repairs = [one.repairs for one in markets if one.repairs is not None]
    if repairs:
        yield from repair.summary(pipeline, job.runs, repairs)

"""The command line: python -m exchange_simulator."""

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from exchange_simulator.account.history import Account
from exchange_simulator.account.keys import KeyRing
from exchange_simulator.archive.base import ArchiveStore
from exchange_simulator.archive.folder import ArchiveFolderError, FolderArchive
from exchange_simulator.archive.generated import (
    DEFAULT_DAILY_DELAY_HOURS,
    DEFAULT_FUTURES_DAILY_DELAY_HOURS,
    DEFAULT_MONTHLY_DELAY_HOURS,
    GeneratedArchive,
    Publication,
)
from exchange_simulator.archive.keys import FUTURES, SPOT, Branch
from exchange_simulator.archive.recorded import RecordedArchive
from exchange_simulator.archive.rows import RowSource, SpotRows
from exchange_simulator.archive.site import ArchiveSite
from exchange_simulator.archive.zips import ZipCache
from exchange_simulator.clock import CLOCK_MODES, RUNNING, Clock, to_microseconds
from exchange_simulator.exchange import Exchange
from exchange_simulator.futures.api import FUNDING, FUTURES_DATA, WEIGHT, futures_venue
from exchange_simulator.futures.archive import FuturesRows
from exchange_simulator.futures.market import FuturesMarket
from exchange_simulator.limits import Penalties
from exchange_simulator.market.account_config import AccountSpec
from exchange_simulator.market.base import Market
from exchange_simulator.market.config import BUILT_IN_MARKETS, MarketSpec, load_market
from exchange_simulator.market.config_tables import MarketFileError
from exchange_simulator.market.generated import GeneratedMarket
from exchange_simulator.market.recorded import RecordedMarket, RecordingError
from exchange_simulator.oddities import ODDITIES, Oddities
from exchange_simulator.server import Server
from exchange_simulator.spot import spot_venue
from exchange_simulator.venue import Venue
from exchange_simulator.venues.coinbase import Coinbase
from exchange_simulator.venues.okx import Okx

_MEGABYTE = 1 << 20
_ARCHIVE_ROWS_BYTES = 64 * _MEGABYTE
_ARCHIVE_ZIPS_BYTES = 64 * _MEGABYTE


class _Parser(argparse.ArgumentParser):
    """Reports wrong options in one line."""

    def error(self, message: str) -> None:  # type: ignore[override]
        self.exit(2, f"{self.prog}: {message}\n")


def _oddities(text: str) -> Oddities:
    try:
        return Oddities(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _moment(text: str) -> int | None:
    """Return a --clock value in microseconds since 1970; None for the host's time."""
    if text == "now":
        return None
    try:
        return to_microseconds(datetime.fromisoformat(text.replace("Z", "+00:00")))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither 'now' nor an ISO datetime such as 2025-01-01T00:00:00"
        ) from error


def _at_least(smallest: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = float(text)
        if value < smallest:
            raise argparse.ArgumentTypeError(f"{text} is less than {smallest:g}")
        return value

    return number


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all options."""
    oddities = "\n".join(f"  {name:25} {oddity.meaning}" for name, oddity in ODDITIES.items())
    parser = _Parser(
        prog="exchange_simulator",
        description="A local server that speaks like the exchange.",
        epilog=f"oddities:\n{oddities}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, required=True, help="port to listen on; 0 picks a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--market", default="default", help=f"{' or '.join(BUILT_IN_MARKETS)}, or the path of a market file (TOML)"
    )
    parser.add_argument("--recordings", type=Path, help="serve the recorded files of this folder instead of a market")
    parser.add_argument(
        "--archive-folder",
        type=Path,
        help="serve the zips of this folder, laid out as the archive's keys (data/spot/...), as the archive",
    )
    parser.add_argument(
        "--archive-daily-delay-hours",
        type=_at_least(0),
        default=DEFAULT_DAILY_DELAY_HOURS,
        help="how long after its end a day is published in the archive",
    )
    parser.add_argument(
        "--archive-monthly-delay-hours",
        type=_at_least(0),
        default=DEFAULT_MONTHLY_DELAY_HOURS,
        help="how long after its end a month is published in the archive",
    )
    parser.add_argument(
        "--archive-futures-daily-delay-hours",
        type=_at_least(0),
        default=DEFAULT_FUTURES_DAILY_DELAY_HOURS,
        help="how long after its end a day of futures is published in the archive",
    )
    parser.add_argument(
        "--clock",
        type=_moment,
        default=argparse.SUPPRESS,
        help="now (default), or an ISO datetime, UTC if without zone",
    )
    parser.add_argument("--clock-mode", choices=CLOCK_MODES, default=RUNNING)
    parser.add_argument("--latency-ms", type=_at_least(0), default=0.0, help="delay of each answer")
    parser.add_argument("--no-limits", action="store_true", help="count weight, but never refuse")
    parser.add_argument("--weight-limit", type=_positive, default=6000, help="request weight per minute")
    parser.add_argument("--um-weight-limit", type=_positive, default=2400, help="futures' request weight per minute")
    parser.add_argument("--funding-limit", type=_positive, default=500, help="requests for funding per 5 minutes")
    parser.add_argument("--futures-data-limit", type=_positive, default=1000, help="/futures/data per 5 minutes")
    parser.add_argument("--ban-after", type=_positive, default=5, help="ignored Retry-Afters that bring a ban")
    parser.add_argument("--ban-seconds", type=_at_least(0), default=120.0, help="length of the first ban")
    parser.add_argument("--seed", type=int, help="seed of the generated market; default is the market file's")
    parser.add_argument(
        "--oddities",
        type=_oddities,
        default=Oddities(),
        metavar="A,B",
        help="odd answers that a client must survive: all, or some by name; see below",
    )
    parser.add_argument("--cache-mb", type=_positive, default=192, help="memory for generated data")
    return parser


@dataclass(frozen=True)
class _Markets:
    """The markets to serve, and the time at which their clock starts unless the options set it."""

    spot: Market
    futures: FuturesMarket
    account: Account
    start: int | None


def _load(options: argparse.Namespace) -> _Markets:
    """Read the recordings, which have no futures, or the market file."""
    if options.recordings is not None:
        recorded = RecordedMarket(options.recordings)
        return _Markets(recorded, FuturesMarket(MarketSpec(0), None, 0), Account(AccountSpec(), {}, 0), recorded.newest)
    return _generated(options, options.cache_mb * _MEGABYTE)


def _generated(options: argparse.Namespace, cache_bytes: int) -> _Markets:
    spec = load_market(options.market)
    futures = FuturesMarket(spec, options.seed, cache_bytes // 4)
    spot = GeneratedMarket(spec, options.seed, cache_bytes - cache_bytes // 4)
    seed = spec.seed if options.seed is None else options.seed
    return _Markets(spot, futures, Account(spec.account, spot.generated, seed), None)


def _archive(options: argparse.Namespace, clock: Clock) -> ArchiveSite:
    """Return the archive of a folder, of the recordings, or of the generated market."""
    publication = Publication(
        options.archive_daily_delay_hours,
        options.archive_monthly_delay_hours,
        options.archive_futures_daily_delay_hours,
    )
    cache = ZipCache(_ARCHIVE_ZIPS_BYTES)
    store: ArchiveStore
    if options.archive_folder is not None:
        store = FolderArchive(options.archive_folder)
    elif options.recordings is not None:
        store = RecordedArchive(options.recordings, cache)
    else:
        # A second instance of the market: the archive is made in another thread, and a market's caches have no locks.
        markets = _generated(options, _ARCHIVE_ROWS_BYTES)
        sources: dict[Branch, RowSource] = {SPOT: SpotRows(markets.spot), FUTURES: FuturesRows(markets.futures)}
        store = GeneratedArchive(sources, publication, cache)
    return ArchiveSite(store, clock, publication, cache)


def _venues(options: argparse.Namespace, markets: _Markets, keys: KeyRing, clock: Clock) -> list[Venue]:
    """Return all venues; the first one also responds to paths of no venue."""
    penalties = Penalties(options.ban_after, options.ban_seconds, enforce=not options.no_limits)
    most = {
        WEIGHT: options.um_weight_limit,
        FUNDING: options.funding_limit,
        FUTURES_DATA: options.futures_data_limit,
    }
    return [
        spot_venue(markets.spot, markets.account, keys, clock, penalties, options.weight_limit),
        futures_venue(markets.futures, clock, penalties, most.__getitem__),
        Coinbase(markets.spot, clock, penalties.enforce),
        Okx(markets.spot, clock, penalties.enforce),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the simulator until it is stopped, and return the exit code."""
    options = build_parser().parse_args(arguments)
    try:
        markets = _load(options)
        clock = Clock(getattr(options, "clock", markets.start), options.clock_mode)
        archive = _archive(options, clock)
    except (MarketFileError, RecordingError, ArchiveFolderError, OSError) as error:
        sys.stderr.write(f"exchange_simulator: {error}\n")
        return 2
    keys = KeyRing()
    exchange = Exchange(_venues(options, markets, keys, clock), keys, clock, archive, options.oddities)
    server = Server(exchange, options.latency_ms / 1000)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(server.run(options.host, options.port))
    except (OSError, OverflowError) as error:
        sys.stderr.write(f"exchange_simulator: cannot listen on {options.host}:{options.port}: {error}\n")
        return 2
    return 0

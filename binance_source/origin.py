"""Which venue the data comes from, and whether archive and REST belong to the same one."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Final
from urllib.parse import urlsplit

from exchange_engine.request import ARCHIVE, REST, RequestError
from exchange_engine.venue import LOOPBACK, SIMULATED

from .archive.errors import ArchiveFileError, ArchiveUnreachableError
from .archive.file_kinds import ARCHIVE_DATASETS, DAILY, MONTHLY
from .archive.host import ArchiveHost
from .markets import SPOT_MARKET, Market
from .settings import ARCHIVE_LISTING_URL, SPOT, BinanceConfiguration

BINANCE_HOSTS: Final = frozenset({"data-api.binance.vision", "data.binance.vision"})
"""Binance's hosts outside binance.com. testnet.binance.vision is not one of them: it is another market."""


def exchange_of(url: str) -> str:
    """Return the name of the venue behind a host; data of two venues is never mixed.

    Args:
        url: Such as https://api-gcp.binance.com.

    Returns:
        "Binance" for its hosts other than demo and testnet, else the host's name; any port of this machine is the same.
    """
    host = urlsplit(url).hostname or ""
    is_binance_com = host.endswith(".binance.com") and not host.startswith("demo-")
    if is_binance_com or host in BINANCE_HOSTS or url.rstrip("/") == ARCHIVE_LISTING_URL:
        return "Binance"
    return SIMULATED if host in LOOPBACK else host


def choose_source(
    configuration: BinanceConfiguration, source: str, needs_rest: bool, market: Market = SPOT_MARKET
) -> str:
    """Return the source to use, after checking that archive and REST belong to the same venue.

    Rows of two venues must never be mixed.

    Args:
        configuration: The hosts.
        source: The requested source.
        needs_rest: Whether REST is used in any case.
        market: The market whose REST host is compared.

    Returns:
        The requested source, but "rest" for "auto" if the configured archive belongs to another venue.

    Raises:
        RequestError: "archive" is requested, and its hosts belong to different venues.
    """
    origins = {exchange_of(configuration.archive_url), exchange_of(configuration.archive_listing_url)}
    if needs_rest:
        origins.add(exchange_of(getattr(configuration, market.host)))
    if len(origins) == 1 or source == REST:
        return source
    if source == ARCHIVE:
        raise RequestError(
            f"sources.binance.archive_url ({configuration.archive_url}), archive_listing_url and {market.host} "
            f"({getattr(configuration, market.host)}) are of different exchanges"
        )
    return REST


def archived_symbols(
    host: ArchiveHost, threads: int, datasets: Iterable[str], is_needed: bool, market: str = SPOT
) -> frozenset[str]:
    """Return the symbols that have files in the archive for any of some datasets.

    Args:
        host: The archive.
        threads: How many folders are listed at once.
        datasets: Staging tables; those that the archive does not have are skipped.
        is_needed: Whether errors are raised rather than treated as an empty archive.
        market: Name of the market.

    Raises:
        RunError: The archive cannot be reached.
        ArchiveFileError: Its listing cannot be read.
    """
    kinds = [ARCHIVE_DATASETS[market, name] for name in datasets if (market, name) in ARCHIVE_DATASETS]
    folders = [kind.folder(frequency) for kind in kinds for frequency in (MONTHLY, DAILY)]
    try:
        with ThreadPoolExecutor(threads, thread_name_prefix="archive-symbols") as pool:
            return frozenset(chain(*pool.map(host.folders, folders)))
    except (ArchiveUnreachableError, ArchiveFileError):
        if is_needed:
            raise
        return frozenset()

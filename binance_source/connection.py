"""The connection to one market of Binance: its REST API, its archive, and the symbols that both have."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence, Set
from functools import cache
from pathlib import Path

from exchange_engine.request import ARCHIVE, REST, Request
from exchange_engine.symbols import Assets, has_patterns
from exchange_engine.venue import Origin

from .archive.host import ArchiveHost
from .archive.series import KnownFiles
from .archive.verified import Downloads
from .markets import SPOT_MARKET, Market
from .origin import archived_symbols, choose_source, exchange_of
from .rest.client import RestClient
from .rest.symbols import ExchangeInfo, fetch_exchange_info
from .settings import BinanceConfiguration


class Connection:
    """The connection to one market.

    Args:
        request: What to fetch.
        configuration: Binance's section of the configuration.
        market: The market.
        stop: Set to end everything that waits.
        known_files: Returns what the destination has of the archive's files; called once, if at all.
        keep_archives: Folder in which the archive's zips are kept, or None.

    Attributes:
        request, configuration, market, stop: As given.
        client: Client of REST.
        host: The archive.
        downloads: Downloads from the archive.
        source: Where series come from: as requested, or "rest" if the archive belongs to another venue.
        is_archive_only: Whether only files of the archive are needed.
        info: The exchangeInfo of the market; None if REST is not used.
    """

    def __init__(
        self,
        request: Request,
        configuration: BinanceConfiguration,
        market: Market = SPOT_MARKET,
        stop: threading.Event | None = None,
        known_files: Callable[[], KnownFiles] = KnownFiles,
        keep_archives: Path | None = None,
    ) -> None:
        self.request = request
        self.configuration = configuration
        self.market = market
        self.stop = stop or threading.Event()
        self.client = RestClient(configuration, self.stop, market)
        self.host = ArchiveHost(configuration, self.stop)
        self.downloads = Downloads(self.host, keep_archives, self.stop, configuration.backoff_seconds)
        self.source = request.source
        self.is_archive_only = False
        self.info: ExchangeInfo | None = None
        self.known_files = cache(known_files)
        self._archived: frozenset[str] | None = None

    def clock_us(self) -> int:
        """Return Binance's time in microseconds since 1970, and read limits and symbols.

        If only files of the archive are needed, REST is not used, and the time is this machine's.
        """
        self.source = choose_source(self.configuration, self.source, not self.is_archive_only, self.market)
        if self.is_archive_only:
            return time.time_ns() // 1000
        now_us = self.client.server_time_ms() * 1000
        self.info = fetch_exchange_info(self.client)
        return now_us

    @property
    def origin(self) -> Origin:
        """Which venue the data comes from."""
        url = self.configuration.archive_url if self.is_archive_only else self.client.url
        return Origin(exchange_of(url), url)

    def assets(self) -> Mapping[str, Assets]:
        """Return the symbols that exchangeInfo lists, and their assets."""
        return self.info.assets if self.info else {}

    def archived(self) -> Set[str]:
        """Return the symbols of the archive, if any have to be looked up there."""
        asked = self.request.symbols
        if self.source == REST or not (has_patterns(asked) or set(asked) - self.assets().keys()):
            return frozenset()
        if self._archived is None:
            self._archived = archived_symbols(
                self.host,
                self.configuration.archive_connections,
                self.request.datasets,
                self.source == ARCHIVE,
                self.market.name,
            )
        return self._archived

    @property
    def listed_ms(self) -> Mapping[str, int]:
        """When symbols were listed, in milliseconds since 1970, if Binance states it."""
        infos = self.info.symbols if self.info else []
        return {one.symbol: one.onboard_us // 1000 for one in infos if one.onboard_us is not None}

    def listed(self, names: Sequence[str]) -> list[str]:
        """Return those of the given symbols that REST lists."""
        return [name for name in names if name in self.assets()]

    @property
    def followed_by_rest(self) -> Set[str]:
        """The symbols for which REST fills in what the archive does not have."""
        return frozenset() if self.source == ARCHIVE else self.assets().keys()

    def close(self) -> None:
        """Close the connections."""
        self.client.close()
        self.host.close()

"""The connection to one market of Binance: its REST API, its archive, and what they say that there is."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path

from exchange_engine.http.budget import WeightBudget
from exchange_engine.request import ARCHIVE, REST, Request
from exchange_engine.symbols import Assets, has_patterns
from exchange_engine.venue import Origin

from .archive.host import ArchiveHost
from .archive.series import KnownFiles
from .archive.verified import Downloads
from .markets import Market
from .origin import archived_symbols, choose_source, exchange_of
from .rest.client import RestClient
from .rest.symbols import ExchangeInfo, fetch_exchange_info
from .settings import BinanceConfiguration


class Connection:
    """The connection to one market.

    Args:
        request: What is to be fetched.
        configuration: How to speak to the exchange.
        market: Which market.
        stop: Set to end everything that waits.
        known_files: Says what the destination has of the archive's files; asked once, if at all.
        keep_archives: Folder in which to keep the archive's zips, or None.
        budget: The weight budget of another connection that the exchange counts together with this one.

    Attributes:
        request, configuration, market, stop: As given.
        client: REST.
        host: The archive.
        downloads: Its files.
        source: Where series come from: as asked for, or "rest" where there is no archive of this exchange.
        is_archive_only: Nothing is wanted but files of the archive.
        info: What exchangeInfo says; None where REST is not spoken to.
    """

    def __init__(
        self,
        request: Request,
        configuration: BinanceConfiguration,
        market: Market,
        stop: threading.Event,
        known_files: Callable[[], KnownFiles] = KnownFiles,
        keep_archives: Path | None = None,
        budget: WeightBudget | None = None,
    ) -> None:
        self.request = request
        self.configuration = configuration
        self.market = market
        self.stop = stop
        self.client = RestClient(configuration, stop, market, budget)
        self.host = ArchiveHost(configuration, stop)
        self.downloads = Downloads(self.host, keep_archives, stop, configuration.backoff_seconds)
        self.source = request.source
        self.is_archive_only = False
        self.info: ExchangeInfo | None = None
        self._find_known_files = known_files
        self._known_files: KnownFiles | None = None
        self._archived: frozenset[str] | None = None

    def clock_us(self) -> int:
        """Read the exchange's clock in microseconds since 1970, its limits and symbols.

        Where nothing is wanted but files of the archive, REST is not spoken to, and this machine's clock counts.
        """
        self.source = choose_source(self.configuration, self.source, not self.is_archive_only, self.market)
        if self.is_archive_only:
            return time.time_ns() // 1000
        now_us = self.client.server_time_ms() * 1000
        self.info = fetch_exchange_info(self.client)
        return now_us

    @property
    def origin(self) -> Origin:
        """Which exchange the data are of."""
        url = self.configuration.archive_url if self.is_archive_only else self.client.url
        return Origin(exchange_of(url), url)

    def assets(self) -> Mapping[str, Assets]:
        """Return the symbols that exchangeInfo lists, and their assets."""
        return self.info.assets if self.info else {}

    def archived(self) -> Set[str]:
        """Return the symbols of the archive, if any are to be looked up there."""
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
        """When symbols were listed, in milliseconds since 1970, where the exchange says it."""
        infos = self.info.symbols if self.info else []
        return {one.symbol: one.onboard_us // 1000 for one in infos if one.onboard_us is not None}

    def listed(self, names: Sequence[str]) -> list[str]:
        """Return those of some symbols that REST knows."""
        return [name for name in names if name in self.assets()]

    @property
    def followed_by_rest(self) -> Set[str]:
        """The symbols of which REST is asked for what the archive does not give."""
        return frozenset() if self.source == ARCHIVE else self.assets().keys()

    def known_files(self) -> KnownFiles:
        """Return what the destination has of the archive's files."""
        if self._known_files is None:
            self._known_files = self._find_known_files()
        return self._known_files

    def close(self) -> None:
        """End the connections."""
        self.client.close()
        self.host.close()

"""One run against a market of Binance: its clock and symbols, the archive and REST."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import pyarrow as pa

from exchange_engine.coverage import Coverage
from exchange_engine.http.budget import WeightBudget
from exchange_engine.http.transport import Tally
from exchange_engine.listed import Snapshot
from exchange_engine.request import ARCHIVE, REST, Request
from exchange_engine.run import Run, Stage
from exchange_engine.symbols import Assets, ConnectedSymbol, Listing, has_patterns, resolve_among

from .archive.host import ArchiveHost
from .archive.revisions import Revisions
from .archive.series import KnownFiles
from .markets import SPOT_MARKET, Market
from .origin import archived_symbols, choose_source, exchange_of
from .repair.gaps import Repairs
from .rest.client import RestClient
from .rest.exchange_info_history import changes
from .rest.premium_index import fetch_premium_index, premium_index_snapshot
from .rest.symbols import ExchangeInfo, fetch_exchange_info, symbols_snapshot
from .rest.tickers import fetch_tickers, tickers_snapshot
from .series import DATASETS_OF_SERIES, Dataset, Scope
from .settings import BinanceConfiguration
from .walks import stages


class MarketRun(Run):
    """One run against a market.

    Where nothing is wanted but files of the archive, REST is not spoken to, and this machine's clock counts.

    Args:
        request: What to fetch.
        configuration: How to speak to the exchange.
        stop: Set from outside to end the run early, with all progress kept.
        known_files: Says what the destination has of the archive's files; asked once, if at all.
        keep_archives: Folder in which to keep the archive's zips, or None.
        market: Which market.
        budget: The weight budget of another run that the exchange counts together with this one.

    Attributes:
        source: Where series come from: as asked for, or "rest" where there is no archive of this exchange.
        host: The archive.
        revisions: Set before opening to look at known files of the archive only, and to fetch nothing else.
    """

    venue = "binance"

    def __init__(
        self,
        request: Request,
        configuration: BinanceConfiguration,
        stop: threading.Event | None = None,
        known_files: Callable[[], KnownFiles] = KnownFiles,
        keep_archives: Path | None = None,
        market: Market = SPOT_MARKET,
        budget: WeightBudget | None = None,
    ) -> None:
        super().__init__(request, configuration, stop)
        self.market = market
        self.title = market.name
        self.configuration = configuration
        self.client = RestClient(configuration, self.stop, market, budget)
        self.host = ArchiveHost(configuration, self.stop)
        self.keep_archives = keep_archives
        self.source = request.source
        self.revisions: Revisions | None = None
        self.repairs: Repairs | None = None
        self._known_files = known_files
        self._known: KnownFiles | None = None
        self._info: ExchangeInfo | None = None
        self._are_changes_noted = False
        self._exchange_symbols: frozenset[str] = frozenset()
        self._archived: frozenset[str] | None = None

    @property
    def series(self) -> Mapping[str, Dataset]:
        """The datasets that are made of series."""
        return DATASETS_OF_SERIES

    @property
    def snapshots(self) -> Mapping[str, Callable[[Tally], Snapshot]]:
        """The datasets that are taken at once."""
        return {"symbols": self._symbols, "tickers_24h": self._tickers, "premium_index": self._premium_index}

    @property
    def needs_rest(self) -> bool:
        """Tell whether REST is spoken to at all."""
        is_snapshot = any(name not in DATASETS_OF_SERIES for name in self.request.datasets)
        return self.revisions is None and (self.source != ARCHIVE or is_snapshot)

    def read_clock(self) -> int:
        """Read the exchange's clock, limits and symbols."""
        self.source = choose_source(self.configuration, self.source, self.needs_rest, self.market)
        if not self.needs_rest:
            return time.time_ns() // 1000
        now_us = self.client.server_time_ms() * 1000
        self._info = fetch_exchange_info(self.client)
        if self._info.weight_limit is not None:
            self.client.budget.set_limit(self._info.weight_limit)
        self._exchange_symbols = frozenset(self._info.assets)
        return now_us

    def resolve(self, others: Sequence[Listing] = ()) -> tuple[str, ...]:
        """Find the requested symbols; those that only other markets have are left out."""
        if self.revisions is not None or self.repairs is not None:
            return ()
        names, left_out = resolve_among(self.request, self, others)
        if left_out:
            self.notes.append(f"{self.market.title} has no {', '.join(left_out)}")
        return names

    def assets(self) -> Mapping[str, Assets]:
        """Give the symbols that exchangeInfo lists, and their assets."""
        return self._info.assets if self._info else {}

    def connected(self) -> Mapping[str, ConnectedSymbol]:
        """Return the symbols that exchangeInfo lists, as it named them when the run connected."""
        name = self.market.name
        return {symbol: ConnectedSymbol(name, one.base, one.quote) for symbol, one in self.assets().items()}

    def info_changes(self, seen: dict[str, str]) -> pa.Table | None:
        """Return what has changed in exchangeInfo since it was last stored, once in a run, or None for nothing.

        Args:
            seen: dlt state: for each symbol a fingerprint of what is stored; it is brought up to date.
        """
        self.open()
        if self._info is None or self._are_changes_noted:
            return None
        self._are_changes_noted = True
        rows = changes(self.market.name, self._info, seen, self.now_us)
        return rows if rows.num_rows else None

    def archived(self) -> Set[str]:
        """Give the symbols of the archive, if any are to be looked up there."""
        asked = self.request.symbols
        if self.source == REST or not (has_patterns(asked) or set(asked) - self._exchange_symbols):
            return frozenset()
        if self._archived is None:
            is_needed = self.source == ARCHIVE
            self._archived = archived_symbols(self.host, self.pool, self.request.datasets, is_needed, self.market.name)
        return self._archived

    def origin(self) -> tuple[str, str]:
        """Give which exchange the data are of, and its address."""
        url = self.client.url if self.needs_rest else self.configuration.archive_url
        return exchange_of(url), url

    def disconnect(self) -> None:
        """End the connections."""
        self.client.close()
        self.host.close()

    def scope(self, wanted: Mapping[str, list[Any]]) -> Scope:
        """Give what the series of a dataset are made for.

        Args:
            wanted: dlt state of the dataset: the periods that were asked for.
        """
        infos = self._info.symbols if self._info else []
        listed_ms = {one.symbol: one.onboard_us // 1000 for one in infos if one.onboard_us is not None}
        return Scope(
            self.request, self.market, self.names, self.now_us, self.configuration, wanted, listed_ms=listed_ms
        )

    def stages(self, dataset: str, wanted: Coverage) -> Iterator[tuple[Stage, Mapping[str, tuple[int, int]]]]:
        """Make the stages of a dataset, each when the one before is done."""
        scope = self.scope(wanted)
        for stage in stages(self, dataset, scope, lambda: self.covered(dataset)):
            yield stage, scope.periods

    @property
    def listed_names(self) -> list[str]:
        """The symbols that REST knows."""
        return [name for name in self.names if name in self._exchange_symbols]

    @property
    def followed_by_rest(self) -> frozenset[str]:
        """The symbols of which REST is asked for what the archive does not give."""
        return frozenset() if self.source == ARCHIVE else self._exchange_symbols

    def known_files(self) -> KnownFiles:
        """Say what the destination has of the archive's files."""
        if self._known is None:
            self._known = self._known_files()
        return self._known

    def _symbols(self, tally: Tally) -> Snapshot:
        info = self._info
        assert info is not None  # noqa: S101 - open() sets it where a snapshot is wanted
        tally.add(self.market.endpoints["exchangeInfo"].weight, 0.0)
        return symbols_snapshot(self.market.name, info, self.now_us)

    def _tickers(self, tally: Tally) -> Snapshot:
        return tickers_snapshot(self.market.name, fetch_tickers(self.client, self.listed_names, tally), self.now_us)

    def _premium_index(self, tally: Tally) -> Snapshot:
        return premium_index_snapshot(fetch_premium_index(self.client, self.listed_names, tally), self.now_us)

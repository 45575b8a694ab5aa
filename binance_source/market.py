"""A market of Binance as a venue."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any

import pyarrow as pa

from exchange_engine.coverage import IDS, Coverage, Range, RangeKind
from exchange_engine.http.budget import WeightBudget
from exchange_engine.http.transport import Tally
from exchange_engine.listed import Snapshot
from exchange_engine.request import ARCHIVE, REST
from exchange_engine.run import Run
from exchange_engine.symbols import Assets, ConnectedSymbol, SymbolBook, resolve_among
from exchange_engine.tables import Table
from exchange_engine.times import DAY_MS, HOUR_MS
from exchange_engine.venue import Origin, PlannedSeries, Remembered
from exchange_engine.walk import Walk

from . import schemas
from .archive.revisions import Revisions, RevisionWalk
from .connection import Connection
from .planning import planned_series
from .repair.gaps import Repairs
from .rest.exchange_info_history import changes
from .rest.premium_index import fetch_premium_index, premium_index_snapshot
from .rest.symbols import symbols_snapshot
from .rest.tickers import fetch_tickers, ticker_weight, tickers_snapshot
from .series import DATASETS_OF_SERIES, MarketScope
from .walks import missing_walks, repair_walks


class BinanceMarket:
    """A market of Binance, for one request (see exchange_engine/venue.py).

    Args:
        connection: Connection to the market, with the request.

    Attributes:
        connection: As given.
        revisions: Set before opening to check known files of the archive, and to fetch nothing else.
        repairs: Set before opening to retry what is missing of earlier requests.
    """

    name = "binance"
    tables = schemas.MARKET_TABLES

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.request = connection.request
        self.configuration = connection.configuration
        self.stop = connection.stop
        self.market = connection.market
        self.title = connection.market.name
        self.revisions: Revisions | None = None
        self.repairs: Repairs | None = None

    @property
    def budget(self) -> WeightBudget:
        """The weight limit."""
        return self.connection.client.budget

    @property
    def series(self) -> Mapping[str, RangeKind]:
        """The datasets that consist of series, and how their coverage is kept."""
        return {name: known.ranges for name, known in DATASETS_OF_SERIES.items()}

    @property
    def snapshots(self) -> Mapping[str, Callable[[Run, Tally], Snapshot]]:
        """The datasets that are loaded as a whole, and the function that fetches each."""
        return {
            schemas.SYMBOLS.name: self._symbols,
            schemas.TICKERS_24H.name: self._tickers,
            schemas.PREMIUM_INDEX.name: self._premium_index,
        }

    @property
    def recorded(self) -> Sequence[Table]:
        """Tables of records that are loaded together with the pages that they describe."""
        of_repairs = (schemas.GAP_CHECKS,) if self.repairs is not None else ()
        of_archive = (schemas.ARCHIVE_FILES, schemas.ARCHIVE_DISAGREEMENTS) if self.request.source != REST else ()
        return (schemas.LISTINGS, *of_repairs, *of_archive)

    @property
    def remembered(self) -> Sequence[Remembered]:
        """The changes of exchangeInfo, if the symbols are loaded."""
        has_symbols = schemas.SYMBOLS.name in self.request.datasets
        return (Remembered(schemas.EXCHANGE_INFO_HISTORY, "seen", self._changes),) if has_symbols else ()

    def clock_us(self) -> int:
        """Return the time in microseconds since 1970, and read limits and symbols, as far as they are needed."""
        is_snapshot = any(name not in DATASETS_OF_SERIES for name in self.request.datasets)
        self.connection.is_archive_only = self.revisions is not None or (
            self.connection.source == ARCHIVE and not is_snapshot
        )
        return self.connection.clock_us()

    def resolve(self, others: Sequence[SymbolBook] = ()) -> tuple[tuple[str, ...], list[str]]:
        """Return the requested symbols of this market, and a note about those that only other markets have."""
        if self.revisions is not None or self.repairs is not None:
            return (), []
        names, left_out = resolve_among(self.request, self, others)
        return names, [f"{self.market.title} has no {', '.join(left_out)}"] if left_out else []

    def assets(self) -> Mapping[str, Assets]:
        """Return the symbols that exchangeInfo lists, and their assets."""
        return self.connection.assets()

    def archived(self) -> Set[str]:
        """Return the symbols of the archive, if any have to be looked up there."""
        return self.connection.archived()

    def connected(self) -> Mapping[str, ConnectedSymbol]:
        """Return the symbols that exchangeInfo listed when the run connected."""
        name = self.market.name
        return {symbol: ConnectedSymbol(name, one.base, one.quote) for symbol, one in self.assets().items()}

    def origin(self) -> Origin:
        """Return which venue the data comes from."""
        return self.connection.origin

    def walks(self, run: Run, dataset: str, requested: Coverage) -> Iterator[tuple[Walk, Mapping[str, Range]]]:
        """Yield the walks of a dataset: first through the archive, then through REST for the rest."""
        if self.revisions is not None:
            host, downloads = self.connection.host, self.connection.downloads
            yield RevisionWalk(dataset, self.revisions, host, downloads, run.now_us, run.stop), {}
            return
        scope = self._scope(run, dataset, requested)
        if self.repairs is not None:
            yield from ((walk, {}) for walk in repair_walks(self.connection, run, dataset, scope, self.repairs))
        else:
            for walk in missing_walks(self.connection, run, dataset, scope):
                yield walk, scope.periods

    def plan(self, run: Run, dataset: str, coverage: Coverage, requested: Coverage) -> Iterator[PlannedSeries]:
        """Yield the files and requests of each series."""
        if dataset in DATASETS_OF_SERIES:
            yield from planned_series(self.connection, run, dataset, self._scope(run, dataset, requested), coverage)
            return
        endpoints = self.market.endpoints
        weights = {
            schemas.SYMBOLS.name: endpoints["exchangeInfo"].weight,
            schemas.TICKERS_24H.name: ticker_weight(self.market, len(run.names)),
            schemas.PREMIUM_INDEX.name: endpoints["premiumIndex"].weight if "premiumIndex" in endpoints else 0,
        }
        yield PlannedSeries(dataset, "all", weight=weights[dataset])

    def close(self) -> None:
        """Close the connections."""
        self.connection.close()

    def _scope(self, run: Run, dataset: str, requested: Mapping[str, list[Any]]) -> MarketScope:
        ranges, config = DATASETS_OF_SERIES[dataset].ranges, self.configuration
        lookback = config.trades_lookback_hours * HOUR_MS if ranges is IDS else config.klines_lookback_days * DAY_MS
        return MarketScope(
            run.request_of(dataset),
            self.market.name,
            run.names,
            run.now_us,
            ranges,
            int(lookback),
            requested,
            kind=self.market,
            open_interest_periods=tuple(config.open_interest_periods),
            listed_ms=self.connection.listed_ms,
        )

    def _symbols(self, run: Run, tally: Tally) -> Snapshot:
        info = self.connection.info
        assert info is not None  # noqa: S101 - clock_us() reads it if a snapshot is requested
        tally.add(self.market.endpoints["exchangeInfo"].weight, 0.0)
        return symbols_snapshot(self.market.name, info, run.now_us)

    def _tickers(self, run: Run, tally: Tally) -> Snapshot:
        names = self.connection.listed(run.names)
        return tickers_snapshot(self.market.name, fetch_tickers(self.connection.client, names, tally), run.now_us)

    def _premium_index(self, run: Run, tally: Tally) -> Snapshot:
        names = self.connection.listed(run.names)
        return premium_index_snapshot(fetch_premium_index(self.connection.client, names, tally), run.now_us)

    def _changes(self, run: Run, seen: dict[str, Any]) -> pa.Table | None:
        if self.connection.info is None:
            return None
        rows = changes(self.market.name, self.connection.info, seen, run.now_us)
        return rows if rows.num_rows else None

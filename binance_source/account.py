"""The account of a Binance API key as a venue: its balances and spot trades."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence, Set

from exchange_engine.coverage import IDS, Coverage, Range, RangeKind, series_key
from exchange_engine.http.budget import WeightBudget
from exchange_engine.http.transport import Tally
from exchange_engine.listed import Snapshot
from exchange_engine.request import Request, RequestError
from exchange_engine.run import Run
from exchange_engine.symbols import Assets, ConnectedSymbol, SymbolBook, resolve_among
from exchange_engine.tables import Table
from exchange_engine.venue import Origin, PlannedSeries, Remembered
from exchange_engine.walk import Walk

from .market import BinanceMarket
from .origin import exchange_of
from .rest.account_balances import Account, balances_snapshot, fetch_account
from .rest.account_trades import AccountTradeSeries
from .rest.signed import ACCOUNT, SignedClient
from .rest.signing import Signer
from .rest.symbols import fetch_exchange_info
from .schemas import ACCOUNT_BALANCES, ACCOUNT_TABLES, ACCOUNT_TRADES
from .settings import SPOT, BinanceConfiguration


class BinanceAccount:
    """An account, for one request (see exchange_engine/venue.py). Its trades are loaded from the first one on.

    Args:
        request: What to fetch; symbols are those that spot lists.
        configuration: Binance's section of the configuration.
        signer: Signs with the key of the account.
        stop: Set from outside to end the run early; all progress is kept.
        spot: The spot market of the same run, which shares its symbols and weight budget, or None.
    """

    name = "binance"
    title = "account"
    tables = ACCOUNT_TABLES
    recorded: Sequence[Table] = ()
    remembered: Sequence[Remembered] = ()

    def __init__(
        self,
        request: Request,
        configuration: BinanceConfiguration,
        signer: Signer,
        stop: threading.Event | None = None,
        spot: BinanceMarket | None = None,
    ) -> None:
        self.request = request
        self.configuration = configuration
        self.stop = stop or threading.Event()
        self.client = SignedClient(configuration, signer, self.stop, spot.budget if spot else None)
        self._spot = spot
        self._assets: Mapping[str, Assets] = {}
        self._account = Account()

    @property
    def budget(self) -> WeightBudget:
        """The weight limit."""
        return self.client.budget

    @property
    def series(self) -> Mapping[str, RangeKind]:
        """The datasets that consist of series, and how their coverage is kept."""
        return {ACCOUNT_TRADES.name: IDS}

    @property
    def snapshots(self) -> Mapping[str, Callable[[Run, Tally], Snapshot]]:
        """The datasets that are loaded as a whole, and the function that fetches each."""
        return {ACCOUNT_BALANCES.name: self._balances}

    def clock_us(self) -> int:
        """Return Binance's time in microseconds since 1970, and read the account: a refused key is noticed first."""
        now_us = self.client.server_time_ms() * 1000
        self._account = fetch_account(self.client)
        if self._spot is None:
            self._read_symbols()
        return now_us

    def resolve(self, others: Sequence[SymbolBook] = ()) -> tuple[tuple[str, ...], list[str]]:
        """Return the requested symbols, and a note about those that spot does not list but another market does."""
        if ACCOUNT_TRADES.name not in self.request.datasets:
            return (), []
        if not self.assets():
            self._read_symbols()
        names, left_out = resolve_among(self.request, self, others)
        said = f"the account has no trades of {', '.join(left_out)}, which spot does not list"
        return names, [said] if left_out else []

    def assets(self) -> Mapping[str, Assets]:
        """Return the symbols that exchangeInfo of spot lists, and their assets."""
        return self._assets or (self._spot.assets() if self._spot else {})

    def archived(self) -> Set[str]:
        """Return no symbols: the archive has no accounts."""
        return frozenset()

    def connected(self) -> Mapping[str, ConnectedSymbol]:
        """Return no symbols: the spot market records its own."""
        return {}

    def origin(self) -> Origin:
        """Return which venue and account the data comes from."""
        return Origin(exchange_of(self.client.url), self.client.url, self._account.uid)

    def walks(self, run: Run, dataset: str, requested: Coverage) -> Iterator[tuple[Walk, Mapping[str, Range]]]:  # noqa: ARG002 - no period is requested
        """Yield the walks of the trades: each one continues all series, until nothing is left of them.

        Raises:
            RequestError: The dataset has an incremental, but is always loaded as a whole.
        """
        if run.request_of(dataset) != self.request:
            raise RequestError(f"{dataset} is loaded as a whole, and takes no incremental")
        names = list(run.names)
        while names:
            series = [AccountTradeSeries(self.client, name, run.covered(dataset), run.now_us) for name in names]
            yield run.series_walk(dataset, series, lookahead=1), {}
            names = [one.symbol for one in series if one.has_more]

    def plan(self, run: Run, dataset: str, coverage: Coverage, requested: Coverage) -> Iterator[PlannedSeries]:  # noqa: ARG002 - only responses tell what follows
        """Yield one request per symbol; how many trades an account has is known only when they are fetched."""
        endpoints = self.client.market.endpoints
        if dataset == ACCOUNT_BALANCES.name:
            yield PlannedSeries(dataset, "all", weight=endpoints["account"].weight)
            return
        weight = endpoints["myTrades"].weight
        yield from (PlannedSeries(dataset, series_key(SPOT, name), 1, weight, is_least=True) for name in run.names)

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def _balances(self, run: Run, tally: Tally) -> Snapshot:
        tally.add(ACCOUNT.endpoints["account"].weight, 0.0)
        return balances_snapshot(self._account, run.now_us)

    def _read_symbols(self) -> None:
        if ACCOUNT_TRADES.name in self.request.datasets:
            self._assets = fetch_exchange_info(self.client.public).assets

"""One run for the owner of an API key: the account's balances and trades."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

from exchange_engine.coverage import Coverage, add_ids, remove_ids
from exchange_engine.http.transport import Tally
from exchange_engine.listed import Snapshot
from exchange_engine.request import Request, RequestError
from exchange_engine.run import Run, Stage
from exchange_engine.symbols import Assets, Listing, resolve_among
from exchange_engine.walk import Walk

from .market import MarketRun
from .origin import exchange_of
from .rest.account_balances import Account, balances_snapshot, fetch_account
from .rest.account_trades import AccountTradeSeries
from .rest.signed import ACCOUNT, SignedClient
from .rest.signing import Signer
from .rest.symbols import fetch_exchange_info
from .settings import BinanceConfiguration

BALANCES, TRADES = "account_balances", "account_trades"


class _ById(NamedTuple):
    """How the trades that are loaded are remembered."""

    add: Callable[[list[Any], Any], list[Any]] = add_ids
    remove: Callable[[list[Any], Any], list[Any]] = remove_ids


class AccountRun(Run):
    """One run for an account. Its trades are loaded from the first one on: no period cuts them.

    Args:
        request: What to fetch; symbols are those that spot lists.
        configuration: How to speak to the exchange.
        signer: Signs with the key of the account.
        stop: Set from outside to end the run early, with all progress kept.
        spot: The run against the spot market beside this one, whose symbols and weight budget are shared, or None.
    """

    venue = "binance"
    title = "account"

    def __init__(
        self,
        request: Request,
        configuration: BinanceConfiguration,
        signer: Signer,
        stop: threading.Event | None = None,
        spot: MarketRun | None = None,
    ) -> None:
        super().__init__(request, configuration, stop)
        self.configuration = configuration
        self.client = SignedClient(configuration, signer, self.stop, spot.client.budget if spot else None)
        self._spot = spot
        self._assets: Mapping[str, Assets] = {}
        self._account = Account()

    @property
    def series(self) -> Mapping[str, _ById]:
        """The datasets that are made of series."""
        return {TRADES: _ById()}

    @property
    def snapshots(self) -> Mapping[str, Callable[[Tally], Snapshot]]:
        """The datasets that are taken at once."""
        return {BALANCES: self._balances}

    def read_clock(self) -> int:
        """Read the exchange's clock, then the account: a key that is refused is known before anything is fetched."""
        now_us = self.client.server_time_ms() * 1000
        self._account = fetch_account(self.client)
        if self._spot is None:
            self._read_symbols()
        return now_us

    def resolve(self, others: Sequence[Listing] = ()) -> tuple[str, ...]:
        """Find the requested symbols; those that spot does not list are left out where another market has them."""
        if TRADES not in self.request.datasets:
            return ()
        if not self.assets():
            self._read_symbols()
        names, left_out = resolve_among(self.request, self, others)
        if left_out:
            self.notes.append(f"the account has no trades of {', '.join(left_out)}, which spot does not list")
        return names

    def assets(self) -> Mapping[str, Assets]:
        """Give the symbols that spot's exchangeInfo lists, and their assets."""
        return self._assets or (self._spot.assets() if self._spot else {})

    def archived(self) -> Set[str]:
        """Give no symbols: an account is in no archive."""
        return frozenset()

    def origin(self) -> tuple[str, str]:
        """Give which exchange the data are of, and its address."""
        return exchange_of(self.client.url), self.client.url

    def remember_origin(self, source_state: dict[str, Any]) -> None:
        """Note which exchange and which account the data are of, and refuse to mix two of them."""
        super().remember_origin(source_state)
        uid = self._account.uid
        if uid is not None and source_state.setdefault("account", uid) != uid:
            raise RequestError(
                "the database holds data of another account than that of sources.binance.api_key; "
                "load it into a database of its own, such as DESTINATION__MARKET__CREDENTIALS=other.duckdb"
            )

    def disconnect(self) -> None:
        """End the connections."""
        self.client.close()

    def stages(self, dataset: str, wanted: Coverage) -> Iterator[tuple[Stage, Mapping[str, tuple[int, int]]]]:  # noqa: ARG002 - no period is asked for
        """Make the stages of the trades: each takes all series further, until nothing is left of them."""
        names = list(self.names)
        while names:
            series = [AccountTradeSeries(self.client, name, self.covered(dataset), self.now_us) for name in names]
            for one in series:
                one.tally = self.report(dataset, one.key).tally
            yield Walk(series, self.pool, self.configuration.connections, self.stop), {}
            names = [one.symbol for one in series if one.has_more]

    def is_asked(self, key: str | None) -> bool:  # noqa: ARG002 - an account is asked for as a whole
        """Tell whether a row that was left out is of something that was asked for."""
        return True

    def _balances(self, tally: Tally) -> Snapshot:
        tally.add(ACCOUNT.endpoints["account"].weight, 0.0)
        return balances_snapshot(self._account, self.now_us)

    def _read_symbols(self) -> None:
        if TRADES in self.request.datasets:
            info = fetch_exchange_info(self.client.public)
            if info.weight_limit is not None:
                self.client.budget.set_limit(info.weight_limit)
            self._assets = info.assets

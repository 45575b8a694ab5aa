"""OKX as a venue: its clock, its instruments, their candles and funding rates."""

from collections.abc import Callable, Mapping, Set

import pyarrow as pa

from exchange_engine.coverage import missing
from exchange_engine.http.transport import Tally
from exchange_engine.listed import Listed, Snapshot
from exchange_engine.rest_venue import RestDataset, RestVenue
from exchange_engine.run import Run
from exchange_engine.scope import SeriesRequest
from exchange_engine.symbols import ConnectedSymbol
from exchange_engine.walk import Series

from .candles import OkxCandles
from .client import OkxClient
from .funding_rates import OkxFundingRates
from .instruments import PREOPEN, SWAP, Instrument, connected, fetch_instruments, instruments_snapshot
from .schemas import OKX_CANDLES, OKX_FUNDING_RATES, OKX_INSTRUMENTS, TABLES
from .settings import FUNDING_REACH_MS, HOSTS, INTERVALS, NAME, TITLE

FUNDING_REACH = f"{TITLE} gives, which keeps three months of funding rates"
"""Completes "lies further back than ..." in messages."""


class Okx(RestVenue):
    """OKX, for one request (see RestVenue)."""

    name = NAME
    exchange = TITLE
    hosts = frozenset(HOSTS)
    tables = TABLES
    intervals = INTERVALS
    asks = OkxClient
    _instruments: Mapping[str, Listed[Instrument]] = {}
    _types: Mapping[str, str] = {}

    def datasets(self, now_ms: int) -> Mapping[str, RestDataset]:
        """Return the datasets that consist of series."""

        def candles(one: SeriesRequest) -> list[OkxCandles]:
            return [OkxCandles(self.client, one.key, self._types[one.symbol], one.times_ms, one.covered, now_ms)]

        def funding_rates(one: SeriesRequest) -> list[Series]:
            wanted, reached = one.times_ms, now_ms - FUNDING_REACH_MS
            reachable = (max(wanted[0], reached), max(wanted[1], reached))
            rates = OkxFundingRates(self.client, one.key, reachable, one.covered, now_ms)
            return [*one.beyond_reach(wanted, reached, missing, FUNDING_REACH), rates]

        return {
            OKX_CANDLES.name: RestDataset(candles),
            OKX_FUNDING_RATES.name: RestDataset(funding_rates, has_intervals=False, has_symbol=self._is_swap),
        }

    @property
    def snapshots(self) -> Mapping[str, Callable[[Run, Tally], Snapshot]]:
        """The datasets that are loaded as a whole, and the function that fetches each."""
        return {OKX_INSTRUMENTS.name: self._instruments_snapshot}

    def fetch_listed(self) -> Mapping[str, ConnectedSymbol]:
        """Fetch all instruments."""
        self._instruments = fetch_instruments(self.client)
        by_type = {kind: connected(kind, listed) for kind, listed in self._instruments.items()}
        self._types = {name: kind for kind, found in by_type.items() for name in found}
        return {name: one for found in by_type.values() for name, one in found.items()}

    def unlisted(self) -> Set[str]:
        """Return instruments that are announced but not traded yet; patterns leave them out."""
        return {one.inst_id for listed in self._instruments.values() for one in listed.rows if one.state == PREOPEN}

    def _is_swap(self, symbol: str) -> bool:
        return self._types[symbol] == SWAP

    def _instruments_snapshot(self, run: Run, tally: Tally) -> Snapshot:
        tally.add(1, 0.0)
        parts = [instruments_snapshot(listed, run.now_us) for listed in self._instruments.values()]
        return Snapshot(
            pa.concat_tables([part.rows for part in parts]),
            [one for part in parts for one in part.rejected],
            sum(part.unnamed for part in parts),
        )

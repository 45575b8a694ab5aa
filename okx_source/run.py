"""One run against OKX: its clock, its instruments, their candles and funding rates."""

import threading
from collections.abc import Callable, Mapping, Set

import pyarrow as pa

from exchange_engine.beyond_reach import BeyondReach
from exchange_engine.coverage import Range, missing, split_key
from exchange_engine.http.transport import Tally
from exchange_engine.listed import Listed, Snapshot
from exchange_engine.request import Request
from exchange_engine.rest_venue import VenueDataset, VenueRun
from exchange_engine.symbols import ConnectedSymbol
from exchange_engine.walk import Series

from .candles import OkxCandles
from .client import OkxClient
from .funding_rates import OkxFundingRates
from .instruments import PREOPEN, SWAP, Instrument, connected, fetch_instruments, instruments_snapshot
from .schemas import OKX_CANDLES, OKX_FUNDING_RATES, OKX_INSTRUMENTS
from .settings import FUNDING_REACH_MS, HOSTS, NAME, TITLE, OkxConfiguration


class OkxRun(VenueRun):
    """One run against OKX.

    Args:
        request: What to fetch.
        configuration: How to speak to the exchange.
        stop: Set from outside to end the run early, with all progress kept.
    """

    venue = NAME
    exchange = TITLE
    hosts = frozenset(HOSTS)
    listed_in = OKX_INSTRUMENTS.name

    def __init__(self, request: Request, configuration: OkxConfiguration, stop: threading.Event | None = None) -> None:
        stop = stop or threading.Event()
        self.client = OkxClient(configuration, stop)
        super().__init__(request, configuration, self.client, stop)
        self._instruments: Mapping[str, Listed[Instrument]] = {}
        self._types: Mapping[str, str] = {}

    @property
    def series(self) -> Mapping[str, VenueDataset]:
        """The datasets that are made of series."""
        return {
            OKX_CANDLES.name: VenueDataset(self._candles),
            OKX_FUNDING_RATES.name: VenueDataset(self._funding_rates, has_intervals=False, has_symbol=self._is_swap),
        }

    @property
    def snapshots(self) -> Mapping[str, Callable[[Tally], Snapshot]]:
        """The datasets that are taken at once."""
        return {OKX_INSTRUMENTS.name: self._instruments_snapshot}

    def fetch_listed(self) -> Mapping[str, ConnectedSymbol]:
        """Ask for all instruments."""
        self._instruments = fetch_instruments(self.client)
        by_type = {kind: connected(kind, listed) for kind, listed in self._instruments.items()}
        self._types = {name: kind for kind, found in by_type.items() for name in found}
        return {name: one for found in by_type.values() for name, one in found.items()}

    def unlisted(self) -> Set[str]:
        """Return what is announced and not traded yet: a pattern does not mean it."""
        return {one.inst_id for listed in self._instruments.values() for one in listed.rows if one.state == PREOPEN}

    def _is_swap(self, symbol: str) -> bool:
        return self._types[symbol] == SWAP

    def _candles(self, key: str, wanted: Range, covered: list[Range]) -> list[OkxCandles]:
        instrument_type = self._types[split_key(key)[1]]
        return [OkxCandles(self.client, key, instrument_type, wanted, covered, self.now_us // 1000)]

    def _funding_rates(self, key: str, wanted: Range, covered: list[Range]) -> list[Series]:
        now_ms = self.now_us // 1000
        reached = now_ms - FUNDING_REACH_MS
        found: list[Series] = []
        if self.request.start is not None and wanted[0] < reached:
            gone = missing((wanted[0], min(wanted[1], reached)), covered)
            reach = f"{TITLE} gives, which keeps three months of funding rates"
            found += [BeyondReach(key, gone[0][0], gone[-1][1], reach)] if gone else []
        reachable = (max(wanted[0], reached), max(wanted[1], reached))
        found.append(OkxFundingRates(self.client, key, reachable, covered, now_ms))
        return found

    def _instruments_snapshot(self, tally: Tally) -> Snapshot:
        tally.add(1, 0.0)
        parts = [instruments_snapshot(listed, self.now_us) for listed in self._instruments.values()]
        return Snapshot(
            pa.concat_tables([part.rows for part in parts]),
            [one for part in parts for one in part.rejected],
            sum(part.unnamed for part in parts),
        )

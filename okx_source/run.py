"""One run against OKX: its clock, its instruments, their candles and funding rates."""

import threading
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

from binance_source.coverage import Range, missing, split_key
from binance_source.request import Request
from binance_source.resources.beyond_reach import BeyondReach
from binance_source.resources.walk import Series
from binance_source.rest.transport import Tally
from binance_source.venue_run import VenueDataset, VenueRun

from .candles import OkxCandles
from .client import OkxClient
from .funding_rates import OkxFundingRates
from .instruments import SWAP, Instrument, fetch_instruments, instruments_table
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
        self._instruments: Sequence[Instrument] = ()
        self._types: Mapping[str, str] = {}

    @property
    def series(self) -> Mapping[str, VenueDataset]:
        """The datasets that are made of series."""
        return {
            OKX_CANDLES.name: VenueDataset(self._candles),
            OKX_FUNDING_RATES.name: VenueDataset(self._funding_rates, has_intervals=False, has_symbol=self._is_swap),
        }

    @property
    def snapshots(self) -> Mapping[str, Callable[[Tally], pa.Table]]:
        """The datasets that are taken at once."""
        return {OKX_INSTRUMENTS.name: self._instruments_table}

    def fetch_listed(self) -> Sequence[str]:
        """Ask for all instruments."""
        self._instruments = fetch_instruments(self.client)
        self._types = {one.inst_id: one.inst_type for one in self._instruments}
        return list(self._types)

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

    def _instruments_table(self, tally: Tally) -> pa.Table:
        tally.add(1, 0.0)
        return instruments_table(self._instruments, self.now_us)

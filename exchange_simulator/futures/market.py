"""The generated USD-M futures market: its contracts and what is known about each. Times in microseconds UTC."""

from dataclasses import replace
from functools import partial
from typing import Any, Final

from exchange_simulator.futures.funding import FundingSeries
from exchange_simulator.futures.mark_price import MARK_DECIMALS, MarkPrices
from exchange_simulator.futures.open_interest import OpenInterestSeries
from exchange_simulator.market.cache import Caches
from exchange_simulator.market.calendar import FOREVER_US
from exchange_simulator.market.config import ContractSpec, MarketSpec
from exchange_simulator.market.contracts import FuturesSettings
from exchange_simulator.market.generated import GeneratedSymbol, Ways
from exchange_simulator.market.hashing import Ints
from exchange_simulator.market.id_series import Numbered, aggregate_columns
from exchange_simulator.market.intervals import DAY_US
from exchange_simulator.market.klines import KlineSeries
from exchange_simulator.market.render import (
    AggregateColumns,
    futures_aggregate_rows,
    futures_kline_rows,
    mark_kline_rows,
    plain_text,
)
from exchange_simulator.market.trade_series import TradeSeries

_QUARTER_US: Final = 91 * DAY_US
_SETTLING_US: Final = 3 * DAY_US
# (every so many trades, so many ids are skipped): fills of the insurance fund are not public trades.
_LEFT_OUT: Final = ((401, 1), (1709, 3))


def _with_gaps(trade_ids: Ints) -> Ints:
    """Return ids of trades as the market shows them: ascending, with gaps."""
    return trade_ids + sum(trade_ids // every * count for every, count in _LEFT_OUT)


def shown_trade_id(trade_id: int) -> int:
    """Return a trade id as the market shows it; -1 stands for none."""
    return trade_id if trade_id < 0 else trade_id + sum(trade_id // every * count for every, count in _LEFT_OUT)


def _aggregate_columns(series: TradeSeries, day: int) -> AggregateColumns:
    columns = aggregate_columns(series, day)
    return replace(
        columns,
        first_trade_id=_with_gaps(columns.first_trade_id),
        last_trade_id=_with_gaps(columns.last_trade_id),
        # Futures have no times finer than a millisecond.
        time=columns.time // 1000 * 1000,
    )


_WAYS: Final = Ways(
    prefix="um ",
    aggregates=Numbered("aggregate rows", TradeSeries.aggregate_starts, _aggregate_columns, futures_aggregate_rows),
    klines=futures_kline_rows,
    number=plain_text,
)


class Contract:
    """One contract."""

    def __init__(self, spec: ContractSpec, settings: FuturesSettings, seed: int, caches: Caches) -> None:
        self.spec = spec.symbol
        self.terms = spec.terms
        self.symbol = GeneratedSymbol(spec.symbol, seed, caches, _WAYS, spec.terms.follows)
        self.mark = MarkPrices(spec, seed, caches.columns)
        self.mark_klines = KlineSeries(self.mark, mark_kline_rows, MARK_DECIMALS, 0, caches)
        self.funding = FundingSeries(spec, settings, self.mark, seed)
        self.open_interest = OpenInterestSeries(spec, self.mark, seed)

    def is_live(self, now: int) -> bool:
        """Return whether it has a current price: it is listed, and has not ended."""
        return self.spec.calendar.listed < now < self.spec.calendar.ends

    def status(self, now: int) -> str:
        """Return PENDING_TRADING before the listing, SETTLING and then CLOSE after the end, else TRADING."""
        calendar = self.spec.calendar
        if self.spec.status is not None:
            return self.spec.status
        if now < calendar.listed:
            return "PENDING_TRADING"
        if now < calendar.ends:
            return "TRADING"
        return "SETTLING" if now < calendar.ends + _SETTLING_US else "CLOSE"

    def contract_type(self, now: int) -> str:
        """Return the contract's type; for a quarterly contract it depends on the time left."""
        if self.terms.contract_type != "QUARTER":
            return self.terms.contract_type
        return "CURRENT_QUARTER" if self.terms.delivery - now <= _QUARTER_US else "NEXT_QUARTER"

    def ticker(self, now: int) -> dict[str, Any]:
        """Return the rolling 24-hour ticker."""
        ticker = self.symbol.ticker(now)
        ids = {name: shown_trade_id(ticker[name]) for name in ("firstId", "lastId")}
        return {**ticker, **ids}


class FuturesMarket:
    """All contracts by name."""

    def __init__(self, spec: MarketSpec, seed: int | None, cache_bytes: int) -> None:
        caches = Caches.of_size(cache_bytes)
        make = partial(Contract, settings=spec.futures, seed=spec.seed if seed is None else seed, caches=caches)
        self.settings = spec.futures
        self.contracts = {contract.symbol.name: make(contract) for contract in spec.contracts}

    def announced(self, now: int) -> list[Contract]:
        """Return the contracts that are announced by now."""
        return [contract for contract in self.contracts.values() if contract.terms.announced <= now]

    def find(self, name: str, now: int) -> Contract | None:
        """Return a contract that is announced by now, or None."""
        contract = self.contracts.get(name)
        return contract if contract is not None and contract.terms.announced <= now else None


def delivery_ms(contract: Contract) -> int:
    """Return when a contract is delivered, in milliseconds; if never, the far future that Binance uses."""
    return 4_133_404_800_000 if contract.terms.delivery == FOREVER_US else contract.terms.delivery // 1000

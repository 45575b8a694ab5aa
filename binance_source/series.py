"""The series of each dataset, from REST and from the archive, and how their coverage is kept."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from exchange_engine.coverage import (
    IDS,
    TIMES,
    Coverage,
    Range,
    RangeKind,
    missing,
    missing_times,
    series_key,
    split_key,
)
from exchange_engine.request import AUTO
from exchange_engine.scope import Scope, SeriesRequest
from exchange_engine.times import DAY_MS, HOUR_MS, INTERVAL_MS
from exchange_engine.walk import Series

from .archive.file_kinds import ARCHIVE_DATASETS, METRICS_PERIOD
from .archive.series import ArchiveSeries
from .markets import SPOT_MARKET, Market
from .rest.client import RestClient
from .rest.funding_rates import FundingSeries
from .rest.klines import KLINE_KINDS, KlineSeries
from .rest.open_interest import OpenInterestSeries
from .rest.trades import TRADE_KINDS

REACH_MARGIN_MS = HOUR_MS
"""Part of REST's reach that is not used: a long run comes late to its last series, and Binance goes by its own
clock."""

OPEN_INTEREST_REACH_MS = 30 * DAY_MS - REACH_MARGIN_MS
"""How far back open interest is requested from REST, in milliseconds: an older start is refused."""

REACH_OF_REST = "REST gives, and is not there from the archive"
"""Completes "lies further back than ..." in messages."""


@dataclass(frozen=True)
class MarketScope(Scope):
    """The scope of a dataset of a market.

    Attributes:
        kind: The market.
        open_interest_periods: The periods of open interest that are loaded.
        listed_ms: When symbols were listed, in milliseconds since 1970, if Binance states it.
    """

    kind: Market = SPOT_MARKET
    open_interest_periods: Sequence[str] = ()
    listed_ms: Mapping[str, int] = field(default_factory=dict)

    def since_listed(self, symbol: str, wanted: Range) -> Range:
        """Return requested times, in milliseconds, without those before a symbol was listed."""
        return max(wanted[0], self.listed_ms.get(symbol, 0)), wanted[1]


@dataclass(frozen=True)
class Dataset:
    """How a dataset of series is fetched, and its coverage kept.

    Attributes:
        rest: Returns the series to fetch from REST, given the coverage.
        archive: Returns the series to fetch from the archive; REST follows for `listed` symbols.
        ranges: How coverage is kept.
        endpoint: The REST endpoint of its pages, by its name in `Market.endpoints`.
        prefers_rest: Whether REST has more than the archive, at little cost. With auto, the archive is then only used
            for symbols that REST does not list.
    """

    rest: Callable[[MarketScope, RestClient, Coverage], list[Series]]
    archive: Callable[[MarketScope, Coverage, Set[str]], list[ArchiveSeries]]
    ranges: RangeKind
    endpoint: str
    prefers_rest: bool = False

    def from_archive(
        self, scope: MarketScope, coverage: Coverage, listed: Set[str], source: str
    ) -> list[ArchiveSeries]:
        """Return the series to fetch from the archive, without those that are left to REST.

        Args:
            scope: Scope of the series.
            coverage: Coverage of the dataset.
            listed: Symbols for which REST follows.
            source: The requested source.
        """
        # Requested ids are never fetched from the archive: which ids a file has is known only after reading it.
        found = self.archive(scope, coverage, listed) if scope.request.ids is None else []
        is_for_rest = self.prefers_rest and source == AUTO
        return [one for one in found if not (is_for_rest and one.followed_by_rest)]


def _each(dataset: str, scope: MarketScope, coverage: Coverage) -> Iterator[SeriesRequest]:
    if dataset in KLINE_KINDS:
        return scope.series(coverage, scope.request.intervals)
    return scope.series(coverage, scope.open_interest_periods if dataset == "open_interest" else ("",))


def _rest_klines(dataset: str, scope: MarketScope, client: RestClient, coverage: Coverage) -> list[Series]:
    now_ms, kind = scope.now_us // 1000, KLINE_KINDS[dataset]
    return [
        KlineSeries(client, scope.market, one.symbol, one.interval, one.times_ms, one.covered, now_ms, kind)
        for one in _each(dataset, scope, coverage)
    ]


def _rest_funding(scope: MarketScope, client: RestClient, coverage: Coverage) -> list[Series]:
    now_ms = scope.now_us // 1000
    return [
        FundingSeries(client, one.key, one.times_ms, one.covered, now_ms)
        for one in _each("funding_rates", scope, coverage)
    ]


def _reached_ms(dataset: str, scope: MarketScope) -> int:
    """Return the time since which REST has all rows of a dataset, in milliseconds since 1970."""
    reach_ms = scope.kind.agg_trades_reach_ms
    if dataset == "open_interest":
        return scope.now_us // 1000 - OPEN_INTEREST_REACH_MS
    if dataset == "agg_trades" and reach_ms is not None:
        return scope.now_us // 1000 - reach_ms + REACH_MARGIN_MS
    return 0


def _rest_open_interest(scope: MarketScope, client: RestClient, coverage: Coverage) -> list[Series]:
    now_ms = scope.now_us // 1000
    reached = _reached_ms("open_interest", scope)
    found: list[Series] = []
    for one in _each("open_interest", scope, coverage):
        wanted = one.times_ms
        since = scope.since_listed(one.symbol, wanted)
        found += one.beyond_reach(since, reached, missing, REACH_OF_REST, INTERVAL_MS[one.interval])
        # Binance refuses a start that is too old, rather than sending what it has.
        reachable = (max(wanted[0], reached), max(wanted[1], reached))
        found.append(OpenInterestSeries(client, one.key, reachable, one.covered, now_ms))
    return found


def _rest_trades(dataset: str, scope: MarketScope, client: RestClient, coverage: Coverage) -> list[Series]:
    found: list[Series] = []
    reached, kind = _reached_ms(dataset, scope), TRADE_KINDS[dataset]
    for one in _each(dataset, scope, coverage):
        if scope.request.ids is not None:
            now = (scope.now_us, scope.now_us)
            found.append(kind(client, scope.market, one.symbol, now, one.covered, to_now=True, ids=scope.request.ids))
            continue
        start, end = one.period_us
        found += one.beyond_reach(scope.since_listed(one.symbol, one.span_ms), reached, _missing_days, REACH_OF_REST)
        start, end = max(start, reached * 1000), max(end, reached * 1000)
        found.append(kind(client, scope.market, one.symbol, (start, end), one.covered, to_now=end == scope.now_us))
    return found


def _missing_days(wanted: Range, covered: list[Any]) -> list[Range]:
    """Return the missing parts of requested trade times, but not the time before the first trade of the first file.

    Only the file of that day says that nothing was traded then. Ids could prove it, but no source gives them any more.
    """
    gaps = missing_times(wanted, covered)
    is_of_file = gaps and gaps[0][0] == wanted[0] and gaps[0][1] < wanted[1]
    return gaps[1:] if is_of_file and gaps[0][0] // DAY_MS == gaps[0][1] // DAY_MS else gaps


def _archived(dataset: str, scope: MarketScope, coverage: Coverage, listed: Set[str]) -> list[ArchiveSeries]:
    found = []
    kind, reached = ARCHIVE_DATASETS[scope.market, dataset], _reached_ms(dataset, scope)
    for one in _each(dataset, scope, coverage):
        wanted = one.span_ms if scope.ranges is IDS else one.times_ms
        lacks = partial(missing_times if scope.ranges is IDS else missing, wanted)
        is_listed = one.symbol in listed
        found.append(ArchiveSeries(one.key, kind, one.symbol, one.interval, wanted, lacks, is_listed, reached))
    return found


def _archived_open_interest(scope: MarketScope, coverage: Coverage, listed: Set[str]) -> list[ArchiveSeries]:
    # The archive's metrics have only one period.
    found = _archived("open_interest", scope, coverage, listed)
    return [one for one in found if one.interval == METRICS_PERIOD]


def _of_klines(dataset: str) -> Dataset:
    rest, archive = partial(_rest_klines, dataset), partial(_archived, dataset)
    return Dataset(rest, archive, TIMES, KLINE_KINDS[dataset].endpoint)


def _of_trades(dataset: str, endpoint: str) -> Dataset:
    rest, archive = partial(_rest_trades, dataset), partial(_archived, dataset)
    return Dataset(rest, archive, IDS, endpoint)


DATASETS_OF_SERIES: dict[str, Dataset] = {
    "klines": _of_klines("klines"),
    "mark_price_klines": _of_klines("mark_price_klines"),
    "agg_trades": _of_trades("agg_trades", "aggTrades"),
    "trades": _of_trades("trades", "historicalTrades"),
    "funding_rates": Dataset(
        _rest_funding, partial(_archived, "funding_rates"), TIMES, FundingSeries.endpoint, prefers_rest=True
    ),
    "open_interest": Dataset(_rest_open_interest, _archived_open_interest, TIMES, OpenInterestSeries.endpoint),
}
"""The datasets that are walked."""


def requested_before(scope: MarketScope, is_meant: Callable[[str, str], bool]) -> Iterator[MarketScope]:
    """Yield scopes for exactly what earlier runs requested: the first period of each series, then the second, etc.

    Args:
        scope: Scope of a run that requests no period of its own.
        is_meant: Returns whether a symbol and an interval (empty for trades) are requested.
    """
    series = {}
    for key, asked in scope.requested.items():
        market, symbol, interval = split_key(key)
        if market == scope.market and is_meant(symbol, interval):
            series[key] = (symbol, interval, list(asked))
    names = list(dict.fromkeys(symbol for symbol, _, _ in series.values()))
    intervals = tuple(dict.fromkeys(interval for _, interval, _ in series.values()))
    request = replace(scope.request, intervals=intervals)
    possible = (*intervals, *scope.open_interest_periods)
    nothing = {series_key(scope.market, name, interval): (0, 0) for name in names for interval in possible}
    for number in range(max((len(asked) for _, _, asked in series.values()), default=0)):
        periods = {key: asked[number] for key, (_, _, asked) in series.items() if number < len(asked)}
        yield replace(scope, request=request, names=names, periods={**nothing, **periods})

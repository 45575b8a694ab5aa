"""Which series a dataset is made of, by REST and out of the archive, and how their coverage is kept."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from exchange_engine.beyond_reach import BeyondReach
from exchange_engine.coverage import (
    Coverage,
    Range,
    add,
    add_ids,
    missing,
    missing_times,
    remove,
    remove_ids,
    series_key,
    split_key,
)
from exchange_engine.request import AUTO, Request
from exchange_engine.times import DAY_MS, HOUR_MS, INTERVAL_MS
from exchange_engine.walk import Series

from .archive.file_kinds import ARCHIVE_DATASETS, METRICS_PERIOD
from .archive.series import ArchiveSeries
from .markets import Market
from .rest.client import RestClient
from .rest.funding_rates import FundingSeries
from .rest.klines import KLINE_KINDS, KlineSeries
from .rest.open_interest import OpenInterestSeries
from .rest.trade_kinds import TRADE_KINDS
from .settings import BinanceConfiguration

REACH_MARGIN_MS = HOUR_MS
"""What of its reach REST is not asked for: a long run comes late to its last series, and the exchange reckons by its
own clock."""

OPEN_INTEREST_REACH_MS = 30 * DAY_MS - REACH_MARGIN_MS
"""How far back REST is asked for open interest: an older start is refused."""

REACH_OF_REST = "REST gives, and is not there from the archive"


@dataclass(frozen=True)
class Scope:
    """What the series of a dataset are made for.

    Attributes:
        request: What the user asked for.
        market: Of which market.
        names: The symbols, resolved.
        now_us: The run's "now", in microseconds since 1970.
        configuration: Defaults of the periods.
        wanted: dlt state of the dataset: for each series the periods that runs have asked for, whether they got them or
            not, in microseconds.
        periods: The period of each series, decided once: what is loaded meanwhile must not move it.
        listed_ms: When symbols were listed, in milliseconds since 1970, where the exchange says it.
    """

    request: Request
    market: Market
    names: Sequence[str]
    now_us: int
    configuration: BinanceConfiguration
    wanted: Mapping[str, list[Any]] = field(default_factory=dict)
    periods: dict[str, Range] = field(default_factory=dict)
    listed_ms: Mapping[str, int] = field(default_factory=dict)

    def period_us(self, key: str, default_lookback_ms: int, covered_from_us: int | None) -> Range:
        """Give the period [from, to) in microseconds that a series is to have (see Request.period_us).

        Args:
            key: The series.
            default_lookback_ms: How far back a series goes that is new, where no start was asked for.
            covered_from_us: Where the newest loaded range of the series begins, or None.
        """
        if key not in self.periods:
            asked = self.wanted.get(key, [])
            self.periods[key] = self.request.period_us(self.now_us, default_lookback_ms, asked, covered_from_us)
        return self.periods[key]

    @property
    def periods_of_open_interest(self) -> tuple[str, ...]:
        """The periods of open interest that are loaded."""
        return tuple(self.configuration.open_interest_periods)


@dataclass(frozen=True)
class Dataset:
    """How a dataset that is made of series is fetched and remembered.

    Attributes:
        rest: Makes the series that REST is asked for, from what is covered.
        archive: Makes the series that are taken out of the archive; those of `listed` symbols are followed by REST.
        add: Gives the coverage entries after others were loaded.
        remove: Gives the coverage entries without some ranges of keys, which are to be asked for again.
        endpoint: Where REST's pages come from.
        is_by_time: Coverage is in times, and not in ids.
        prefers_rest: REST has more of it than the archive, and cheaply: the archive is for what REST does not list.
    """

    rest: Callable[[Scope, RestClient, Coverage], list[Series]]
    archive: Callable[[Scope, Coverage, frozenset[str]], list[ArchiveSeries]]
    add: Callable[[list[Any], Any], list[Any]]
    remove: Callable[[list[Any], Any], list[Any]]
    endpoint: str
    is_by_time: bool
    prefers_rest: bool = False

    def from_archive(
        self, scope: Scope, coverage: Coverage, listed: frozenset[str], source: str
    ) -> list[ArchiveSeries]:
        """Make the series that are taken out of the archive, where that may give what REST does not.

        Args:
            scope: What they are made for.
            coverage: What is loaded.
            listed: Symbols that are followed by REST.
            source: Where series come from, as asked for.
        """
        found = self.archive(scope, coverage, listed)
        is_for_rest = self.prefers_rest and source == AUTO
        return [one for one in found if not (is_for_rest and one.followed_by_rest)]


@dataclass(frozen=True)
class _One:
    """One series on its way to be made."""

    scope: Scope
    symbol: str
    interval: str
    covered: list[Any]

    @property
    def key(self) -> str:
        return series_key(self.scope.market.name, self.symbol, self.interval)

    def times(self) -> Range:
        """Give the wanted times [from, to) in milliseconds."""
        lookback = int(self.scope.configuration.klines_lookback_days * DAY_MS)
        start, end = self.scope.period_us(self.key, lookback, self.covered[-1][0] * 1000 if self.covered else None)
        # Times are whole milliseconds: the first one at or after the start, and those before the end.
        return -(-start // 1000), -(-end // 1000)

    def trade_times(self) -> Range:
        """Give the wanted times [from, to) of trades in microseconds."""
        lookback = int(self.scope.configuration.trades_lookback_hours * HOUR_MS)
        starts = [entry[2] for entry in self.covered if entry[2] is not None]
        return self.scope.period_us(self.key, lookback, max(starts, default=None))

    def beyond(
        self, wanted: Range, reached_ms: int, lacks: Callable[[Range, list[Any]], list[Range]], step_ms: int = 1
    ) -> list[Series]:
        """Give what says that a part cannot be had, if this run was told to begin there.

        Args:
            wanted: Times [from, to) in milliseconds.
            reached_ms: How far back REST gives rows.
            lacks: Gives what is missing of a period.
            step_ms: Rows stand at multiples of it.
        """
        start = max(wanted[0], self.scope.listed_ms.get(self.symbol, 0))
        if self.scope.request.start is None or start >= reached_ms:
            return []
        gaps = lacks((start, min(wanted[1], reached_ms)), self.covered)
        gone = [gap for gap in gaps if -(-gap[0] // step_ms) * step_ms < gap[1]]
        return [BeyondReach(self.key, gone[0][0], gone[-1][1], REACH_OF_REST)] if gone else []


def _each(scope: Scope, coverage: Coverage, intervals: Sequence[str]) -> Iterator[_One]:
    for symbol in scope.names:
        for interval in intervals:
            key = series_key(scope.market.name, symbol, interval)
            yield _One(scope, symbol, interval, coverage.get(key, []))


def _intervals(dataset: str, scope: Scope) -> Sequence[str]:
    """Give the intervals of a dataset's series; an empty one where there are none."""
    if dataset in KLINE_KINDS:
        return scope.request.intervals
    return scope.periods_of_open_interest if dataset == "open_interest" else ("",)


def _rest_klines(dataset: str, scope: Scope, client: RestClient, coverage: Coverage) -> list[Series]:
    now_ms, kind = scope.now_us // 1000, KLINE_KINDS[dataset]
    return [
        KlineSeries(client, scope.market.name, one.symbol, one.interval, one.times(), one.covered, now_ms, kind)
        for one in _each(scope, coverage, _intervals(dataset, scope))
    ]


def _rest_funding(scope: Scope, client: RestClient, coverage: Coverage) -> list[Series]:
    now_ms = scope.now_us // 1000
    return [FundingSeries(client, one.key, one.times(), one.covered, now_ms) for one in _each(scope, coverage, ("",))]


def _reached_ms(dataset: str, scope: Scope) -> int:
    """Give the time from which on REST has all of a dataset's rows, in milliseconds since 1970."""
    reach_ms = scope.market.agg_trades_reach_ms
    if dataset == "open_interest":
        return scope.now_us // 1000 - OPEN_INTEREST_REACH_MS
    if dataset == "agg_trades" and reach_ms is not None:
        return scope.now_us // 1000 - reach_ms + REACH_MARGIN_MS
    return 0


def _rest_open_interest(scope: Scope, client: RestClient, coverage: Coverage) -> list[Series]:
    now_ms = scope.now_us // 1000
    reached = _reached_ms("open_interest", scope)
    found: list[Series] = []
    for one in _each(scope, coverage, _intervals("open_interest", scope)):
        wanted = one.times()
        found += one.beyond(wanted, reached, missing, INTERVAL_MS[one.interval])
        # The exchange refuses what is too old, rather than giving what it has.
        reachable = (max(wanted[0], reached), max(wanted[1], reached))
        found.append(OpenInterestSeries(client, one.key, reachable, one.covered, now_ms))
    return found


def _rest_trades(dataset: str, scope: Scope, client: RestClient, coverage: Coverage) -> list[Series]:
    found: list[Series] = []
    reached = _reached_ms(dataset, scope)
    for one in _each(scope, coverage, ("",)):
        start, end = one.trade_times()
        found += one.beyond((start // 1000, -(-end // 1000)), reached, _missing_days)
        start, end = max(start, reached * 1000), max(end, reached * 1000)
        kind, to_now = TRADE_KINDS[dataset], end == scope.now_us
        found.append(kind(client, scope.market.name, one.symbol, (start, end), one.covered, to_now=to_now))
    return found


def _missing_days(wanted: Range, covered: list[Any]) -> list[Range]:
    """Give what is missing of trades' times, but for what comes before the first trade of the first day's file.

    That nothing was traded then is the file's word; ids could prove it, and nobody gives those any more.
    """
    gaps = missing_times(wanted, covered)
    is_of_file = gaps and gaps[0][0] == wanted[0] and gaps[0][1] < wanted[1]
    return gaps[1:] if is_of_file and gaps[0][0] // DAY_MS == gaps[0][1] // DAY_MS else gaps


def _archived(dataset: str, scope: Scope, coverage: Coverage, listed: frozenset[str]) -> list[ArchiveSeries]:
    found = []
    kind, reached = ARCHIVE_DATASETS[scope.market.name, dataset], _reached_ms(dataset, scope)
    is_by_time = dataset not in TRADE_KINDS
    for one in _each(scope, coverage, _intervals(dataset, scope)):
        if is_by_time:
            wanted = one.times()
            lacks = partial(missing, wanted)
        else:
            start, end = one.trade_times()
            wanted = (start // 1000, -(-end // 1000))
            lacks = partial(missing_times, wanted)
        is_listed = one.symbol in listed
        found.append(ArchiveSeries(one.key, kind, one.symbol, one.interval, wanted, lacks, is_listed, reached))
    return found


def _archived_open_interest(scope: Scope, coverage: Coverage, listed: frozenset[str]) -> list[ArchiveSeries]:
    # The archive's metrics have one period alone.
    found = _archived("open_interest", scope, coverage, listed)
    return [one for one in found if one.interval == METRICS_PERIOD]


def _of_klines(dataset: str) -> Dataset:
    endpoint = KLINE_KINDS[dataset].endpoint
    return Dataset(partial(_rest_klines, dataset), partial(_archived, dataset), add, remove, endpoint, is_by_time=True)


def _of_trades(dataset: str, endpoint: str) -> Dataset:
    rest, archive = partial(_rest_trades, dataset), partial(_archived, dataset)
    return Dataset(rest, archive, add_ids, remove_ids, endpoint, is_by_time=False)


DATASETS_OF_SERIES: dict[str, Dataset] = {
    "klines": _of_klines("klines"),
    "mark_price_klines": _of_klines("mark_price_klines"),
    "agg_trades": _of_trades("agg_trades", "aggTrades"),
    "trades": _of_trades("trades", "historicalTrades"),
    "funding_rates": Dataset(
        _rest_funding,
        partial(_archived, "funding_rates"),
        add,
        remove,
        FundingSeries.endpoint,
        is_by_time=True,
        prefers_rest=True,
    ),
    "open_interest": Dataset(
        _rest_open_interest, _archived_open_interest, add, remove, OpenInterestSeries.endpoint, is_by_time=True
    ),
}
"""The datasets that are walked, and how."""


def asked_before(scope: Scope, is_meant: Callable[[str, str], bool]) -> Iterator[Scope]:
    """Give scopes that ask for what earlier runs have asked for, and for no more: one for each period of a series.

    Args:
        scope: Of a run that asks for no period of its own.
        is_meant: Tells whether a symbol and an interval (empty for trades) are meant.
    """
    series = {}
    for key, asked in scope.wanted.items():
        market, symbol, interval = split_key(key)
        if market == scope.market.name and is_meant(symbol, interval):
            series[key] = (symbol, interval, list(asked))
    names = list(dict.fromkeys(symbol for symbol, _, _ in series.values()))
    intervals = tuple(dict.fromkeys(interval for _, interval, _ in series.values()))
    request = replace(scope.request, intervals=intervals)
    possible = (*intervals, *scope.periods_of_open_interest)
    nothing = {series_key(scope.market.name, name, interval): (0, 0) for name in names for interval in possible}
    for number in range(max((len(asked) for _, _, asked in series.values()), default=0)):
        periods = {key: asked[number] for key, (_, _, asked) in series.items() if number < len(asked)}
        yield replace(scope, request=request, names=names, periods={**nothing, **periods})

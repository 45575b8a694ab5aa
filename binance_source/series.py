"""Which series a dataset is made of, by REST and out of the archive, and how their coverage is kept."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from .archive.datasets import ARCHIVE_DATASETS
from .coverage import IdEntry, Range, add, add_ids, missing, missing_times, remove, remove_ids
from .request import Request
from .resources import id_series, klines
from .resources.archived_series import ArchiveSeries
from .resources.klines import KlineSeries
from .resources.trade_kinds import TRADE_KINDS, TradeKind
from .resources.walk import Series
from .rest.client import RestClient
from .settings import DAY_MS, HOUR_MS, SPOT, BinanceConfiguration

Coverage = dict[str, list[Any]]
"""dlt state of a dataset: for each series what has been loaded."""


@dataclass(frozen=True)
class Scope:
    """What the series of a dataset are made for.

    Attributes:
        request: What the user asked for.
        names: The symbols, resolved.
        now_us: The run's "now", in microseconds since 1970.
        configuration: Defaults of the periods.
        wanted: dlt state of the dataset: for each series the periods that runs have asked for, whether they got them or
            not, in microseconds.
        periods: The period of each series, decided once: what is loaded meanwhile must not move it.
    """

    request: Request
    names: Sequence[str]
    now_us: int
    configuration: BinanceConfiguration
    wanted: Mapping[str, list[Any]] = field(default_factory=dict)
    periods: dict[str, Range] = field(default_factory=dict)

    def period_us(self, key: str, default_lookback_ms: int, covered_from_us: int | None) -> Range:
        """Give the period [from, to) in microseconds that a series is to have.

        Without a start, a series goes on from where the newest period begins that was asked for: a hole that an earlier
        run had to leave in it is filled, and none opens, however long ago that was.

        Args:
            key: The series.
            default_lookback_ms: How far back a series goes that is new, where no start was asked for.
            covered_from_us: Where the newest loaded range of the series begins, or None.
        """
        if key not in self.periods:
            end = self.now_us if self.request.end is None else min(self.request.end, self.now_us)
            if self.request.start is not None:
                start = self.request.start
            elif self.wanted.get(key):
                start = self.wanted[key][-1][0]
            else:
                start = end - default_lookback_ms * 1000 if covered_from_us is None else covered_from_us
            self.periods[key] = (start, end)
        return self.periods[key]


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
    """

    rest: Callable[[Scope, RestClient, Coverage], list[Series]]
    archive: Callable[[Scope, Coverage, frozenset[str]], list[ArchiveSeries]]
    add: Callable[[list[Any], Any], list[Any]]
    remove: Callable[[list[Any], Any], list[Any]]
    endpoint: str
    is_by_time: bool


def _kline_period(scope: Scope, key: str, covered: list[Range]) -> Range:
    lookback = int(scope.configuration.klines_lookback_days * DAY_MS)
    start, end = scope.period_us(key, lookback, covered[-1][0] * 1000 if covered else None)
    # Open times are whole milliseconds: the first one at or after the start, and those before the end.
    return -(-start // 1000), -(-end // 1000)


def _rest_klines(scope: Scope, client: RestClient, coverage: Coverage) -> list[Series]:
    found: list[Series] = []
    for symbol in scope.names:
        for interval in scope.request.intervals:
            key = klines.series_key(SPOT, symbol, interval)
            covered: list[Range] = coverage.get(key, [])
            wanted = _kline_period(scope, key, covered)
            found.append(KlineSeries(client, SPOT, symbol, interval, wanted, covered, scope.now_us // 1000))
    return found


def _archived_klines(scope: Scope, coverage: Coverage, listed: frozenset[str]) -> list[ArchiveSeries]:
    found = []
    for symbol in scope.names:
        for interval in scope.request.intervals:
            key = klines.series_key(SPOT, symbol, interval)
            wanted = _kline_period(scope, key, coverage.get(key, []))
            dataset = ARCHIVE_DATASETS[SPOT, "klines"]
            lacks = partial(missing, wanted)
            found.append(ArchiveSeries(key, dataset, symbol, interval, wanted, lacks, symbol in listed))
    return found


def _trade_period(scope: Scope, key: str, covered: list[IdEntry]) -> Range:
    lookback = int(scope.configuration.trades_lookback_hours * HOUR_MS)
    starts = [entry[2] for entry in covered if entry[2] is not None]
    return scope.period_us(key, lookback, max(starts, default=None))


def _rest_trades(kind: TradeKind, scope: Scope, client: RestClient, coverage: Coverage) -> list[Series]:
    found: list[Series] = []
    for symbol in scope.names:
        key = id_series.series_key(SPOT, symbol)
        covered: list[IdEntry] = coverage.get(key, [])
        wanted = _trade_period(scope, key, covered)
        found.append(kind(client, SPOT, symbol, wanted, covered, to_now=wanted[1] == scope.now_us))
    return found


def _archived_trades(name: str, scope: Scope, coverage: Coverage, listed: frozenset[str]) -> list[ArchiveSeries]:
    found = []
    for symbol in scope.names:
        key = id_series.series_key(SPOT, symbol)
        start, end = _trade_period(scope, key, coverage.get(key, []))
        wanted = (start // 1000, -(-end // 1000))
        lacks = partial(missing_times, wanted)
        found.append(ArchiveSeries(key, ARCHIVE_DATASETS[SPOT, name], symbol, "", wanted, lacks, symbol in listed))
    return found


DATASETS_OF_SERIES: dict[str, Dataset] = {
    "klines": Dataset(_rest_klines, _archived_klines, add, remove, "klines", is_by_time=True),
    "agg_trades": Dataset(
        partial(_rest_trades, TRADE_KINDS["agg_trades"]),
        partial(_archived_trades, "agg_trades"),
        add_ids,
        remove_ids,
        "aggTrades",
        is_by_time=False,
    ),
    "trades": Dataset(
        partial(_rest_trades, TRADE_KINDS["trades"]),
        partial(_archived_trades, "trades"),
        add_ids,
        remove_ids,
        "historicalTrades",
        is_by_time=False,
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
        _market, symbol, *interval = key.split("|")
        if is_meant(symbol, *interval or [""]):
            series[key] = (symbol, interval[0] if interval else "", list(asked))
    names = list(dict.fromkeys(symbol for symbol, _, _ in series.values()))
    intervals = tuple(dict.fromkeys(interval for _, interval, _ in series.values()))
    request = replace(scope.request, intervals=intervals)
    nothing = {_series_key(name, interval): (0, 0) for name in names for interval in intervals}
    for number in range(max((len(asked) for _, _, asked in series.values()), default=0)):
        periods = {key: asked[number] for key, (_, _, asked) in series.items() if number < len(asked)}
        yield replace(scope, request=request, names=names, periods={**nothing, **periods})


def _series_key(symbol: str, interval: str) -> str:
    return klines.series_key(SPOT, symbol, interval) if interval else id_series.series_key(SPOT, symbol)

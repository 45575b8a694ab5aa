"""What the series of a dataset are made from: the requested period of each, and its coverage."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .beyond_reach import BeyondReach
from .coverage import Coverage, Range, RangeKind, series_key
from .request import Request


@dataclass(frozen=True)
class Scope:
    """What the series of a dataset share.

    Attributes:
        request: The user's request.
        market: The first part of the series' keys, such as "spot".
        names: The resolved symbols.
        now_us: The run's "now", in microseconds since 1970.
        ranges: How coverage is kept.
        lookback_ms: How far back a new series begins if no start is requested.
        requested: dlt state of the dataset: per series, the periods in microseconds that runs have requested, loaded or
            not.
        periods: The period of each series, decided once: rows loaded meanwhile must not move it.
    """

    request: Request
    market: str
    names: Sequence[str]
    now_us: int
    ranges: RangeKind
    lookback_ms: int
    requested: Mapping[str, list[Any]] = field(default_factory=dict)
    periods: dict[str, Range] = field(default_factory=dict)

    def series(self, coverage: Coverage, intervals: Sequence[str] = ("",)) -> Iterator["SeriesRequest"]:
        """Yield a series for each symbol and interval.

        Args:
            coverage: Coverage of the dataset.
            intervals: Names of the intervals; a single empty one if the dataset has none.
        """
        for symbol in self.names:
            for interval in intervals:
                covered = coverage.get(series_key(self.market, symbol, interval), [])
                yield SeriesRequest(self, symbol, interval, covered)


@dataclass(frozen=True)
class SeriesRequest:
    """What is requested of one series.

    Attributes:
        scope: The scope of its dataset.
        symbol: Such as "BTCUSDT".
        interval: Such as "1m"; empty if the dataset has none.
        covered: Coverage of the series.
    """

    scope: Scope
    symbol: str
    interval: str
    covered: list[Any]

    @property
    def key(self) -> str:
        """The key of the series in coverage and messages."""
        return series_key(self.scope.market, self.symbol, self.interval)

    @property
    def period_us(self) -> Range:
        """The period [from, to) in microseconds to load (see Request.period_us)."""
        scope, key = self.scope, self.key
        if key not in scope.periods:
            newest_us = scope.ranges.newest_start_us(self.covered)
            asked = scope.requested.get(key, [])
            scope.periods[key] = scope.request.period_us(scope.now_us, scope.lookback_ms, asked, newest_us)
        return scope.periods[key]

    @property
    def times_ms(self) -> Range:
        """The whole milliseconds within the period, [from, to)."""
        start, end = self.period_us
        return -(-start // 1000), -(-end // 1000)

    @property
    def span_ms(self) -> Range:
        """All milliseconds that the period touches, [from, to)."""
        start, end = self.period_us
        return start // 1000, -(-end // 1000)

    def beyond_reach(
        self,
        wanted: Range,
        reached_ms: int,
        lacks: Callable[[Range, list[Any]], list[Range]],
        reach: str,
        step_ms: int = 1,
    ) -> list[BeyondReach]:
        """Return a series that reports what the venue no longer gives; none unless the request has a start.

        Args:
            wanted: The requested times [from, to) in milliseconds.
            reached_ms: The oldest time that the venue still gives, in milliseconds since 1970.
            lacks: Returns the missing parts of a period, given the coverage.
            reach: What the part lies further back than, for the message.
            step_ms: Rows stand at multiples of this; a gap without one does not count.
        """
        if self.scope.request.start is None or wanted[0] >= reached_ms:
            return []
        gaps = lacks((wanted[0], min(wanted[1], reached_ms)), self.covered)
        gone = [gap for gap in gaps if -(-gap[0] // step_ms) * step_ms < gap[1]]
        return [BeyondReach(self.key, gone[0][0], gone[-1][1], reach)] if gone else []

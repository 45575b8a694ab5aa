"""Retry gaps through REST."""

import threading
from collections.abc import Callable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from exchange_engine.coverage import Range
from exchange_engine.http.transport import Tally
from exchange_engine.request import REST
from exchange_engine.walk import Page, Series, SeriesWalk, Window

from ..rest.client import RestClient
from ..rest.id_series import IdSeries
from ..rest.klines import KlineSeries
from ..rest.trades import TRADE_KINDS
from ..schemas import KLINES
from ..settings import PAGE_ROWS
from .gaps import FOUND, NOTHING, Gap, Question, Repairs, check_record, unstored

WAITING_PAGES = 64
"""Pages in flight or waiting: gaps are small, and so are their pages."""


class _Ids:
    """A range of ids as a series: the ids are known, so nothing has to be looked up."""

    def __init__(self, series: IdSeries, ids: Range) -> None:  # type: ignore[type-arg]
        self.key = series.key
        self.tally = series.tally
        self._series = series
        self._first, self._end = ids

    def open(self) -> list[Page | Window]:
        """Return windows of one page each."""
        starts = range(self._first, self._end, PAGE_ROWS)
        return [Window(start, min(start + PAGE_ROWS, self._end), (None, None)) for start in starts]

    def fetch(self, window: Window) -> Page:
        """Fetch one window."""
        return self._series.fetch(window)


class RestRepair(SeriesWalk):
    """Requests what is left of gaps from REST, and records the result of each.

    Args:
        questions: The gaps, and what is left of them.
        repairs: What is known of the destination.
        client: Client of the market.
        listed: Symbols that Binance lists.
        pool: Thread pool for requests.
        now_us: The run's "now", in microseconds since 1970.
        stop: Set from outside to end early.
        tally: Returns where the requests of a series are counted.
    """

    def __init__(
        self,
        questions: Sequence[Question],
        repairs: Repairs,
        client: RestClient,
        listed: Set[str],
        pool: ThreadPoolExecutor,
        now_us: int,
        stop: threading.Event,
        tally: Callable[[str], Tally],
    ) -> None:
        self._repairs = repairs
        self._client = client
        self._now_us = now_us
        self._tally = tally
        asked = [one for one in questions if one.left and one.gap.symbol in listed]
        self._unlisted = [one.gap for one in questions if one.left and one.gap.symbol not in listed]
        self._parts: dict[str, list[tuple[Range, Question]]] = {}
        for one in asked:
            self._parts.setdefault(one.gap.series, []).extend((part, one) for part in one.left)
        series = [self._series(one.gap, part) for one in asked for part in one.left]
        super().__init__(series, pool, WAITING_PAGES, stop)
        self._found: dict[Gap, int] = {}
        self._ended: dict[Gap, int] = {}

    def _series(self, gap: Gap, part: Range) -> Series:
        now_ms = self._now_us // 1000
        if gap.dataset == KLINES.name:
            # The series begins earlier, so everything before the gap counts as covered.
            known = [(0, part[0])]
            klines = KlineSeries(self._client, gap.market, gap.symbol, gap.interval, part, known, now_ms)
            klines.tally = self._tally(gap.series)
            return klines
        trades = TRADE_KINDS[gap.dataset](self._client, gap.market, gap.symbol, (0, 0), [], to_now=False)
        trades.tally = self._tally(gap.series)
        return _Ids(trades, part)

    def _run(self) -> Iterator[Page]:
        for gap in self._unlisted:
            said = check_record(gap, REST, NOTHING, 0, "the exchange does not list the symbol", self._now_us)
            yield Page(gap.series, gap.archive.table.schema.empty_table(), records=[said])
        for page in super()._run():
            begin, end = page.covered[0][0], page.covered[-1][1]
            part, question = next(one for one in self._parts[page.series] if one[0][0] <= begin < one[0][1])
            gap = question.gap
            self._found[gap] = self._found.get(gap, 0) + page.rows.num_rows
            self._ended[gap] = self._ended.get(gap, 0) + (end >= part[1])
            records = list(page.records)
            if end >= part[1] and self._ended[gap] == len(question.left):
                found = self._found[gap]
                records.append(check_record(gap, REST, FOUND if found else NOTHING, found, None, self._now_us))
            yield replace(page, rows=unstored(page.rows, gap, self._repairs.stored), records=records)

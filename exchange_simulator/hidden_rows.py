"""Pages of a venue that has lost some rows: the rows that follow fill the page up."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from exchange_simulator.market.base import Selection

_MICROSECONDS_PER_MILLISECOND: Final = 1000


@dataclass(frozen=True)
class Span:
    """The times [start, end), in milliseconds since 1970."""

    start: int
    end: int


@dataclass(frozen=True)
class RowKind:
    """Where a kind of row has its time, and its id if rows are numbered."""

    time: str | int
    id: str | None = None


KLINE_ROWS: Final = RowKind(time=0)
TRADE_ROWS: Final = RowKind(time="time", id="id")
AGGREGATE_ROWS: Final = RowKind(time="T", id="a")


def page_without(
    lost: Sequence[Span], kind: RowKind, wanted: Selection, microseconds: bool, fetch: Callable[[Selection], bytes]
) -> bytes:
    """Return the requested page, made only of rows whose time is in none of the spans."""
    if not lost:
        return fetch(wanted)
    unit = _MICROSECONDS_PER_MILLISECOND if microseconds else 1

    def is_there(row: Any) -> bool:
        time = row[kind.time] // unit
        return not any(span.start <= time < span.end for span in lost)

    kept: list[Any] = []
    asked = wanted
    while True:
        rows = json.loads(fetch(asked))
        seen = [row for row in rows if is_there(row)]
        kept = seen + kept if wanted.takes_latest else kept + seen
        if len(rows) < asked.limit or not rows or len(kept) >= wanted.limit:
            break
        asked = _beyond(wanted, kind, rows, _MICROSECONDS_PER_MILLISECOND // unit)
    kept = kept[-wanted.limit :] if wanted.takes_latest else kept[: wanted.limit]
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False).encode()


def _beyond(wanted: Selection, kind: RowKind, rows: Sequence[Any], to_microseconds: int) -> Selection:
    """Return the selection that continues after these rows, or before them if the latest rows are requested."""
    if kind.id is None:
        if wanted.takes_latest:
            return replace(wanted, end=rows[0][kind.time] * to_microseconds - 1)
        return replace(wanted, start=(rows[-1][kind.time] + 1) * to_microseconds)
    if not wanted.takes_latest:
        return replace(wanted, start=None, from_id=rows[-1][kind.id] + 1)
    first = max(rows[0][kind.id] - wanted.limit, 0)
    return replace(wanted, from_id=first, limit=min(rows[0][kind.id], wanted.limit))

"""What the user asked for, checked before anything is fetched."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from difflib import get_close_matches

import pendulum
from pendulum.parsing.exceptions import ParserError

from .times import INTERVAL_MS, microseconds

AUTO, REST, ARCHIVE = "auto", "rest", "archive"
SOURCES = (AUTO, REST, ARCHIVE)
"""Where klines and trades come from; auto is the archive where it has them, and REST for the rest."""

TimeLike = str | date | None


class RequestError(ValueError):
    """The request itself is wrong; the message says what would be right.

    Attributes:
        kind: What is wrong, such as "symbol", where it is a name.
    """

    def __init__(self, message: str, kind: str = "") -> None:
        self.kind = kind
        super().__init__(message)


@dataclass(frozen=True)
class Request:
    """A checked request.

    Attributes:
        symbols: Such as ("BTCUSDT",); also patterns, such as "*USDT", and "all".
        intervals: Such as ("1m", "1M").
        datasets: Names of the datasets.
        start: Microseconds since 1970, inclusive; None continues where the last run ended.
        end: Microseconds since 1970, exclusive; None is now.
        source: Of SOURCES.
        quotes: Only symbols with these quote assets; empty for all.
        ids: Ids [first, end) in place of a period, where end is None up to the newest; None for a period.
    """

    symbols: tuple[str, ...]
    intervals: tuple[str, ...]
    datasets: tuple[str, ...]
    start: int | None
    end: int | None
    source: str = AUTO
    quotes: tuple[str, ...] = ()
    ids: tuple[int, int | None] | None = None

    def period_us(
        self, now_us: int, lookback_ms: int, asked: Sequence[Sequence[int]], covered_from_us: int | None
    ) -> tuple[int, int]:
        """Return the period [from, to) in microseconds that a series is to have.

        Without a start, a series goes on from where the newest period begins that was asked for: a hole that an earlier
        run had to leave in it is filled, and none opens, however long ago that was.

        Args:
            now_us: The run's "now", in microseconds since 1970.
            lookback_ms: How far back a series goes that is new, where no start was asked for.
            asked: The periods that were asked for, in ascending order.
            covered_from_us: Where the newest loaded range of the series begins, or None.
        """
        end = now_us if self.end is None else min(self.end, now_us)
        if self.start is not None:
            start = self.start
        elif asked:
            start = asked[-1][0]
        else:
            start = end - lookback_ms * 1000 if covered_from_us is None else covered_from_us
        return start, end


def check_request(
    symbols: Iterable[str],
    intervals: Iterable[str],
    datasets: Iterable[str],
    start: TimeLike = None,
    end: TimeLike = None,
    source: str = AUTO,
    quotes: Iterable[str] | None = None,
    *,
    known_datasets: Sequence[str],
    known_intervals: Sequence[str] = tuple(INTERVAL_MS),
) -> Request:
    """Check all that can be checked without asking the exchange.

    Args:
        symbols: Names and patterns; those that the exchange does not know are found later (see selection.py).
        intervals: Binance's names, where 1m is a minute and 1M a month.
        datasets: Of `known_datasets`.
        start: UTC date or datetime, inclusive.
        end: UTC date or datetime, exclusive.
        source: Of SOURCES.
        quotes: Quote assets, such as USDT; None for all.
        known_datasets: The datasets that there are.
        known_intervals: The intervals that there are.

    Raises:
        RequestError: A name or time is wrong; the message has the nearest right one.
    """
    first, last = time_us("start", start), time_us("end", end)
    if first is not None and last is not None and first >= last:
        raise RequestError(f"start {start} is not before end {end}; the period is [start, end)")
    return Request(
        _unique("symbols", symbols),
        known_names("interval", _unique("intervals", intervals), known_intervals),
        known_names("dataset", _unique("datasets", datasets), known_datasets),
        first,
        last,
        known_names("source", (source,), SOURCES)[0],
        () if quotes is None else _unique("quote", quotes),
    )


def check_symbols(symbols: Sequence[str], known: Sequence[str], listed_in: str = "symbols") -> None:
    """Check that the exchange lists all symbols.

    Args:
        symbols: Names.
        known: All there are.
        listed_in: The staging table that has them.

    Raises:
        RequestError: One is unknown; the message has the nearest names.
    """
    known_names("symbol", symbols, known, listed_in)


def known_names(kind: str, names: Sequence[str], known: Sequence[str], listed_in: str = "symbols") -> tuple[str, ...]:
    """Check names against those that exist.

    Args:
        kind: What they are names of.
        names: The names.
        known: All there are.
        listed_in: The staging table that has them, where they are too many for a message.

    Raises:
        RequestError: One is unknown; the message has the nearest names.
    """
    # A dict keeps the order and makes each look-up cheap: the exchange has thousands of symbols.
    existing = dict.fromkeys(known)
    for name in names:
        if name not in existing:
            raise RequestError(f"unknown {kind} {name!r}; {nearest(name, known, listed_in)}", kind)
    return tuple(names)


def nearest(name: str, known: Sequence[str], listed_in: str = "symbols") -> str:
    """Say which known names are like a wrong one, or which staging table lists them."""
    folded: dict[str, str] = {}
    for candidate in known:
        folded.setdefault(candidate.lower(), candidate)
    near = [folded[match] for match in get_close_matches(name.lower().replace("min", "m"), folded, 3, 0.5)]
    if near:
        return f"did you mean {' or '.join(near)}?"
    if len(known) <= 20:
        return f"there are {', '.join(known)}"
    return f"none is like it; the table staging.{listed_in} lists them"


def _unique(kind: str, names: Iterable[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(name.strip() for name in names))
    if not found or "" in found:
        raise RequestError(f"{kind} must not be empty; give names separated by commas")
    return found


def time_us(which: str, value: TimeLike) -> int | None:
    """Read a date or datetime as microseconds since 1970; without a zone it is UTC.

    Args:
        which: What it is, for the message of an error.
        value: A date, a datetime or a text of one; None stays None.

    Raises:
        RequestError: It is none.
    """
    if value is None:
        return None
    if isinstance(value, str):
        try:
            parsed = pendulum.parse(value.strip(), exact=True, tz="UTC")
        except (ParserError, ValueError):
            parsed = None
        # A bare number would be read as a year; a duration or a time of day is no moment either.
        if not isinstance(parsed, date) or len(value.strip()) < len("2024-1-1"):
            raise RequestError(
                f"{which} {value!r} is not a date; write 2024-01-31 or 2024-01-31T12:30:00 (UTC), or add a zone, +02:00"
            )
        value = parsed
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=timezone.utc)
    if value.tzinfo is None:
        value = value.replace(tzinfo=timezone.utc)
    return microseconds(value)

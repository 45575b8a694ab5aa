"""The user's request, checked before anything is fetched."""

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
        kind: Which kind of name is wrong, such as "symbol"; empty for other errors.
    """

    def __init__(self, message: str, kind: str = "") -> None:
        self.kind = kind
        super().__init__(message)


@dataclass(frozen=True)
class Request:
    """A checked request.

    Attributes:
        symbols: Such as ("BTCUSDT",); also patterns such as "*USDT", and "all".
        intervals: Such as ("1m", "1M").
        datasets: Names of the datasets.
        start: Microseconds since 1970, inclusive; None continues where the last run ended.
        end: Microseconds since 1970, exclusive; None is now.
        source: One of SOURCES.
        quotes: Only symbols with these quote assets; empty for all.
        ids: Ids [first, end) in place of a period; an end of None means up to the newest. None to request a period.
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
        """Return the period [from, to) in microseconds to load for a series.

        Without a start, a series begins where its newest requested period begins. So a gap that an earlier run left is
        filled, and no new one opens, however long ago that run was.

        Args:
            now_us: The run's "now", in microseconds since 1970.
            lookback_ms: How far back a new series begins if no start is requested.
            asked: The periods requested so far, in ascending order.
            covered_from_us: Where the newest covered range of the series begins, or None.
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
    """Return a request, checked as far as possible without asking the venue.

    Args:
        symbols: Names and patterns; unknown ones are found later (see symbols.py).
        intervals: Binance's names: 1m is a minute, 1M a month.
        datasets: Names out of `known_datasets`.
        start: UTC date or datetime, inclusive.
        end: UTC date or datetime, exclusive.
        source: One of SOURCES.
        quotes: Quote assets, such as USDT; None for all.
        known_datasets: All datasets.
        known_intervals: All intervals.

    Raises:
        RequestError: A name or time is wrong; the message says what would be right.
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


def known_names(kind: str, names: Sequence[str], known: Sequence[str], listed_in: str = "symbols") -> tuple[str, ...]:
    """Return names as a tuple, if all of them are known.

    Args:
        kind: What they are names of.
        names: The names.
        known: All names that there are.
        listed_in: The staging table that lists them, if they are too many for a message.

    Raises:
        RequestError: A name is unknown; the message has the nearest names.
    """
    # The look-ups must be cheap: a venue has thousands of symbols.
    existing = dict.fromkeys(known)
    for name in names:
        if name not in existing:
            raise RequestError(f"unknown {kind} {name!r}; {nearest(name, known, listed_in)}", kind)
    return tuple(names)


def nearest(name: str, known: Sequence[str], listed_in: str = "symbols") -> str:
    """Return a hint for a wrong name: similar known names, all of them, or the staging table that lists them."""
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
    """Return a date or datetime in microseconds since 1970; UTC unless it has a time zone.

    Args:
        which: Name of the value, for the error message.
        value: A date, a datetime or a text of one; None stays None.

    Raises:
        RequestError: It is not a date.
    """
    if value is None:
        return None
    if isinstance(value, str):
        try:
            parsed = pendulum.parse(value.strip(), exact=True, tz="UTC")
        except (ParserError, ValueError):
            parsed = None
        # pendulum also reads bare numbers (as years), durations and times of day.
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

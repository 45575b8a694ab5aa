"""Times as whole microseconds since 1970, never through a float, and the lengths of intervals."""

from datetime import datetime, timedelta, timezone
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS

INTERVAL_MS: Final[dict[str, int]] = {
    "1s": 1_000,
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "2h": 2 * HOUR_MS,
    "4h": 4 * HOUR_MS,
    "6h": 6 * HOUR_MS,
    "8h": 8 * HOUR_MS,
    "12h": 12 * HOUR_MS,
    "1d": DAY_MS,
    "3d": 3 * DAY_MS,
    "1w": 7 * DAY_MS,
    "1M": 28 * DAY_MS,
}
"""The shortest length of each kline interval in milliseconds. A month counts as 28 days: a step that is too short costs
a request, one that is too long would lose a candle."""

LONGEST_MS: Final = {"1M": 31 * DAY_MS}
"""The longest length in milliseconds of the intervals whose length varies."""


def microseconds(moment: datetime) -> int:
    """Return a timezone-aware datetime in microseconds since 1970."""
    # No `//`: for a pendulum datetime the difference is a pendulum interval, which does not support it.
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def milliseconds(moment: datetime) -> int:
    """Return a timezone-aware datetime in milliseconds since 1970, rounded down."""
    return microseconds(moment) // 1000


def text_of_ms(milliseconds: int) -> str:
    """Format milliseconds since 1970 as UTC to the minute, for messages."""
    return f"{EPOCH + timedelta(milliseconds=milliseconds):%Y-%m-%d %H:%M}"


def iso_of_ms(milliseconds: int) -> str:
    """Format milliseconds since 1970 as UTC in ISO 8601, to the second."""
    return f"{EPOCH + timedelta(milliseconds=milliseconds):%Y-%m-%dT%H:%M:%SZ}"

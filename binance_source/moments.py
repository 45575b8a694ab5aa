"""Moments as whole microseconds since 1970, without a float on the way."""

from datetime import datetime, timedelta, timezone
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


def microseconds(moment: datetime) -> int:
    """Give a moment, which has a time zone, in microseconds since 1970."""
    # By parts: where pendulum is about, a difference is one of its intervals, which // does not divide.
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def milliseconds(moment: datetime) -> int:
    """Give a moment, which has a time zone, in milliseconds since 1970."""
    return microseconds(moment) // 1000


def text_of_ms(milliseconds: int) -> str:
    """Write milliseconds since 1970 as UTC, for messages."""
    return f"{EPOCH + timedelta(milliseconds=milliseconds):%Y-%m-%d %H:%M}"


def iso_of_ms(milliseconds: int) -> str:
    """Write milliseconds since 1970 as UTC in ISO 8601, to the second."""
    return f"{EPOCH + timedelta(milliseconds=milliseconds):%Y-%m-%dT%H:%M:%SZ}"

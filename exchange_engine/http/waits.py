"""What an answer says about time: when it was made, and how long to wait before the next request."""

import re
import time
from collections.abc import Mapping
from datetime import timezone
from email.utils import parsedate_to_datetime

LONGEST_SECONDS = 366 * 86_400.0
"""A longer wait is as good as this one, and has no date."""

_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")
_BAN_UNTIL = re.compile(rb"banned until ([0-9]{13})\b")


def seconds_since_1970(date: str | None) -> float | None:
    """Read an HTTP date; None for what is none."""
    if date is None:
        return None
    try:
        moment = parsedate_to_datetime(date)
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def seconds_to_wait(headers: Mapping[str, str], body: bytes) -> float | None:
    """Read the wait of a 429 or 418: the longer one of Retry-After and the body's "banned until <epoch ms>".

    Returns:
        Seconds, or None where neither says anything that can be understood.
    """
    dated = seconds_since_1970(headers.get("Date"))
    now = time.time() if dated is None else dated
    retry_after = headers.get("Retry-After", "").strip()
    waits = [float(retry_after)] if _SECONDS.fullmatch(retry_after) else []
    moments = [seconds_since_1970(retry_after)] if retry_after and not waits else []
    if until := _BAN_UNTIL.search(body):
        moments.append(int(until[1]) / 1000)
    waits += [moment - now for moment in moments if moment is not None]
    return min(max(waits), LONGEST_SECONDS) if waits else None

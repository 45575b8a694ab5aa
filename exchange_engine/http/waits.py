"""What a response says about time: its date, and how long to wait before the next request."""

import re
import time
from collections.abc import Mapping
from datetime import timezone
from email.utils import parsedate_to_datetime

LONGEST_SECONDS = 366 * 86_400.0
"""The longest wait that is returned: a longer one changes nothing, and its end might not be a valid date."""

_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")
_BAN_UNTIL = re.compile(rb"banned until ([0-9]{13})\b")


def seconds_since_1970(date: str | None) -> float | None:
    """Return an HTTP date in seconds since 1970; None if it is missing or invalid."""
    if date is None:
        return None
    try:
        moment = parsedate_to_datetime(date)
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def seconds_to_wait(headers: Mapping[str, str], body: bytes) -> float | None:
    """Return the wait that a 429 or 418 asks for: the longer of Retry-After and "banned until <epoch ms>" in the body.

    Moments are measured against the Date of the response, or this machine's clock if it has none.

    Returns:
        Seconds, or None if neither can be read.
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

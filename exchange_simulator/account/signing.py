"""Checks of a signed request: its key, its timestamp, and its signature over exactly the received bytes."""

import re
from typing import Final
from urllib.parse import unquote_plus

from exchange_simulator import errors
from exchange_simulator.account.keys import USER_DATA, KeyRing, is_well_formed
from exchange_simulator.venue import Request

SIGNED_PARAMETERS: Final = frozenset({"timestamp", "recvWindow", "signature"})
_KEY_HEADER: Final = "X-MBX-APIKEY"
_INTEGER: Final = re.compile(r"\d{1,20}", re.ASCII)
_WINDOW: Final = re.compile(r"\d{1,9}(\.\d{1,3})?", re.ASCII)
_DEFAULT_WINDOW: Final = "5000"
_LONGEST_WINDOW_US: Final = 60_000_000
_MOST_AHEAD_US: Final = 1_000_000
# A timestamp above this is in microseconds.
_LARGEST_MILLISECONDS: Final = 100_000_000_000_000


def check_signed(request: Request, now: int, keys: KeyRing) -> None:
    """Raise ApiError unless a request is signed with a key that is allowed to, and recent enough."""
    name = request.headers.get(_KEY_HEADER, "")
    if not is_well_formed(name):
        raise errors.bad_key_format()
    signature, payload = _split(request.raw_query)
    _check_age(request, now)
    key = keys.find(name)
    if key is None or key.is_ip_restricted or USER_DATA not in key.permissions:
        raise errors.rejected_key()
    if not key.verify(payload.encode(), signature):
        raise errors.bad_signature()


def _split(raw_query: str) -> tuple[str, str]:
    """Return the signature, percent-decoded, and the rest of the query as received."""
    parts = raw_query.split("&")
    signatures = [part for part in parts if part.startswith("signature=")]
    if len(signatures) > 1:
        raise errors.duplicate_parameter()
    signature = unquote_plus(signatures[0].partition("=")[2]) if signatures else ""
    if not signature:
        raise errors.missing_parameter("signature")
    return signature, "&".join(part for part in parts if part is not signatures[0])


def _check_age(request: Request, now: int) -> None:
    timestamp = request.value("timestamp")
    if not timestamp:
        raise errors.missing_parameter("timestamp")
    if not _INTEGER.fullmatch(timestamp):
        raise errors.illegal_characters("timestamp", "^[0-9]{1,20}$")
    window = request.value("recvWindow") or _DEFAULT_WINDOW
    if not _WINDOW.fullmatch(window):
        raise errors.illegal_characters("recvWindow", r"^[0-9]{1,9}(\.[0-9]{1,3})?$")
    whole, _, part = window.partition(".")
    window_us = int(whole) * 1000 + int(part.ljust(3, "0") or 0)
    if window_us > _LONGEST_WINDOW_US:
        raise errors.window_too_long()
    sent = int(timestamp) * (1 if int(timestamp) > _LARGEST_MILLISECONDS else 1000)
    if sent >= now + _MOST_AHEAD_US:
        raise errors.timestamp_ahead()
    if now - sent > window_us:
        raise errors.timestamp_too_old()

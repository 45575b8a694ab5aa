"""Signatures of account requests: HMAC-SHA256, RSA or Ed25519, depending on the secret.

The query is percent-encoded first and signed exactly as it is sent. No message contains any part of a secret.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote, urlencode

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from exchange_engine.config.providers import SECRETS, ConfigurationError, Configured, lookup

from ..settings import SECTIONS

API_KEY, API_SECRET = SECRETS

PEM: Final = "-----BEGIN"

HOW_TO_SET: Final = (
    "set api_key and api_secret below [sources.binance] in .dlt/secrets.toml, or the variables "
    "SOURCES__BINANCE__API_KEY and SOURCES__BINANCE__API_SECRET"
)

_PRINTED = re.compile(r"[\x21-\x7e]+")


class Signer:
    """Signs queries with the secret of an API key.

    Args:
        api_key: The key as Binance shows it.
        api_secret: The secret text of an HMAC key, or the private RSA or Ed25519 key as PEM, in which line ends may be
            written as the two characters of an escape.
        place: Where the two are set, for messages.

    Attributes:
        api_key: Sent in a header of each request.
        place: As given.

    Raises:
        ConfigurationError: One of them cannot be used; the message has no part of it.
    """

    def __init__(self, api_key: str, api_secret: str, place: str = "the program") -> None:
        self.place = place
        self.api_key = _printed(API_KEY, api_key, place)
        is_pem = api_secret.lstrip().startswith(PEM)
        self._sign = _by_pem(api_secret, place) if is_pem else _by_hmac(_printed(API_SECRET, api_secret, place))

    def signed(self, params: Mapping[str, str | int]) -> str:
        """Return the query of a request: percent-encoded, with the signature at its end.

        Args:
            params: All other parameters, in the order in which they are sent.
        """
        query = urlencode(params, quote_via=quote, safe="")
        return f"{query}&signature={quote(self._sign(query.encode()), safe='')}"

    def without_key(self, body: bytes) -> bytes:
        """Return a response without the API key, which it may repeat, so that it can be shown."""
        return body.replace(self.api_key.encode(), b"(the API key)")


def configured_signer() -> Signer | None:
    """Return a signer with api_key and api_secret of `[sources.binance]`, from secrets.toml or the environment.

    Returns:
        The signer, or None if neither is set.

    Raises:
        ConfigurationError: Only one of them is set, or one cannot be used.
    """
    # Not fields of the configuration, because dlt keeps those in traces.
    found = {name: one for name in SECRETS if (one := lookup(name, SECTIONS)) is not None and one.value != ""}
    if not found:
        return None
    for name in SECRETS:
        if name not in found:
            raise ConfigurationError(
                f"{'.'.join(SECTIONS)}.{name} is not set, while {next(iter(found))} is; {HOW_TO_SET}"
            )
    key, secret = (_text(name, found[name]) for name in SECRETS)
    return Signer(key, secret, " and ".join(dict.fromkeys(one.place for one in found.values())))


def _text(name: str, found: Configured) -> str:
    if not isinstance(found.value, str):
        raise _unusable(name, "it must be a text", found.place)
    return found.value


def _printed(name: str, value: str, place: str) -> str:
    """Return a text without blanks around it; blanks or other odd characters inside are refused, as in any header."""
    text = value.strip()
    if not _PRINTED.fullmatch(text):
        raise _unusable(name, "it must be one word of plain characters; copy it again", place)
    return text


def _by_hmac(secret: str) -> Callable[[bytes], str]:
    key = secret.encode()
    return lambda payload: hmac.new(key, payload, hashlib.sha256).hexdigest()


def _by_pem(secret: str, place: str) -> Callable[[bytes], str]:
    text = secret.strip().replace("\\r", "").replace("\\n", "\n")
    reason = "it is a public key" if "PUBLIC KEY-" in text else "it cannot be read"
    key: object = None
    try:
        key = load_pem_private_key(text.encode(), password=None)
        reason = "it is of another kind"
    except TypeError:
        reason = "it has a passphrase"
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, Ed25519PrivateKey):
        by_ed25519 = key
        return lambda payload: base64.b64encode(by_ed25519.sign(payload)).decode()
    if isinstance(key, RSAPrivateKey):
        by_rsa = key
        return lambda payload: base64.b64encode(by_rsa.sign(payload, PKCS1v15(), hashes.SHA256())).decode()
    # Not raised from the original error, which may quote the secret.
    raise _unusable(API_SECRET, f"{reason}; it must be an RSA or Ed25519 private key as PEM, without passphrase", place)


def _unusable(name: str, reason: str, place: str) -> ConfigurationError:
    return ConfigurationError(f"{'.'.join(SECTIONS)}.{name} cannot be used: {reason} (set by {place})")

"""API keys: what signs requests, and what each key may do. The default one is public and simulated."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

USER_DATA: Final = "USER_DATA"
SIMULATED_API_KEY: Final = "SimulatedKeyOfNobodysAccount0000000000000000000000000000000HMAC"
SIMULATED_API_SECRET: Final = "SimulatedSecretOfNobodysAccount00000000000000000000000000000HMAC"  # noqa: S105 - public
_API_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")
Verify = Callable[[bytes, str], bool]
"""Returns whether a signature, percent-decoded, matches a payload."""


@dataclass(frozen=True)
class ApiKey:
    """One API key."""

    verify: Verify
    permissions: frozenset[str] = frozenset({USER_DATA})
    is_ip_restricted: bool = False
    """Whether it is restricted to another address than this one."""


def is_well_formed(api_key: str) -> bool:
    """Return whether a text can be an API key at all."""
    return _API_KEY.fullmatch(api_key) is not None


def _hmac(secret: str) -> Verify:
    def verify(payload: bytes, signature: str) -> bool:
        expected = hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected.encode(), signature.lower().encode())

    return verify


def _decoded(signature: str) -> bytes | None:
    try:
        return base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return None


def _public(public_key: str, kind: type, check: Callable[[Any, bytes, bytes], object]) -> Verify:
    key = load_pem_public_key(public_key.encode())
    if not isinstance(key, kind):
        raise ValueError(f"public_key is no key of {kind.__name__}")

    def verify(payload: bytes, signature: str) -> bool:
        content = _decoded(signature)
        if content is None:
            return False
        try:
            check(key, content, payload)
        except InvalidSignature:
            return False
        return True

    return verify


def _rsa(public_key: str) -> Verify:
    def check(key: RSAPublicKey, signature: bytes, payload: bytes) -> None:
        key.verify(signature, payload, PKCS1v15(), hashes.SHA256())

    return _public(public_key, RSAPublicKey, check)


def _ed25519(public_key: str) -> Verify:
    def check(key: Ed25519PublicKey, signature: bytes, payload: bytes) -> None:
        key.verify(signature, payload)

    return _public(public_key, Ed25519PublicKey, check)


# The kinds of keys: the field of the description that holds the key, and how it is read.
_KINDS: Final[dict[str, tuple[str, Callable[[str], Verify]]]] = {
    "hmac": ("secret", _hmac),
    "rsa": ("public_key", _rsa),
    "ed25519": ("public_key", _ed25519),
}


class KeyRing:
    """All API keys of the account."""

    def __init__(self) -> None:
        self._keys = {SIMULATED_API_KEY: ApiKey(_hmac(SIMULATED_API_SECRET))}

    def find(self, api_key: str) -> ApiKey | None:
        """Return an API key, or None if there is none with this name."""
        return self._keys.get(api_key)

    def add(self, description: Mapping[str, Any]) -> dict[str, Any]:
        """Add an API key from its JSON, and return what may be shown of it. Raises ValueError with one line."""
        given = dict(description)
        name, kind = given.pop("api_key", None), given.pop("kind", None)
        permissions, is_restricted = given.pop("permissions", [USER_DATA]), given.pop("ip_restricted", False)
        if not isinstance(name, str) or not is_well_formed(name):
            raise ValueError(f"api_key = {name!r} is not made of letters, digits, - and _")
        if not isinstance(kind, str) or kind not in _KINDS:
            raise ValueError(f"kind {kind!r} is not one of {', '.join(_KINDS)}")
        if not isinstance(permissions, list) or not isinstance(is_restricted, bool):
            raise ValueError("permissions must be a list of texts, and ip_restricted true or false")
        field, make = _KINDS[kind]
        if set(given) != {field} or not isinstance(given[field], str):
            raise ValueError(f"a key of kind {kind} needs {field}, and takes permissions and ip_restricted beside it")
        self._keys[name] = ApiKey(make(given[field]), frozenset(map(str, permissions)), is_restricted)
        return {"api_key": name, "kind": kind, "permissions": permissions, "ip_restricted": is_restricted}

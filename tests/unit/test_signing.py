"""Signatures against published vectors and public keys; secrets that cannot be used are refused without being shown."""

import base64
import hashlib
import hmac
from urllib.parse import unquote

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from binance_source.rest.signing import Signer, configured_signer
from exchange_engine.config.providers import ConfigurationError, Configured, lookup

API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
# The sample of Binance's documentation.
SAMPLE_SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
SAMPLE = {
    "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": 1, "price": "0.1", "recvWindow": 5000,
    "timestamp": 1499827319559,
}  # fmt: skip

ED25519 = ed25519.Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(65537, 2048)
NASTY = {"symbol": "币安人生USDT", "symbols": '["BTCUSDT","BNBBTC"]', "note": "a b+c/d~e&f=g", "timestamp": 1}
NASTY_QUERY = (
    "symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT&symbols=%5B%22BTCUSDT%22%2C%22BNBBTC%22%5D"
    "&note=a%20b%2Bc%2Fd~e%26f%3Dg&timestamp=1"
)


def pem(key, encryption=None, form=PrivateFormat.PKCS8):
    return key.private_bytes(Encoding.PEM, form, encryption or NoEncryption()).decode()


def public_pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def signed(secret, params):
    """Return the query that is sent, and its signature, percent-decoded."""
    query, _, signature = Signer(API_KEY, secret).signed(params).rpartition("&signature=")
    assert not set(signature) & set("+/=&")
    return query, unquote(signature)


@pytest.mark.parametrize(
    ("symbol", "signature"),
    [
        ("LTCBTC", "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
        ("１２３４５６", "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"),  # noqa: RUF001
    ],
)
def test_hmac_signatures_are_those_that_binance_has_published(symbol, signature):
    assert signed(SAMPLE_SECRET, {"symbol": symbol, **SAMPLE})[1] == signature


def test_an_ed25519_signature_is_that_of_rfc_8032():
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    secret = pem(ed25519.Ed25519PrivateKey.from_private_bytes(seed))
    assert base64.b64decode(signed(secret, {})[1]).hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe"
        "24655141438e7a100b"
    )


def check_hmac(signature):
    assert signature == hmac.new(SAMPLE_SECRET.encode(), NASTY_QUERY.encode(), hashlib.sha256).hexdigest()


def check_ed25519(signature):
    ED25519.public_key().verify(base64.b64decode(signature), NASTY_QUERY.encode())


def check_rsa(signature):
    RSA.public_key().verify(base64.b64decode(signature), NASTY_QUERY.encode(), padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize(
    ("secret", "check"),
    [
        (SAMPLE_SECRET, check_hmac),
        (f" {SAMPLE_SECRET}\n", check_hmac),
        (pem(ED25519), check_ed25519),
        (pem(ED25519).strip().replace("\n", "\\n"), check_ed25519),
        (pem(RSA), check_rsa),
        (pem(RSA).replace("\n", "\r\n"), check_rsa),
        (pem(RSA).replace("\n", "\\r\\n"), check_rsa),
        (f"\n  {pem(RSA)}\n", check_rsa),
        (pem(RSA, form=PrivateFormat.TraditionalOpenSSL), check_rsa),
    ],
    ids=[
        "hmac", "hmac in blanks", "ed25519", "ed25519 escaped", "rsa", "rsa crlf", "rsa escaped", "rsa in blanks",
        "rsa pkcs1",
    ],
)  # fmt: skip
def test_what_is_signed_is_the_query_as_it_is_sent(secret, check):
    query, signature = signed(secret, NASTY)
    assert query == NASTY_QUERY
    check(signature)


CUT = "\n".join(pem(RSA).splitlines()[:10])
UNUSABLE = {
    "has a passphrase": pem(RSA, BestAvailableEncryption(b"hunter2")),
    "has a passphrase, too": pem(ED25519, BestAvailableEncryption(b"hunter2")),
    "is a public key": public_pem(ED25519),
    "is a public key, too": public_pem(RSA),
    "is of another kind": pem(ec.generate_private_key(ec.SECP256K1())),
    "is of another kind, 448": pem(ed448.Ed448PrivateKey.generate()),
    "is of another kind, DSA": pem(dsa.generate_private_key(2048)),
    "cannot be read": CUT,
    "cannot be read, either": pem(RSA).replace("MII", "MIJ"),
    "cannot be read as base64": "-----BEGIN PRIVATE KEY-----\nhunter2hunter2hunter2!\n-----END PRIVATE KEY-----",
    "cannot be read, empty": "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----",
    "cannot be read, in umlauts": "-----BEGIN PRIVATE KEY-----\nhunter2ä\n-----END PRIVATE KEY-----",
}


@pytest.mark.parametrize("reason", UNUSABLE)
def test_a_private_key_that_cannot_be_used_is_refused_without_being_shown(reason):
    secret = UNUSABLE[reason]
    with pytest.raises(ConfigurationError) as caught:
        Signer(API_KEY, secret, "the variable X")
    said = str(caught.value)
    said_as = reason.partition(",")[0].removesuffix(" as base64")
    assert said == (
        f"sources.binance.api_secret cannot be used: it {said_as}; it must be an RSA or Ed25519 private key as PEM, "
        "without passphrase (set by the variable X)"
    )
    assert caught.value.__cause__ is caught.value.__context__ is None
    body = "".join(line for line in secret.splitlines() if "-----" not in line)
    assert not any(body[at : at + 6] in said for at in range(len(body) - 6))


@pytest.mark.parametrize(
    ("key", "secret", "name"),
    [
        ("KEYkey\nX-Other: 1", SAMPLE_SECRET, "api_key"),
        ("KEY key", SAMPLE_SECRET, "api_key"),
        ("ключ", SAMPLE_SECRET, "api_key"),
        (" ", SAMPLE_SECRET, "api_key"),
        (API_KEY, "SECRET secret", "api_secret"),
        (API_KEY, "SECRET\x00secret", "api_secret"),
    ],
)
def test_texts_that_can_be_no_key_are_refused_without_being_shown(key, secret, name):
    with pytest.raises(
        ConfigurationError, match=f"sources.binance.{name} cannot be used: it must be one word"
    ) as caught:
        Signer(key, secret)
    assert not any(part in str(caught.value) for part in ("KEY", "SECRET", "ключ", "Other"))


def test_nothing_of_a_signer_or_of_a_configured_value_is_shown(monkeypatch):
    monkeypatch.setenv("SOURCES__BINANCE__API_SECRET", SAMPLE_SECRET)
    found = lookup("api_secret", ("sources", "binance"))
    assert isinstance(found, Configured)
    assert found.value == SAMPLE_SECRET
    shown = f"{found!r} {found.shown} {Signer(API_KEY, SAMPLE_SECRET)!r}"
    assert SAMPLE_SECRET[:6] not in shown
    assert API_KEY[:6] not in shown


@pytest.mark.parametrize(
    ("key", "secret", "missing"),
    [(None, None, None), ("", "", None), ("k", None, "api_secret"), ("k", "", "api_secret"), (None, "s", "api_key")],
)
def test_there_is_a_key_if_both_its_parts_are_set_and_none_if_neither_is(monkeypatch, key, secret, missing):
    for name, value in (("API_KEY", key), ("API_SECRET", secret)):
        if value is not None:
            monkeypatch.setenv(f"SOURCES__BINANCE__{name}", value)
    if missing is None:
        assert configured_signer() is None
    else:
        with pytest.raises(ConfigurationError, match=rf"sources\.binance\.{missing} is not set, while"):
            configured_signer()


def test_a_key_may_stand_in_the_environment(monkeypatch):
    monkeypatch.setenv("SOURCES__BINANCE__API_KEY", API_KEY)
    monkeypatch.setenv("SOURCES__BINANCE__API_SECRET", pem(ED25519).replace("\n", "\\n"))
    signer = configured_signer()
    assert signer.api_key == API_KEY
    assert signer.place == "the variable SOURCES__BINANCE__API_KEY and the variable SOURCES__BINANCE__API_SECRET"
    check_ed25519(unquote(signer.signed(NASTY).rpartition("=")[2]))

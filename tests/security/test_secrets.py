"""Secrets that are configured are nowhere in what runs write: logs, tables, state, traces, what dbt leaves."""

import base64
import binascii
import gzip
import signal
import time
import urllib.parse
import zlib

import duckdb
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

ARGUMENTS = ("--datasets", "symbols,klines", "--symbols", "BTCUSDT", "--start", "2025-02-11T08:00:00")
SECRETS = {
    "SOURCES__BINANCE__API_KEY": "KEYkey-of/the+environment==&1",
    "SOURCES__BINANCE__API_SECRET": "SECRETsecret-of/the+environment==&2",
    "HTTPS_PROXY": "http://loader:PASSWORDpassword-3@127.0.0.1:9",
}
IN_FILE = {"api_key": "KEYkey-of/the+file==&4", "api_secret": "SECRETsecret-of/the+file==&5"}
PASSWORD = "PASSWORDpassword-3"


def forms(secret):
    """Return a secret as it may be found: itself, in base64 (wherever in a longer text it begins), in URLs, in hex."""
    plain = secret.encode()
    found = {plain, urllib.parse.quote(secret, safe="").encode(), binascii.hexlify(plain)}
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + plain)
        # The characters at both ends depend on what stands beside the secret.
        found.add(encoded[4 if shift else 0 : -4])
    return found


SOUGHT = {
    form: name
    for name, secret in {**SECRETS, **IN_FILE, "the password": PASSWORD}.items()
    for form in forms(secret)
    if name != "HTTPS_PROXY"
}


def unpacked(content):
    """Return some bytes, and what they are when they are inflated, or decoded and then inflated."""
    yield content
    decoded = [content]
    try:
        decoded.append(base64.b64decode(content, validate=True))
    except ValueError:
        decoded.append(b"")
    for one in decoded:
        for inflate in (zlib.decompress, gzip.decompress):
            try:
                yield inflate(one)
            except (OSError, EOFError, zlib.error):
                continue


def secrets_in(content, sought=SOUGHT):
    return {name for one in unpacked(content) for form, name in sought.items() if form in one}


def cells(path):
    """Return every text and blob of every table of a DuckDB file, with the table's name."""
    with duckdb.connect(str(path), read_only=True) as connection:
        columns = connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns() "
            "where data_type similar to '(VARCHAR|BLOB|JSON).*' and not internal"
        ).fetchall()
        for schema, table, column in columns:
            values = connection.execute(f'select distinct "{column}" from "{schema}"."{table}"').fetchall()
            for (value,) in values:
                if value is not None:
                    yield f"{schema}.{table}.{column}", value if isinstance(value, bytes) else str(value).encode()


def leaks(folder, database, left_out, sought=SOUGHT):
    """Say where in a folder secrets are; and all places that were looked at."""
    found = {str(file): secrets_in(file.read_bytes(), sought) for file in folder.rglob("*") if file.is_file()}
    found.pop(str(left_out))
    assert len(found) > 100
    for place, value in cells(database):
        found.setdefault(place, set()).update(secrets_in(value, sought))
    assert "staging._dlt_pipeline_state.state" in found
    return {place: names for place, names in found.items() if names}, found.keys()


@pytest.mark.parametrize("secret", [*IN_FILE.values(), PASSWORD])
def test_the_search_finds_a_secret_in_all_its_forms(secret):
    plain = f"x {secret} y".encode()
    hidden = [
        plain, base64.b64encode(plain), base64.b64encode(b"." + plain), base64.b64encode(b".." + plain),
        urllib.parse.quote(secret, safe="").encode(), plain.hex().encode(), gzip.compress(plain), zlib.compress(plain),
        base64.b64encode(zlib.compress(plain)),
    ]  # fmt: skip
    assert [form for form in hidden if not secrets_in(form)] == []
    assert not secrets_in(b"x" * 1000)


def test_no_secret_is_in_anything_that_runs_write(command, project_runs):
    said, folder = project_runs
    assert len(said) > 1000
    assert secrets_in(said.encode()) == set()
    found, places = leaks(folder, command.database, left_out=command.secrets)
    assert found == {}
    assert any(place.startswith("gold.") for place in places)


@pytest.fixture
def project_runs(command, exchange, module_project):
    """Good runs, failing ones, a killed one: what they said, and the folder that they wrote into."""
    command.secrets.write_text(
        "[sources.binance]\n" + "".join(f"{name} = '{secret}'\n" for name, secret in IN_FILE.items())
    )
    environment = {**SECRETS, "NO_PROXY": "127.0.0.1", "RUNTIME__LOG_LEVEL": "DEBUG"}
    runs = [
        command.run(*ARGUMENTS, environment=environment),
        # The keys of the file count where the environment has none.
        command.run(*ARGUMENTS, "--start", "2025-02-11", "--transform"),
    ]
    assert [done.returncode for done in runs] == [0, 0], runs[0].stderr + runs[1].stderr
    for kind in ("geo_451", "html_200", "invalid_json"):
        exchange.add_fault(kind=kind, path="/api/v3/klines", count=None)
        runs.append(command.run(*ARGUMENTS, "--start", "2025-02-10", environment=environment, max_attempts=1))
        exchange.clear_faults()
    runs.append(command.run(*ARGUMENTS, environment=environment, market_data_url="https://a.invalid"))
    runs.append(command.run(*ARGUMENTS, environment={**environment, "HTTPS_PROXY": f"http://u:{PASSWORD}@h:x"}))
    runs.append(command.run(*ARGUMENTS, environment=environment, conections=1))
    said = "".join(done.stdout + done.stderr for done in runs)
    module_project.settings = {**command.settings, "PACKAGE_ROWS": "1000", **{
        name.removeprefix("SOURCES__BINANCE__"): value for name, value in SECRETS.items() if "__" in name
    }}  # fmt: skip
    process = module_project.start("--datasets", "klines", "--symbols", "BTCUSDT,ETHUSDT", "--start", "2025-01-20")
    for _ in range(200):
        if "/api/v3/klines" in exchange.stats()["requests_by_path"]:
            break
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGKILL)
    return said + "".join(process.communicate()), command.folder


ED25519, RSA = ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)
HMAC = "SECRETsecret-of-an-account-0123456789"
FAULTS = ("reset", "geo_451", "waf_403_html", "html_200", "truncated_json", "invalid_json", "error_code")
SIGNED_PATHS = ("/api/v3/account", "/api/v3/myTrades")


def pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


KINDS = {
    "hmac": (HMAC, {"secret": HMAC}),
    "ed25519": (pem(ED25519), {"public_key": public_pem(ED25519)}),
    "rsa": (pem(RSA), {"public_key": public_pem(RSA)}),
}
"""For each kind of key the secret, and what the exchange knows of it."""


def api_key(kind):
    return f"KEYkey-of-an-account-{kind}-0123456789"


def sought_of(kind):
    """Return the forms of what may be found nowhere: the key, each line of the secret, the bare numbers in it."""
    secret, _ = KINDS[kind]
    texts = [api_key(kind), *(line for line in secret.splitlines() if "-----" not in line and len(line) > 10)]
    found = {form for text in texts for form in forms(text)}
    if kind == "ed25519":
        bare = ED25519.private_bytes_raw()
        found |= {bare, bare.hex().encode(), base64.b64encode(bare)}
    if kind == "rsa":
        numbers = RSA.private_numbers()
        for number in (numbers.d, numbers.p, numbers.q):
            found |= {str(number).encode(), f"{number:x}".encode(), number.to_bytes(256, "big").lstrip(b"\0")}
    return dict.fromkeys(found, kind)


def signed_runs(command, exchange, failing):
    """Good and failing runs with each kind of key: the right one in the file, a wrong one in the environment."""
    options = ("--datasets", "account_balances,account_trades", "--symbols", "ETHUSDT", "--start", "2025-02-11")
    runs = []
    for kind, (secret, known) in KINDS.items():
        exchange.add_key(api_key(kind), kind, **known)
        parts = {"api_key": api_key(kind), "api_secret": secret}
        in_file = "".join(f"{name} = {value!r}\n" for name, value in parts.items()).replace("'", '"')
        in_environment = {f"SOURCES__BINANCE__{name.upper()}": value for name, value in parts.items()}
        logging = {"RUNTIME__LOG_LEVEL": "DEBUG"}
        command.secrets.write_text(f"[sources.binance]\n{in_file}")
        runs.append(command.run(*options, environment=logging))
        assert runs[-1].returncode == 0, runs[-1].stderr
        for path, fault in failing[kind]:
            exchange.add_fault(fault, path=path, count=None)
            settings = {"max_attempts": 1, "firewall_pause_seconds": 0}
            runs.append(command.run(*options, environment=logging, **settings))
            assert runs[-1].returncode == 1, fault
            exchange.clear_faults()
        # The secret of another key, and one that was cut off.
        command.secrets.write_text("")
        for wrong, code in ((pem(ED25519) if kind == "rsa" else pem(RSA), 1), (secret[:-40], 2)):
            changed = {**logging, **in_environment, "SOURCES__BINANCE__API_SECRET": wrong}
            runs.append(command.run(*options, environment=changed))
            assert runs[-1].returncode == code
    return "".join(done.stdout + done.stderr for done in runs)


def assert_no_key_is_written(command, said):
    sought = {form: kind for one in KINDS for form, kind in sought_of(one).items()}
    assert len(said) > 1000
    assert secrets_in(said.encode(), sought) == set()
    assert "signature" not in said.lower().replace("signature for this request is not valid", "")
    found, places = leaks(command.folder, command.database, left_out=command.secrets, sought=sought)
    assert found == {}
    assert "staging.account_trades.symbol" in places
    signed = {b"&signature=": "signature", b"recvWindow=": "query", b"X-MBX-APIKEY": "header"}
    written, _ = leaks(command.folder, command.database, left_out=command.secrets, sought=signed)
    assert {place.rpartition("/")[2].split(".")[0] for place in written} <= {"signed", "signing"}


def test_no_key_is_in_anything_that_signed_runs_write(command, exchange):
    pairs = [(SIGNED_PATHS[number % 2], fault) for number, fault in enumerate(FAULTS)]
    failing = {kind: pairs[number :: len(KINDS)] for number, kind in enumerate(KINDS)}
    assert_no_key_is_written(command, signed_runs(command, exchange, failing))


@pytest.mark.soak
def test_no_key_is_in_anything_that_signed_runs_write_whatever_fails(command, exchange):
    pairs = [(path, fault) for path in SIGNED_PATHS for fault in FAULTS]
    assert_no_key_is_written(command, signed_runs(command, exchange, dict.fromkeys(KINDS, pairs)))

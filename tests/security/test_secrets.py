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

ARGUMENTS = ("--datasets", "symbols,klines", "--symbols", "BTCUSDT", "--start", "2025-02-11T08:00:00")
SECRETS = {
    "SOURCES__BINANCE__API_KEY": "KEYkey-of/the+environment==&1",
    "SOURCES__BINANCE__API_SECRET": "SECRETsecret-of/the+environment==&2",
    "HTTPS_PROXY": "http://loader:PASSWORDpassword-3@127.0.0.1:9",
}
IN_FILE = {"api_key": "KEYkey-of/the+file==&4", "api_secret": "SECRETsecret-of/the+file==&5"}
PASSWORD = "PASSWORDpassword-3"


def forms(secret):
    """Give a secret as it may be found: itself, in base64 (wherever in a longer text it begins), in URLs, in hex."""
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
    """Give some bytes, and what they are when they are inflated, or decoded and then inflated."""
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


def secrets_in(content):
    return {name for one in unpacked(content) for form, name in SOUGHT.items() if form in one}


def cells(path):
    """Give every text and blob of every table of a DuckDB file, with the table's name."""
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


def leaks(folder, database, left_out):
    """Say where in a folder secrets are."""
    found = {str(file): secrets_in(file.read_bytes()) for file in folder.rglob("*") if file.is_file()}
    found.pop(str(left_out))
    assert len(found) > 100
    for place, value in cells(database):
        found.setdefault(place, set()).update(secrets_in(value))
    assert any(place.startswith("gold.") for place in found)
    assert "staging._dlt_pipeline_state.state" in found
    return {place: names for place, names in found.items() if names}


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
    assert leaks(folder, command.database, left_out=command.secrets) == {}


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

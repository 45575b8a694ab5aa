"""An account's balances and trades: equal to the truth, each once, after kills too; and what is said of bad keys."""

import os
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from forked import Forked

from exchange_simulator.account.keys import SIMULATED_API_KEY, SIMULATED_API_SECRET
from tests.crash.crashes import run_until

ROOT = Path(__file__).resolve().parents[2]
KEY = {"api_key": SIMULATED_API_KEY, "api_secret": SIMULATED_API_SECRET}
SYMBOLS = ("BTCUSDT", "GONEUSDT", "币安人生USDT")
BOTH = ("--datasets", "account_balances,account_trades", "--symbols", "BTCUSDT,GONEUSDT,币安*")
BALANCES = ("--datasets", "account_balances", "--symbols", "BTCUSDT")
WITH_KLINES = ("--datasets", "klines,account_balances", "--symbols", "BTCUSDT", "--start", "2025-02-11T11:00")
NOW = datetime(2025, 2, 11, 12, 0, 30, tzinfo=timezone.utc)
LATER = datetime(2025, 2, 16, 20, 0, tzinfo=timezone.utc)
HOW_TO_SET = (
    "set api_key and api_secret below [sources.binance] in .dlt/secrets.toml, or the variables SOURCES__BINANCE__"
)


@pytest.fixture(scope="module")
def forked(module_project):
    made = Forked(module_project)
    yield made
    made.end()


@pytest.fixture
def command(forked, exchange):
    return forked.restore(MARKET_DATA_URL=exchange.url, API_URL=exchange.url, FUTURES_URL=exchange.url)


def own_trades(exchange, symbols=SYMBOLS):
    return pa.concat_tables(exchange.truth("account_trades", symbol) for symbol in symbols)


def assert_balances(project, exchange, moment):
    truth = exchange.truth("account_balances")
    truth = truth.filter(pa.compute.or_(*(pa.compute.not_equal(truth[name], 0) for name in ("free", "locked"))))
    project.assert_equals("account_balances", truth, f"snapshot_time = '{moment.isoformat()}'")


def requests_for(exchange, path):
    return exchange.stats()["requests_by_path"].get(f"/api/v3/{path}", 0)


def test_the_whole_history_is_loaded_once_and_new_trades_are_found_also_after_a_kill(command, exchange, module_project):
    run_until(module_project.use(exchange), "before the entry of the load", *BOTH, **KEY)
    options = (*BOTH, "--start", "2025-02-01", "--end", "2025-02-02")
    for moment in (NOW, NOW, LATER):
        exchange.clock_set(moment)
        exchange.add_fault("error_code", path="/api/v3/myTrades", code=-1021, count=1)
        exchange.reset_stats()
        done = command.run(*options, **KEY)
        assert done.returncode == 0, done.stderr
        module_project.assert_equals("account_trades", own_trades(exchange))
    # No page of what is there already: one with what is new, and the empty one after it.
    assert requests_for(exchange, "myTrades") <= 2 * len(SYMBOLS) + 2
    assert_balances(module_project, exchange, LATER)
    newest = module_project.query("select max(trade_time) from staging.account_trades")[0][0]
    assert NOW < newest < LATER


def test_pages_that_come_short_or_not_at_all_lose_no_trades(command, exchange, module_project):
    exchange.add_fault("short_page", path="/api/v3/myTrades", count=2)
    exchange.add_fault("http_502_html", path="/api/v3/myTrades")
    exchange.add_fault("duplicate_page", path="/api/v3/myTrades")
    done = command.run("--datasets", "account_trades", "--symbols", "BTCUSDT", **KEY, backoff_seconds=0.01)
    assert done.returncode == 0, done.stderr
    assert all(fault["hits"] == fault["count"] for fault in exchange.faults())
    module_project.assert_equals("account_trades", own_trades(exchange, ["BTCUSDT"]))


REFUSED = {
    "a wrong secret": ({"api_key": SIMULATED_API_KEY, "api_secret": "wrong"}, -1022, "does not belong to api_key"),
    "an unknown key": ({"api_key": "unknown", "api_secret": "any"}, -2015, "deleted or has expired"),
    "no right to read": ({"api_key": "no-right", "api_secret": "s"}, -2015, 'the right "Enable Reading"'),
    "another address": ({"api_key": "elsewhere", "api_secret": "s"}, -2015, "IP address is not in its list"),
    "no form of a key": ({"api_key": "not/a/key", "api_secret": "any"}, -2014, "copy it again"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_key_that_is_refused_is_explained(command, exchange, case):
    exchange.add_key("no-right", "hmac", secret="s", permissions=["TRADE"])
    exchange.add_key("elsewhere", "hmac", secret="s", ip_restricted=True)
    key, code, advice = REFUSED[case]
    done = command.run(*BALANCES, **key)
    command.assert_refused(done, 1, f"{exchange.url}/api/v3/account was refused: HTTP ", f" code {code}: ", advice)
    assert done.stderr.endswith(
        "(set by the variable SOURCES__BINANCE__API_KEY and the variable SOURCES__BINANCE__API_SECRET)\n"
    )


def test_what_is_public_is_loaded_although_the_key_is_refused(command, exchange, module_project):
    done = command.run(*WITH_KLINES, api_key="unknown", api_secret="any")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert module_project.count("klines") == 60


def test_a_key_that_is_taken_back_during_the_run_ends_the_accounts_part_alone(command, exchange, module_project):
    exchange.add_fault("error_code", path="/api/v3/myTrades", status=401, code=-2015, msg="Invalid", count=None)
    datasets = "klines,account_balances,account_trades"
    done = command.run(*WITH_KLINES, "--datasets", datasets, **KEY)
    assert done.returncode == 1
    assert "ENDED EARLY: " in done.stdout
    assert "code -2015: Invalid; look at the key in Binance's API Management" in done.stdout
    assert module_project.count("klines") == 60
    assert_balances(module_project, exchange, NOW)


def test_a_time_that_is_refused_again_and_again_is_an_error(command, exchange):
    exchange.add_fault("error_code", path="/api/v3/account", code=-1021, msg="Timestamp", count=None)
    command.assert_refused(command.run(*BALANCES, **KEY), 1, "code -1021: Timestamp; ", "recv_window_ms")


def test_without_a_key_the_account_is_refused_by_name_and_skipped_by_default(command, exchange, module_project):
    exchange.reset_stats()
    command.assert_refused(command.run(*WITH_KLINES), 2, "account_balances: there is no API key; " + HOW_TO_SET)
    options = ("--symbols", "BTCUSDT", "--start", "2025-02-11T11:00")
    done = command.run(*options, datasets="klines,account_balances,account_trades")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"\nskipped: account_balances, account_trades: there is no API key; {HOW_TO_SET}" in done.stdout
    assert module_project.count("klines") == 60
    done = command.run(*options, datasets="account_balances")
    assert done.returncode == 2
    assert "there is nothing to load; skipped: account_balances: there is no API key" in done.stderr
    assert requests_for(exchange, "account") == 0


@pytest.mark.parametrize(("given", "missing"), [("api_key", "api_secret"), ("api_secret", "api_key")])
def test_half_a_key_is_refused(command, given, missing):
    done = command.run(*BALANCES, **{given: KEY[given]})
    command.assert_refused(done, 2, f"sources.binance.{missing} is not set, while {given} is; {HOW_TO_SET}")


def test_a_private_key_that_cannot_be_read_is_refused_before_anything_is_asked(command, exchange):
    exchange.reset_stats()
    broken = "-----BEGIN PRIVATE KEY-----\\nMIIBroken\\n-----END PRIVATE KEY-----"
    done = command.run(*BALANCES, api_key="key", api_secret=broken)
    command.assert_refused(
        done, 2, "sources.binance.api_secret cannot be used: it cannot be read; it must be an RSA or"
    )
    assert "MIIBroken" not in done.stderr
    assert exchange.stats()["requests"] == 0


def test_the_account_is_left_out_of_futures_alone_unless_it_is_asked_for_by_name(command):
    options = ("--market", "um", "--symbols", "BTCUSDT", "--start", "2025-02-11T11:00", "--plan")
    done = command.run(*options, datasets="klines,account_balances", **KEY)
    assert (done.returncode, "klines" in done.stdout, "account_balances" in done.stdout) == (0, True, False)
    done = command.run(*options, "--datasets", "klines,account_trades", "--symbols", "BTCUSDT,GONEUSDT", **KEY)
    assert done.returncode == 0, done.stderr
    planned = [line.split()[:3] for line in done.stdout.splitlines() if line.startswith("account")]
    assert planned == [["account_trades", "spot", "BTCUSDT"], ["account_trades", "spot", "GONEUSDT"]]


def test_a_plan_counts_the_accounts_requests_and_loads_nothing(command):
    done = command.run(*BOTH, "--plan", **KEY)
    assert done.returncode == 0, done.stderr
    lines = {tuple(line.split()) for line in done.stdout.splitlines()}
    assert ("account_balances", "all", "0", "0.0", "1", "20") in lines
    assert ("account_trades", "spot", "GONEUSDT", "0", "0.0", "1", "20") in lines
    assert "in all 0 files with 0 bytes, and weight 80: " in done.stdout
    assert not command.database.exists()


def test_unknown_symbols_are_found_before_anything_is_loaded(command):
    done = command.run("--datasets", "account_trades", "--symbols", "BTCUSTD", **KEY)
    command.assert_refused(done, 2, "unknown symbol 'BTCUSTD'; did you mean BTCUSDT")


def test_an_account_of_another_exchange_than_the_markets_is_not_mixed_in(command, exchange, module_project):
    other = {"api_url": "https://api.binance.com", **KEY}
    said = (
        f"sources.binance.api_url is https://api.binance.com, and market_data_url is {exchange.url}, another exchange"
    )
    command.assert_refused(command.run(*WITH_KLINES, **other), 2, f"account_balances: {said}")
    options = ("--symbols", "BTCUSDT", "--start", "2025-02-11T11:00")
    done = command.run(*options, datasets="klines,account_balances", **other)
    assert done.returncode == 0, done.stderr
    assert f"skipped: account_balances: {said}" in done.stdout
    assert module_project.count("klines") == 60


EXAMPLE = """
import dlt
from binance_source import binance_account

pipeline = dlt.pipeline("holdings", destination="duckdb", dataset_name="account")
for _ in range(2):
    pipeline.run(binance_account(symbols=["BTCUSDT", "ETHUSDT"]))
"""


def test_another_project_loads_the_account_with_a_private_key_of_its_own(tmp_path, exchange):
    private = ed25519.Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    exchange.add_key("foreign", "ed25519", public_key=public)
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    (tmp_path / "load.py").write_text(EXAMPLE)
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "secrets.toml").write_text(
        f'[sources.binance]\napi_key = "foreign"\napi_secret = """\n{secret}"""\n'
    )
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "DLT_DATA_DIR": str(tmp_path / "dlt"),
        "RUNTIME__DLTHUB_TELEMETRY": "false", "SOURCES__BINANCE__API_URL": exchange.url,
    }  # fmt: skip
    done = subprocess.run([sys.executable, "load.py"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with duckdb.connect(str(tmp_path / "holdings.duckdb")) as connection:
        connection.execute("set TimeZone = 'UTC'")
        truth = own_trades(exchange, ["BTCUSDT", "ETHUSDT"])
        columns = ", ".join(truth.column_names)
        assert connection.execute("select count(*) from account.account_trades").fetchone() == (truth.num_rows,)
        assert connection.execute(f"select {columns} from account.account_trades except from truth").fetchall() == []
        balances = connection.execute("select asset, free, locked from account.account_balances order by asset")
        known = exchange.truth("account_balances").to_pylist()
        held = [tuple(row.values()) for row in known if row["free"] or row["locked"]]
        assert balances.fetchall() == sorted(held)

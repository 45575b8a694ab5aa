"""What is asked of the exchange cannot be read, or answered, by anybody else, whatever the environment says."""

import http.server
import re
import socket
import ssl
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import trustme

from exchange_engine.config.providers import ConfigurationError
from exchange_engine.http.session import open_session, transport_error

ROOT = Path(__file__).resolve().parents[2]
ARGUMENTS = ("--datasets", "klines", "--symbols", "BTCUSDT", "--start", "2025-02-11")
UNVERIFIED = re.compile(
    r"verify\s*=\s*False|CERT_NONE|check_hostname\s*=\s*False|_create_unverified_context|disable_warnings"
    r"|trust_env\s*=\s*True|cert_reqs"
)


@contextmanager
def served(answer, context=None):
    """Serve what `answer` writes; gives the address, and the paths that were asked for."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            answer(self)

        def log_message(self, *args):
            """Keep the test's output clean."""

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request, client_address):
            """Refused handshakes are what is tested."""

    with Server(("127.0.0.1", 0), Handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http{'s' if context else ''}://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def say_time(handler):
    body = b'{"serverTime": 1739275230000}'
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def context_of(authority, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.fixture
def certificates(authority, tmp_path, monkeypatch):
    """A file with the authority of the test, and none in the environment."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(path)
    return path


def test_nothing_in_the_source_switches_verification_off():
    files = [
        file
        for folder in (
            "binance_source",
            "coinbase_source",
            "okx_source",
            "exchange_engine",
            "market_loader",
            "exchange_simulator",
        )
        for file in (ROOT / folder).rglob("*.py")
    ]
    assert len(files) > 50
    assert [str(file) for file in files if UNVERIFIED.search(file.read_text())] == []


@pytest.mark.parametrize(
    "environment",
    [{}, {"REQUESTS_CA_BUNDLE": ""}, {"CURL_CA_BUNDLE": ""}, {"PYTHONHTTPSVERIFY": "0"}, {"REQUESTS_CA_BUNDLE": "/"}],
    ids=str,
)
def test_a_certificate_that_nobody_vouches_for_is_refused(authority, certificates, monkeypatch, environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with served(say_time, context_of(authority, "127.0.0.1")) as (url, asked):
        session = open_session(url, 1)
        with pytest.raises(requests.exceptions.SSLError):
            session.get(url, timeout=5)
    assert asked == []


def test_a_certificate_of_another_host_is_refused(authority, certificates, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates))
    with (
        served(say_time, context_of(authority, "api.binance.com")) as (url, asked),
        pytest.raises(requests.exceptions.SSLError),
    ):
        open_session(url, 1).get(url, timeout=5)
    assert asked == []


def test_an_authority_of_the_users_own_is_believed(authority, certificates, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates))
    with served(say_time, context_of(authority, "127.0.0.1")) as (url, asked):
        assert open_session(url, 1).get(f"{url}/x", timeout=5).status_code == 200
    assert asked == ["/x"]


def test_the_command_says_in_one_line_that_a_certificate_is_refused(command, authority):
    others = {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": "", "NO_PROXY": "*"}
    with served(say_time, context_of(authority, "127.0.0.1")) as (url, asked):
        done = command.run(*ARGUMENTS, environment=others, market_data_url=url, backoff_seconds=0.01)
    command.assert_refused(done, 1, f"{url} does not answer as Binance does", "certificate verify failed")
    assert asked == []
    assert not command.database.exists()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(command, status):
    with served(say_time) as (elsewhere, asked_elsewhere):

        def send_on(handler):
            handler.send_response(status)
            handler.send_header("Location", f"{elsewhere}{handler.path}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        with served(send_on) as (url, asked):
            done = command.run(
                "--source", "rest", *ARGUMENTS, market_data_url=url, backoff_seconds=0.01, environment={"NO_PROXY": "*"}
            )
    command.assert_refused(done, 1, f"HTTP {status}")
    assert set(asked) == {"/api/v3/time"}
    assert asked_elsewhere == []


def test_a_redirect_of_the_archive_is_not_followed(command, exchange):
    def send_on(handler):
        handler.send_response(302)
        handler.send_header("Location", f"{exchange.archive_listing_url}{handler.path}")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with served(send_on) as (url, asked):
        done = command.run(
            "--source", "archive", *ARGUMENTS, "--start", "2025-01-01", "--end", "2025-01-03", archive_url=url,
            archive_listing_url=url, backoff_seconds=0.01, environment={"NO_PROXY": "*"},
        )  # fmt: skip
    assert done.returncode == 1
    assert "HTTP 302" in done.stderr + done.stdout
    assert asked
    assert not any("archive" in path or "prefix" in path for path in exchange.stats()["requests_by_path"])


@pytest.fixture
def closed_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        yield one.getsockname()[1]


@pytest.mark.parametrize(
    "proxy",
    ["http://loader:hunter2@127.0.0.1:{port}", "https://loader:hunter2@127.0.0.1:{port}",
     "socks5://loader:hunter2@127.0.0.1:{port}", "ftp://loader:hunter2@127.0.0.1:{port}",
     "http://loader:hunter2@127.0.0.1:port", "loader:hunter2@", "http://loader:hunter2@[::1", "hunter2://"],
)  # fmt: skip
def test_the_password_of_a_proxy_is_never_shown(command, closed_port, proxy):
    environment = {"HTTPS_PROXY": proxy.format(port=closed_port), "NO_PROXY": "", "no_proxy": ""}
    done = command.run(*ARGUMENTS, environment=environment, market_data_url="https://a.invalid", backoff_seconds=0.01)
    assert done.returncode in (1, 2)
    assert len(done.stderr.splitlines()) == 1
    assert "hunter2" not in done.stderr + done.stdout
    assert not command.database.exists()


def test_a_password_that_a_message_of_the_library_repeats_is_cut_out():
    error = requests.exceptions.ProxyError("no route to http://loader:hunter2@proxy:3128/, tried 'https://x@y'")
    assert transport_error(error) == "cannot connect (no route to http://proxy:3128/, tried 'https://y')"


def test_certificates_that_are_nowhere_are_named(certificates, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    with pytest.raises(ConfigurationError, match=r"no certificates at /nowhere\.pem, which REQUESTS_CA_BUNDLE"):
        open_session("https://a.invalid", 1)

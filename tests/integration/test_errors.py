"""Foreseeable mistakes: one clear line, the right exit code, and the database as it was."""

import http.server
import socket
import subprocess
import sys
import threading

import duckdb
import pytest

from exchange_simulator import running_simulator

HOLD = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
ARGUMENTS = ("--datasets", "klines", "--symbols", "BTCUSDT", "--start", "2025-02-11")


@pytest.fixture
def web_server():
    """A host that answers everything with a page for people."""

    class Pages(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = b"<html>welcome</html>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            """Keep the test's output clean."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def closed_port():
    """A port of this machine that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        yield one.getsockname()[1]


def test_months_are_not_minutes(project, exchange, truth):
    project.use(exchange).load(
        "--datasets", "klines", "--symbols", "BTCUSDT", "--intervals", "1M", "--start", "2024-12-01"
    )
    project.assert_equals("klines", truth("klines", ["BTCUSDT"], "2024-12-01", "2025-02-11T12:00:30", ["1M"]))
    assert project.query('select "interval", count(*) from staging.klines group by 1') == [("1M", 2)]


def test_an_unreachable_host_is_named(project, closed_port):
    done = project.run(*ARGUMENTS, market_data_url=f"http://127.0.0.1:{closed_port}", backoff_seconds=0.01)
    assert done.returncode == 1
    assert f"http://127.0.0.1:{closed_port} does not answer as Binance does: cannot connect" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not project.database.exists()


def test_a_host_that_does_not_resolve_is_named(project):
    done = project.run(*ARGUMENTS, market_data_url="https://no-such-host.invalid", backoff_seconds=0.01)
    assert done.returncode == 1
    assert "https://no-such-host.invalid does not answer as Binance does" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_page_for_people_instead_of_json_is_named(project, web_server):
    done = project.run(*ARGUMENTS, market_data_url=web_server, backoff_seconds=0.01)
    assert done.returncode == 1
    assert "answered HTTP 200 with text/html where JSON was expected" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not project.database.exists()


def test_a_database_in_use_elsewhere_is_left_alone(project, exchange):
    project.use(exchange).load(*ARGUMENTS)
    rows = project.count("klines")
    exchange.clock_advance(600)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD,
         str(project.database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    holder.stdout.readline()
    done = project.run(*ARGUMENTS)
    holder.communicate("\n")
    assert done.returncode == 1
    assert f"{project.database} is in use by another process; close it there" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert project.count("klines") == rows


def test_data_of_two_exchanges_are_not_mixed(project, exchange):
    project.use(exchange).load(*ARGUMENTS)
    with duckdb.connect(str(project.database)) as connection:
        rows = connection.execute("select count(*) from staging.klines").fetchone()
    with running_simulator(market="tests", host="127.0.0.2", clock="2025-02-12", no_limits=True) as other:
        done = project.use(other).run(*ARGUMENTS)
    assert done.returncode == 2
    assert "the database holds data of a simulated exchange on this machine" in done.stderr
    assert project.query("select count(*) from staging.klines") == [rows]

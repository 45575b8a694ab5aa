"""Answers that inflate without end, or promise more than there is, cost no more memory than an answer may have."""

import gzip
import http.server
import threading
import tracemalloc
import zlib

import pytest
import requests

from exchange_engine.http.session import open_session, whole_body

MOST = 2**20
ZEROS = 2**26


def gzipped_twice():
    # Zeros inflate by a thousand, twice over by a million.
    return gzip.compress(gzip.compress(b"\0" * ZEROS))


BOMBS = {
    "gzip": lambda: gzip.compress(b"\0" * ZEROS, 9),
    "deflate": lambda: zlib.compress(b"\0" * ZEROS, 9),
    "gzip, gzip": gzipped_twice,
}


@pytest.fixture
def answering():
    """Serve one body with some headers; gives a function that starts it."""
    servers = []

    def start(body, **headers):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                for name, value in {"Content_Length": str(len(body)), **headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                """Keep the test's output clean."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("encoding", BOMBS)
def test_an_answer_that_inflates_without_end_is_cut_off(answering, encoding):
    url = answering(BOMBS[encoding](), Content_Encoding=encoding)
    tracemalloc.start()
    with open_session(url, 1).get(url, stream=True, timeout=10) as response:
        with pytest.raises(requests.RequestException, match="an answer of more than 1,048,576 bytes"):
            whole_body(response, 10, MOST)
        peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < ZEROS / 4


def test_an_answer_that_promises_more_than_there_is_takes_no_memory_for_it(answering):
    url = answering(b"short", Content_Length=str(2**50))
    tracemalloc.start()
    with open_session(url, 1).get(url, stream=True, timeout=1) as response, pytest.raises(requests.RequestException):
        whole_body(response, 1, MOST)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**24


def test_an_answer_that_is_no_gzip_though_it_says_so_is_refused(answering):
    url = answering(b"[1, 2, 3]", Content_Encoding="gzip")
    with open_session(url, 1).get(url, stream=True, timeout=5) as response, pytest.raises(requests.RequestException):
        whole_body(response, 5, MOST)

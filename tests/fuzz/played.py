"""An exchange within the process: the clients' real path, with a test's bytes and headers in place of a network."""

import io

from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from binance_source.archive.host import ArchiveHost
from binance_source.rest.client import RestClient
from binance_source.settings import BinanceConfiguration

MOST_REQUESTS = 40
"""More of them for one document are taken for a loop without end."""


class Played(HTTPAdapter):
    """Answers every request alike."""

    def __init__(self):
        super().__init__()
        self.play(b"")

    def play(self, body, status=200, headers=None):
        self.body, self.status, self.asked = body, status, 0
        self.headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}

    def send(self, request, *_, **__):
        self.asked += 1
        assert self.asked < MOST_REQUESTS, "asked without end"
        raw = HTTPResponse(io.BytesIO(self.body), self.headers, self.status, preload_content=False)
        return self.build_response(request, raw)


def configuration():
    made = BinanceConfiguration()
    made.max_attempts = 1
    made.backoff_seconds = 0.0
    return made


class Exchange:
    """A client whose every answer is the one that was played last."""

    def __init__(self, stop):
        self.answers = Played()
        self.client = RestClient(configuration(), stop)
        self.client.budget.set_limit(10**12)
        self.client._session.mount("https://", self.answers)

    def play(self, body, **answer):
        self.answers.play(body, **answer)
        return self.client


class Archive:
    """The archive's host, whose every answer is the one that was played last."""

    def __init__(self, stop):
        self.answers = Played()
        self.host = ArchiveHost(configuration(), stop)
        self.host._session.mount("https://", self.answers)

    def play(self, body, **answer):
        self.answers.play(body, **answer)
        return self.host

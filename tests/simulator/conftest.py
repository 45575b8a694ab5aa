"""A simulator of the nasty market, and a client that knows nothing of how it works."""

import json
from contextlib import ExitStack
from datetime import datetime, timezone
from decimal import Decimal
from types import SimpleNamespace

import pytest
import requests
from archive_reading import Archive
from simulating import warm_simulator


def utc_ms(*parts):
    """Milliseconds since 1970 of a UTC date and time."""
    return int(datetime(*parts, tzinfo=timezone.utc).timestamp() * 1000)


NOW = utc_ms(2025, 3, 1, 12, 34, 56) + 789


class Client:
    """Plain requests to a simulator; numbers with a point stay exact."""

    def __init__(self, simulator):
        self.simulator = simulator
        self.session = requests.Session()
        self.session.trust_env = False

    def ask(self, path, headers=None, **params):
        return self.session.get(f"{self.simulator.url}/api/v3/{path}", params=params, headers=headers, timeout=30)

    def get(self, path, headers=None, **params):
        answer = self.ask(path, headers, **params)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.content, parse_float=Decimal)

    def klines(self, symbol, interval, start, end):
        """All klines that open in [start, end], page by page."""
        rows = []
        while start <= end:
            page = self.get("klines", symbol=symbol, interval=interval, startTime=start, endTime=end, limit=1000)
            if not page:
                break
            rows += page
            start = page[-1][0] + 1
        return rows

    def trades(self, symbol, first_id=0, end=None):
        """All trades from an id on, up to a time in microseconds, with times in microseconds."""
        rows = []
        while True:
            page = self.get(
                "historicalTrades",
                headers={"X-MBX-TIME-UNIT": "MICROSECOND"},
                symbol=symbol,
                fromId=first_id,
                limit=1000,
            )
            kept = [row for row in page if end is None or row["time"] < end]
            rows += kept
            if len(page) < 1000 or len(kept) < len(page):
                return rows
            first_id = page[-1]["id"] + 1

    def trades_between(self, symbol, start, end):
        """The trades of [start, end) in milliseconds; the first id is found through aggTrades."""
        first = self.get("aggTrades", symbol=symbol, startTime=start, limit=1)[0]["f"]
        return self.trades(symbol, first, end * 1000)


@pytest.fixture(scope="session")
def nasty():
    """A client of the tests market at a frozen 2025-03-01 12:34:56.789, without limits."""
    clock = datetime.fromtimestamp(NOW / 1000, timezone.utc)
    with warm_simulator(market="tests", clock=clock, clock_mode="frozen", no_limits=True) as simulator:
        yield Client(simulator)


@pytest.fixture(scope="session")
def archive_of():
    """Read the archive of a client's simulator."""
    return Archive


@pytest.fixture(scope="module")
def start_for_module():
    """Start a simulator for the tests of one module and give a client of it."""
    with ExitStack() as running:
        yield lambda **options: Client(running.enter_context(warm_simulator(**options)))


@pytest.fixture
def start():
    """Start a simulator for one test and give a client of it."""
    with ExitStack() as running:
        yield lambda **options: Client(running.enter_context(warm_simulator(**options)))


@pytest.fixture(scope="session")
def times():
    """Units and the frozen clock of the nasty market, in milliseconds."""
    return SimpleNamespace(SECOND=1_000, MINUTE=60_000, HOUR=3_600_000, DAY=86_400_000, NOW=NOW, utc_ms=utc_ms)

"""The simulated exchange that the integration tests talk to."""

from datetime import datetime, timedelta

import pyarrow as pa
import pytest

from exchange_simulator import running_simulator


def ms(text: str) -> int:
    """Milliseconds since 1970 of a UTC time."""
    since_1970 = datetime.fromisoformat(text) - datetime(1970, 1, 1)  # noqa: DTZ001 - both are UTC
    return since_1970 // timedelta(milliseconds=1)


@pytest.fixture(scope="session")
def shared_exchange():
    """One small, nasty market for all tests of this folder: starting it takes a while."""
    with running_simulator(market="tests", clock="2025-02-11T12:00:30", clock_mode="frozen", no_limits=True) as made:
        yield made


@pytest.fixture
def exchange(shared_exchange):
    """The exchange as it was when it started: Monday 2025-01-20, 12:00:30."""
    shared_exchange.clock_set(datetime(2025, 2, 11, 12, 0, 30))  # noqa: DTZ001 - UTC
    shared_exchange.clear_faults()
    shared_exchange.reset_stats()
    return shared_exchange


@pytest.fixture
def truth(exchange):
    """Ask the exchange for what really is in [start, end), for several symbols and intervals."""

    def ask(kind, symbols, start, end, intervals=(None,)):
        return pa.concat_tables(
            exchange.truth(kind, symbol, interval=interval, start_ms=ms(start), end_ms=ms(end) - 1)
            for symbol in symbols
            for interval in intervals
        )

    return ask

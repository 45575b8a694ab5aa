"""The simulated exchange that the integration tests talk to."""

from datetime import datetime, timedelta

import pyarrow as pa
import pytest
from simulating import warm_simulator

pytest.register_assert_rewrite("served_archive")


def ms(text: str) -> int:
    """Milliseconds since 1970 of a UTC time."""
    since_1970 = datetime.fromisoformat(text) - datetime(1970, 1, 1)  # noqa: DTZ001 - both are UTC
    return since_1970 // timedelta(milliseconds=1)


@pytest.fixture(scope="session")
def shared_exchange():
    """One small, nasty market for all tests of this folder: starting it takes a while."""
    with warm_simulator(market="tests", clock="2025-02-11T12:00:30", clock_mode="frozen", no_limits=True) as made:
        yield made


def as_started(exchange):
    """Set the exchange back to what it was when it started: Tuesday 2025-02-11, 12:00:30."""
    exchange.clock_set(datetime(2025, 2, 11, 12, 0, 30))  # noqa: DTZ001 - UTC
    exchange.clear_faults()
    exchange.clear_archive_faults()
    exchange.archive_delays(daily_delay_hours=5, monthly_delay_hours=8.1, futures_daily_delay_hours=8.5)
    exchange.reset_stats()
    return exchange


@pytest.fixture
def exchange(shared_exchange):
    """The exchange as it was when it started."""
    return as_started(shared_exchange)


def asked_of(exchange):
    """Return a function that asks the exchange for what really is in [start, end), of several symbols and intervals."""

    def ask(kind, symbols, start, end, intervals=(None,)):
        return pa.concat_tables(
            exchange.truth(kind, symbol, interval=interval, start_ms=ms(start), end_ms=ms(end) - 1)
            for symbol in symbols
            for interval in intervals
        )

    return ask


@pytest.fixture
def truth(exchange):
    """Ask the exchange for what really is in [start, end), for several symbols and intervals."""
    return asked_of(exchange)


@pytest.fixture(scope="module")
def module_exchange(shared_exchange):
    """The exchange as it was when it started, for a load that the tests of a module look at together."""
    return as_started(shared_exchange)


@pytest.fixture(scope="module")
def module_truth(module_exchange):
    """Ask as `truth` does, for a load that the tests of a module look at together."""
    return asked_of(module_exchange)

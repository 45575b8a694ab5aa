"""How much is tried: a bounded, fixed part in `make test`; in soak more, from the seed that the run prints."""

import threading

import hypothesis
import pytest
from hypothesis import HealthCheck, settings
from played import Archive, Exchange

EXAMPLES, EXAMPLES_IN_SOAK = 30, 1_000

COMMON = {"deadline": None, "database": None, "print_blob": False, "suppress_health_check": list(HealthCheck)}
settings.register_profile("test", max_examples=EXAMPLES, derandomize=True, **COMMON)
settings.register_profile("soak", max_examples=EXAMPLES_IN_SOAK, **COMMON)


def is_soak(config):
    return config.option.markexpr == "soak"


def pytest_configure(config):
    settings.load_profile("soak" if is_soak(config) else "test")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    if not is_soak(config):
        return
    for item in items:
        if hypothesis.is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker("soak")
            hypothesis.seed(config.seed)(getattr(item.obj, "__func__", item.obj))


@pytest.fixture(scope="session")
def exchange():
    made = Exchange(threading.Event())
    yield made
    made.client.close()


@pytest.fixture(scope="session")
def archive():
    made = Archive(threading.Event())
    yield made
    made.host.close()

"""What the tests of faults share: the exchange of the integration tests, and one of many small symbols."""

import pytest

pytest.register_assert_rewrite("tests.faults.outcome", "tests.integration.served_archive")

from tests.integration.conftest import (  # noqa: E402, F401 - fixtures
    exchange,
    module_exchange,
    module_truth,
    shared_exchange,
    truth,
)

"""What the crash tests share: the simulated exchange of the integration tests, and one load of all kinds."""

import pytest

pytest.register_assert_rewrite("tests.integration.served_archive", "crashes")

from tests.integration.conftest import exchange, shared_exchange, truth  # noqa: E402, F401 - fixtures

"""The pipeline command in forks of one process, and a simulated exchange."""

from forked import command, exchange, forked, shared_exchange  # noqa: F401 - fixtures

"""What the configurations of venues with REST alone have in common."""

from typing import ClassVar, Final

from dlt.common.configuration import configspec
from dlt.common.configuration.specs import BaseConfiguration

from ..times import DAY_MS
from .rules import Number, Url
from .sections import Rules, check_values

DAY_SECONDS: Final = DAY_MS / 1000

RULES: Final[Rules] = {
    "base_url": Url(),
    "connections": Number(int, 1, 1_000),
    "timeout_seconds": Number(float, 0, 3_600, is_above=True),
    "max_attempts": Number(int, 1, 100),
    "backoff_seconds": Number(float, 0, 3_600),
    "request_share": Number(float, 0.1, 1),
    "ban_patience_seconds": Number(float, 0, 30 * DAY_SECONDS),
    "candles_lookback_days": Number(float, 0, 20_000, is_above=True),
    "package_rows": Number(int, 1, 10**9),
    "package_seconds": Number(float, 0, DAY_SECONDS, is_above=True),
}
"""What each key of the configuration may be."""


@configspec
class VenueConfiguration(BaseConfiguration):
    """How a venue is spoken to; each field is a key of its section.

    Times are in seconds. `request_share` is the share of the venue's limits on requests that this process may use up.
    """

    base_url: str = ""
    connections: int = 8
    timeout_seconds: float = 15.0
    max_attempts: int = 6
    backoff_seconds: float = 0.5
    request_share: float = 1.0
    ban_patience_seconds: float = 600.0
    candles_lookback_days: float = 30.0
    package_rows: int = 3_000_000
    package_seconds: float = 60.0

    sections: ClassVar[tuple[str, str]] = ("sources", "")
    """Where the configuration lives."""

    def on_resolved(self) -> None:
        """Refuse values that cannot work, by key.

        Raises:
            ConfigurationError: A URL or a number that is not what its key takes.
        """
        check_values(self, self.sections, RULES)

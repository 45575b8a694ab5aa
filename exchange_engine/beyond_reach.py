"""Report requested rows that the venue no longer gives, as the failure of a series."""

from .http.errors import GaveUpError
from .http.transport import Tally
from .times import text_of_ms
from .walk import Page, Window


class BeyondReach:
    """A series without rows that reports what lies further back than REST reaches.

    Args:
        key: Key of the series.
        first_ms, until_ms: What is missing, in milliseconds since 1970.
        reach: What it lies further back than, for the message.
    """

    def __init__(self, key: str, first_ms: int, until_ms: int, reach: str) -> None:
        self.key = key
        self.tally = Tally()
        self._said = f"{text_of_ms(first_ms)} to {text_of_ms(until_ms)} lies further back than {reach}"

    def open(self) -> list[Page | Window]:
        """Report what cannot be loaded.

        Raises:
            GaveUpError: Always.
        """
        raise GaveUpError(self._said)

    def fetch(self, window: Window) -> Page:
        """Raise GaveUpError as well: there are no windows to fetch."""
        raise GaveUpError(f"{self._said}: {window}")

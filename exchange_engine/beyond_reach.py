"""What was asked for and cannot be had any more: said as the failure of a series."""

from .http.errors import GaveUpError
from .http.transport import Tally
from .times import text_of_ms
from .walk import Page, Window


class BeyondReach:
    """What was asked for and lies further back than REST gives: a series that says so, and has nothing.

    Args:
        key: Of the series.
        first_ms, until_ms: What is missing, in milliseconds.
        reach: What it lies further back than, for the message.
    """

    def __init__(self, key: str, first_ms: int, until_ms: int, reach: str) -> None:
        self.key = key
        self.tally = Tally()
        self._said = f"{text_of_ms(first_ms)} to {text_of_ms(until_ms)} lies further back than {reach}"

    def open(self) -> list[Page | Window]:
        """Say what cannot be had.

        Raises:
            GaveUpError: Always.
        """
        raise GaveUpError(self._said)

    def fetch(self, window: Window) -> Page:
        """Fetch nothing: there are no windows."""
        raise GaveUpError(f"{self._said}: {window}")

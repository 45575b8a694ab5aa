"""What can go wrong between this program and the exchange, each with a message that says what to do."""

from datetime import datetime, timezone


class SourceError(Exception):
    """Base of all errors of this source."""


class RunError(SourceError):
    """Nothing more can be fetched in this run: every series that is not finished stays unfinished."""


class SeriesError(SourceError):
    """One series cannot be continued; the others can."""


class StoppedError(RunError):
    """The user asked the run to stop."""

    def __init__(self) -> None:
        super().__init__("stopped on request")


class UnreachableError(RunError):
    """The host does not answer, or what answers is not the exchange."""


class GeoBlockedError(RunError):
    """The exchange, or a proxy on the way to it, does not serve this place or this IP address.

    Attributes:
        may_pass: Asking once more may help.
    """

    def __init__(self, message: str, *, may_pass: bool = False) -> None:
        self.may_pass = may_pass
        super().__init__(message)


class BannedError(RunError):
    """The exchange told this IP address to wait for longer than the configured patience.

    Attributes:
        until: When the ban ends, UTC by this machine's clock.
    """

    def __init__(self, status: int, wait_seconds: float, patience_seconds: float, now: float, section: str) -> None:
        self.until = datetime.fromtimestamp(now + wait_seconds, timezone.utc)
        super().__init__(
            f"the exchange refuses this IP address (HTTP {status}) until {self.until:%Y-%m-%d %H:%M:%S} UTC, longer "
            f"than {section}.ban_patience_seconds = {patience_seconds:g}; run again after that"
        )


class RejectedError(SeriesError):
    """The exchange refused the request itself.

    Attributes:
        status: HTTP status.
        code: The exchange's error code, such as -1121; 0 where it gave none.
    """

    def __init__(self, status: int, code: int, message: str, path: str) -> None:
        self.status = status
        self.code = code
        super().__init__(f"{path} was refused: HTTP {status}, code {code}: {message}")


class BadResponseError(SeriesError):
    """The answer is not what was asked for: not JSON, cut off, of another shape, or another page. Worth a retry."""


class OddAnswerError(BadResponseError):
    """The answer is of the expected type, and its contents are odd: the host is there, and speaks."""


class GaveUpError(SeriesError):
    """A request failed as often as it was allowed to."""


class InexactNumberError(SeriesError):
    """A number of the exchange does not fit its column exactly; it is refused rather than rounded.

    Attributes:
        what: Which number of which row.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"{what}; nothing of this page was loaded")


class KeyRefusedError(RunError):
    """The exchange does not take an API key, or what was signed with it."""

"""What can go wrong between this program and a venue; each message says what to do."""

from datetime import datetime, timezone


class SourceError(Exception):
    """Base class of all errors of the sources."""


class RunError(SourceError):
    """Nothing more can be fetched in this run; all unfinished series stay unfinished."""


class SeriesError(SourceError):
    """One series cannot be continued; the others can."""


class StoppedError(RunError):
    """The user asked the run to stop."""

    def __init__(self) -> None:
        super().__init__("stopped on request")


class UnreachableError(RunError):
    """The host does not respond, or what responds is not the venue."""


class GeoBlockedError(RunError):
    """The venue, or a proxy on the way to it, does not serve this location or IP address.

    Attributes:
        may_pass: Whether one more request may help.
    """

    def __init__(self, message: str, *, may_pass: bool = False) -> None:
        self.may_pass = may_pass
        super().__init__(message)


class BannedError(RunError):
    """The venue told this IP address to wait longer than the configured patience.

    Attributes:
        until: End of the ban, in UTC by this machine's clock.
    """

    def __init__(self, status: int, wait_seconds: float, patience_seconds: float, now: float, section: str) -> None:
        self.until = datetime.fromtimestamp(now + wait_seconds, timezone.utc)
        super().__init__(
            f"the exchange refuses this IP address (HTTP {status}) until {self.until:%Y-%m-%d %H:%M:%S} UTC, longer "
            f"than {section}.ban_patience_seconds = {patience_seconds:g}; run again after that"
        )


class RejectedError(SeriesError):
    """The venue refused the request itself.

    Attributes:
        status: HTTP status.
        code: The venue's error code, such as -1121; 0 if it gave none.
    """

    def __init__(self, status: int, code: int, message: str, path: str) -> None:
        self.status = status
        self.code = code
        super().__init__(f"{path} was refused: HTTP {status}, code {code}: {message}")


class BadResponseError(SeriesError):
    """The response is not what was requested: not JSON, cut off, of another shape, or another page. Worth a retry."""


class OddAnswerError(BadResponseError):
    """The response is of the expected type but has odd contents: the host is up and responds."""


class GaveUpError(SeriesError):
    """A request failed as often as it was allowed to, or what was requested is not available."""


class InexactNumberError(SeriesError):
    """A number from the venue does not fit its column exactly; it is refused rather than rounded.

    Attributes:
        what: Which number of which row.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"{what}; nothing of this page was loaded")


class KeyRefusedError(RunError):
    """The venue does not accept an API key, or a request signed with it."""

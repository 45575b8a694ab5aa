"""The exit codes of the commands."""

from typing import Final

DONE: Final = 0
INCOMPLETE: Final = 1
WRONG_REQUEST: Final = 2

AS_PART: Final = "--as-part"
"""Hidden option with which all venues run each venue's command: it then also ends with the following codes.

Otherwise the exit code is INCOMPLETE in their place."""

BLOCKED: Final = 3
"""The venue does not serve this location."""

BUSY: Final = 4
"""Another run is in progress."""

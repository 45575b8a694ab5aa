"""The configuration of venues that have only REST."""

from dlt.common.configuration import configspec

from .rules import Number, Url
from .sections import Section, key


@configspec
class VenueConfiguration(Section):
    """The configuration of a venue that has only REST; each field is a key of its section.

    `request_share` is the share of the venue's request limits that this process may use. The rest is left to other
    programs behind the same IP address.
    """

    base_url: str = key("", Url())
    request_share: float = key(1.0, Number(float, 0.1, 1), "of the limits on requests")
    candles_lookback_days: float = key(
        30.0, Number(float, 0, 20_000, is_above=True), "how far back a new series begins when no --start is given"
    )

"""Funding settlements: rows within a minute are one settlement if their rates agree."""

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final, TypeVar

from .listed import Rejected, json_text
from .times import text_of_ms

R = TypeVar("R")

LONGEST_MS: Final = 60_000
"""The largest distance between rows of one settlement, in milliseconds. Binance has sent one settlement twice, some
milliseconds apart, and a regular and a special row for one settlement."""


def one_each(
    rows: Sequence[R], symbol: str, time_of: Callable[[R], int], rate_of: Callable[[R], str]
) -> tuple[list[R], list[Rejected]]:
    """Return one row per settlement, and the rows of settlements whose rates contradict each other.

    Args:
        rows: Rows in ascending order of time.
        symbol: Symbol of the rows.
        time_of: Returns a row's time in milliseconds since 1970.
        rate_of: Returns a row's rate as text.
    """
    kept: list[R] = []
    rejected: list[Rejected] = []
    group: list[R] = []
    for row in [*rows, None]:
        if row is not None and (not group or time_of(row) - time_of(group[0]) <= LONGEST_MS):
            group.append(row)
            continue
        if len({_value(rate_of(one)) for one in group}) > 1:
            reason = f"the settlement of {text_of_ms(time_of(group[0]))} has two rates"
            rejected += [Rejected(symbol, reason, json_text(one)) for one in group]
        else:
            kept += group[:1]
        group = [] if row is None else [row]
    return kept, rejected


def _value(rate: str) -> Decimal | str:
    try:
        value = Decimal(rate)
    except InvalidOperation:
        return rate
    return value if value.is_finite() else rate

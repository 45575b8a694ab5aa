"""Rows between two times, newest first: paged backwards by the rows that come, whatever a page holds."""

from collections.abc import Callable
from typing import TypeVar

from exchange_engine.http.errors import BadResponseError
from exchange_engine.http.transport import Params, Tally
from exchange_engine.listed import without_copies

from .client import OkxClient

R = TypeVar("R")


def page_back(
    client: OkxClient,
    path: str,
    params: Params,
    period: tuple[int, int],
    read: Callable[[bytes], list[R]],
    time_of: Callable[[R], int],
    least_step_ms: int,
    tally: Tally,
    may_meet: bool = False,
) -> list[R]:
    """Ask for all rows of a period, until its start is reached or twice nothing came.

    Args:
        client: How to ask.
        path: Of the endpoint.
        params: What is asked for beside the times.
        period: [start, end) in milliseconds.
        read: Reads the rows of an answer.
        time_of: Returns a row's time in milliseconds.
        least_step_ms: The shortest time from row to row.
        tally: Where to count the requests.
        may_meet: Two rows may have one time.

    Returns:
        The rows in ascending order.

    Raises:
        BadResponseError: An answer went on to have rows of other times.
    """
    start, after = period
    rows: list[R] = []
    is_empty = False
    while after > start:

        def decode(body: bytes, before: int = after) -> list[R]:
            page = without_copies(read(body), time_of)
            for row in page:
                time = time_of(row)
                if not start <= time < before:
                    raise BadResponseError(f"{path} {dict(params)} answered with {time} after {before}, from {start}")
                before = time + 1 if may_meet else time
            return page

        # Both ends are exclusive.
        page = client.get(path, {**params, "before": start - 1, "after": after}, decode, tally)
        if not page and is_empty:
            break
        is_empty = not page
        rows += page
        if page:
            after = time_of(page[-1])
            if after - least_step_ms < start:
                break
    return rows[::-1]

"""Rows between two times, newest first: paged backwards from the last row received, however many rows a page has."""

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
    """Fetch all rows of a period, until its start is reached or two responses in a row are empty.

    Args:
        client: Client of the venue.
        path: Path of the endpoint.
        params: Query parameters besides the times.
        period: [start, end) in milliseconds.
        read: Returns the rows of a response.
        time_of: Returns a row's time in milliseconds.
        least_step_ms: The shortest time between two rows, in milliseconds.
        tally: Where the requests are counted.
        may_meet: Whether two rows may have the same time.

    Returns:
        The rows in ascending order.

    Raises:
        RunError: Nothing more can be fetched.
        SeriesError: No usable response came, for instance rows of other times in every attempt.
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

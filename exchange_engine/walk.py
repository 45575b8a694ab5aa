"""Fetch many series in parallel and yield their pages: in order within a series, as they arrive between series."""

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, ClassVar, Protocol

import pyarrow as pa

from .coverage import Range
from .http.errors import RunError, SeriesError, StoppedError
from .http.transport import Tally
from .listed import Rejected
from .tables import Table

LOOKAHEAD_PAGES = 16
"""Pages fetched ahead per connection."""

STOP_SECONDS = 0.5
"""How soon a stop is noticed while no page arrives, in seconds."""


@dataclass(frozen=True)
class Page:
    """Rows of one series, and the coverage that they add once they are loaded.

    Attributes:
        series: Key of the series.
        rows: Arrow table; empty if the venue has nothing.
        covered: Coverage entries to add (see coverage.py): what this page proves to be complete.
        uncovered: Ranges of keys that are no longer complete.
        rejected: Rows of the responses that were left out.
        rounded: How many numbers were rounded.
        answered: The range in milliseconds for which the venue has sent everything so far, or None. Its newest part may
            not be covered yet; the next run requests that again.
        newest_us: Time of the newest row in microseconds since 1970, or None.
        dropped: How many rows were left out as tombstones.
        records: Rows for other staging tables, to be loaded together with these.
        files: How many files of the archive this page completes.
        downloaded_bytes: Size of the downloads for these files.
        is_boundary: Whether a load package may end after this page.
    """

    series: str
    rows: pa.Table
    covered: Sequence[tuple[Any, ...]] = ()
    newest_us: int | None = None
    dropped: int = 0
    records: Sequence[tuple[Table, pa.Table]] = ()
    files: int = 0
    downloaded_bytes: int = 0
    is_boundary: bool = True
    uncovered: Sequence[Range] = ()
    answered: Range | None = None
    rejected: Sequence[Rejected] = ()
    rounded: int = 0


@dataclass(frozen=True)
class Window:
    """A part of a series that is fetched on its own: [start, end) in milliseconds or ids, and what it will cover."""

    start: int
    end: int
    covers: tuple[Any, ...]


class Series(Protocol):
    """One series of a dataset, as the walk sees it. Both methods are called in worker threads."""

    key: str
    tally: Tally

    def open(self) -> list["Page | Window"]:
        """Find out what is missing, and return in order the pages fetched on the way and the windows left to fetch."""

    def fetch(self, window: Window) -> Page:
        """Fetch one window."""


@dataclass(frozen=True)
class Failure:
    """A series that could not be completed in this run, and the reason."""

    series: str
    reason: str


@dataclass
class _Progress:
    """The progress of a walk in one series."""

    series: Series
    steps: list[Page | Window] | None = None
    submitted: int = 0
    emitted: int = 0
    ready: dict[int, Page] = field(default_factory=dict)
    broken_at: int | None = None

    def is_dropped(self, number: int) -> bool:
        """Return whether a step comes at or after a failed one: coverage must not have a gap."""
        return self.broken_at is not None and number >= self.broken_at


class Walk(ABC):
    """One pass over the series of a dataset.

    Args:
        total: How many units there are, as far as known.

    Attributes:
        unit: What `total` and `done` count.
        pages: The pages; one iterator for the whole walk, so that a consumer can pause and resume.
        failures: What was requested and could not be loaded, so far.
        notes: Messages for the user that are not failures.
        error: The error that ended the walk early, or None.
        total: How many units there are, as far as known by now.
        done: How many of them are completed or given up.
    """

    unit: ClassVar[str] = "series"

    def __init__(self, total: int = 0) -> None:
        self.failures: list[Failure] = []
        self.notes: list[str] = []
        self.error: RunError | None = None
        self.total = total
        self.done = 0
        self.pages = self._until_error()

    @abstractmethod
    def _run(self) -> Iterator[Page]:
        """Yield the pages; a RunError ends the walk, and the pages yielded before it stay valid."""

    def interim_records(self) -> list[tuple[Table, pa.Table]]:
        """Return the records to load when a load package ends within the walk."""
        return []

    def _until_error(self) -> Iterator[Page]:
        try:
            yield from self._run()
        except RunError as error:
            self.error = error


class SeriesWalk(Walk):
    """Fetches series through a thread pool.

    At most `lookahead` pages are being fetched or wait to be consumed, which bounds memory. Fetching goes on while the
    consumer loads what it has.

    Args:
        series: The series, in the order in which they are started.
        pool: The thread pool; its size is the number of connections.
        lookahead: The most pages that are in flight or waiting.
        stop: Set from outside to end the walk early; pages already yielded stay valid.
    """

    def __init__(
        self, series: Sequence[Series], pool: ThreadPoolExecutor, lookahead: int, stop: threading.Event
    ) -> None:
        super().__init__(len(series))
        self._waiting = deque(series)
        self._opened: deque[_Progress] = deque()
        self._pool = pool
        self._lookahead = lookahead
        self._stop = stop
        self._outstanding = 0
        self._done: SimpleQueue[tuple[_Progress, int, Future[Any]]] = SimpleQueue()

    def _run(self) -> Iterator[Page]:
        self._submit()
        while self._outstanding:
            with suppress(Empty):
                yield from self._receive(*self._done.get(timeout=STOP_SECONDS))
            if self._stop.is_set():
                raise StoppedError
            self._submit()

    def _submit(self) -> None:
        while self._outstanding < self._lookahead:
            while self._opened and self._opened[0].submitted == len(self._opened[0].steps or ()):
                self._opened.popleft()
            if self._opened:
                self._submit_step(self._opened[0])
            elif self._waiting:
                progress = _Progress(self._waiting.popleft())
                self._start(progress, -1, self._pool.submit(progress.series.open))
            else:
                return

    def _submit_step(self, progress: _Progress) -> None:
        assert progress.steps is not None  # noqa: S101 - only opened series get here
        number, step = progress.submitted, progress.steps[progress.submitted]
        progress.submitted += 1
        if isinstance(step, Window):
            self._start(progress, number, self._pool.submit(progress.series.fetch, step))
        else:
            done: Future[Page] = Future()
            done.set_result(step)
            self._start(progress, number, done)

    def _start(self, progress: _Progress, number: int, future: "Future[Any]") -> None:
        self._outstanding += 1
        future.add_done_callback(lambda finished: self._done.put((progress, number, finished)))

    def _receive(self, progress: _Progress, number: int, future: "Future[Any]") -> Iterator[Page]:
        if number == -1 or progress.is_dropped(number):
            self._outstanding -= 1
        if progress.is_dropped(number):
            return
        try:
            result = future.result()
        except SeriesError as error:
            self._fail(progress, number, str(error))
            return
        if number == -1:
            progress.steps = result
            if result:
                self._opened.append(progress)
            else:
                self.done += 1
            return
        progress.ready[number] = result
        while (page := progress.ready.pop(progress.emitted, None)) is not None:
            progress.emitted += 1
            self._outstanding -= 1
            self.done += progress.emitted == len(progress.steps or ())
            yield page

    def _fail(self, progress: _Progress, number: int, reason: str) -> None:
        """Abandon a series from this step on; pages before it are still yielded."""
        if progress.broken_at is None:
            self.failures.append(Failure(progress.series.key, reason))
            self.done += 1
        progress.broken_at = max(number, 0)
        dropped = [ready for ready in progress.ready if progress.is_dropped(ready)]
        for ready in dropped:
            del progress.ready[ready]
        self._outstanding -= len(dropped) + (number != -1)
        progress.submitted = len(progress.steps or ())

"""What the commands do on SIGINT and SIGTERM: an orderly end where that takes seconds, and an end in any case."""

import os
import signal
import sys
import threading

from . import console

SIGNALS = (signal.SIGINT, signal.SIGTERM)

GRACE_SECONDS = 4.0
"""How long an orderly end may take. What is under way then is dropped, and is fetched again by the next run."""


class Signals:
    """Ends the process on SIGINT or SIGTERM, with exit code 130 or 143.

    A thread waits for the signals: handlers run in the main thread alone, which may be inside of the database for long.
    An end at any moment does no harm: recovery.py puts everything right.

    Attributes:
        code: The exit code that a signal has asked for, or 0.
    """

    def __init__(self) -> None:
        self.code = 0
        self._stop: threading.Event | None = None

    def watch(self) -> None:
        """Begin to wait for signals; in the main thread."""
        heard, told = os.pipe()
        os.set_blocking(told, False)
        signal.set_wakeup_fd(told, warn_on_full_buffer=False)
        for number in SIGNALS:
            # Without a handler of Python's nothing is told.
            signal.signal(number, lambda _number, _frame: None)
        # What multiprocessing would say of the semaphores of dbt, by a process of its own that outlives this one.
        sys.warnoptions.append("ignore:resource_tracker:UserWarning")
        threading.Thread(target=self._wait, args=(heard,), name="signals", daemon=True).start()

    def stop_orderly(self, stop: threading.Event) -> None:
        """Let a signal set an event from here on, and end the process if that takes long; a second one ends it."""
        self._stop = stop

    def stop_at_once(self) -> None:
        """Let a signal end the process at once from here on."""
        self._stop = None

    def _wait(self, heard: int) -> None:
        self.code = 128 + os.read(heard, 1)[0]
        if self._stop is not None:
            self._stop.set()
            timer = threading.Timer(GRACE_SECONDS, self._end)
            timer.daemon = True
            timer.start()
            os.read(heard, 1)
        self._end()

    def _end(self) -> None:
        # Not by print: the main thread may be in the middle of it.
        console.tell("stopped on request; run again: what was loaded is kept")
        os._exit(self.code)

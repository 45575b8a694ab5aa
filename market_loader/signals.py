"""What the commands do on SIGINT and SIGTERM: end in order if that takes seconds, and end in any case."""

import os
import signal
import sys
import threading

from . import console

SIGNALS = (signal.SIGINT, signal.SIGTERM)

GRACE_SECONDS = 4.0
"""How long an orderly end may take. What is in progress then is dropped, and fetched again by the next run."""


class Signals:
    """Ends the process on SIGINT or SIGTERM, with exit code 130 or 143.

    A thread waits for the signals: handlers run only in the main thread, which may be inside the database for long. The
    process may end at any moment without harm, since recovery.py repairs everything.

    Attributes:
        code: The exit code after a signal, or 0.
    """

    def __init__(self) -> None:
        self.code = 0
        self._stop: threading.Event | None = None

    def watch(self) -> None:
        """Start waiting for signals; call it in the main thread."""
        heard, told = os.pipe()
        os.set_blocking(told, False)
        signal.set_wakeup_fd(told, warn_on_full_buffer=False)
        for number in SIGNALS:
            # Without a Python handler, nothing is written to the wakeup descriptor.
            signal.signal(number, lambda _number, _frame: None)
        # Hides a warning about dbt's semaphores, which multiprocessing prints from a process that outlives this one.
        sys.warnoptions.append("ignore:resource_tracker:UserWarning")
        threading.Thread(target=self._wait, args=(heard,), name="signals", daemon=True).start()

    def stop_orderly(self, stop: threading.Event) -> None:
        """From here on, set an event on a signal, and end the process if that takes long or on a second signal."""
        self._stop = stop

    def stop_at_once(self) -> None:
        """From here on, end the process at once on a signal."""
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
        # Not with print(): the main thread may be in the middle of one.
        console.tell("stopped on request; run again: what was loaded is kept")
        os._exit(self.code)

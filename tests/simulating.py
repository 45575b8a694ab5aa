"""A simulated exchange whose process begins with its imports done, which are most of what its start costs."""

import os
import signal
import threading
from contextlib import contextmanager
from pathlib import Path

from warm import start_script

from exchange_simulator import Simulator
from exchange_simulator.handle import _READY, _option

SECONDS = 10


@contextmanager
def warm_simulator(**options):
    """Do as `running_simulator` does, which tests of its own are for."""
    arguments = [part for name, value in ({"port": 0} | options).items() for part in _option(name, value)]
    process = start_script([Path(__file__).with_name("simulate.py"), *arguments], Path.cwd(), dict(os.environ))
    line = process.stdout.readline()
    if not line.startswith(_READY):
        raise RuntimeError(f"the simulator did not start: {process.communicate(SECONDS)}")
    # A pipe that nobody reads would stop it once it is full.
    threading.Thread(target=process.stderr.read, daemon=True).start()
    try:
        yield Simulator(line.removeprefix(_READY).strip())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(SECONDS)

"""Runs the pipeline commands of a project in forks of one process that has imported them, too: FOLDER.

What a process would do once, when it imports dlt, is therefore not seen; all that main() does is.
"""

import os
import sys
from importlib import import_module

from serving import serve

sys.path[0] = sys.argv[1]

# Where dlt's project is has to be decided before dlt is used.
import_module("market_loader.project").enter()
Signals = import_module("market_loader.signals").Signals
for venue in ("binance", "coinbase", "okx"):
    import_module(f"market_loader.{venue}")


def run_command(asked):
    os.environ.update(asked["environment"])
    sys.exit(import_module(f"market_loader.{asked['venue']}").main(Signals(), asked["arguments"]))


# A test may change the project's files from here on.
os.write(0, b"ready")
serve(run_command)

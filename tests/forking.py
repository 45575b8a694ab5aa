"""Runs the pipeline command many times in forks of one process that has imported it: python forking.py PROJECT.

Reads a line of JSON for each run from standard input, {"venue", "arguments", "environment", "out", "error"}, and
answers each with the exit code. What a process would do once, when it imports dlt, is therefore not seen; all that
main() does is.
"""

import json
import os
import sys
import traceback
from functools import partial
from importlib import import_module

sys.path[0] = sys.argv[1]

# Where dlt's project is has to be decided before dlt is imported.
import_module("market_loader.project").enter()
import_module("market_loader.binance")
Signals = import_module("market_loader.signals").Signals


def run(asked, main):
    """Run the command in this process, which ends with it."""
    os.environ.update(asked["environment"])
    for path, descriptor in ((asked["out"], 1), (asked["error"], 2)):
        os.dup2(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY), descriptor)
    try:
        code = main(asked["arguments"])
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - whatever it is, the test has to see it
        traceback.print_exc()
        code = -1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


sys.stdout.write("ready\n")
sys.stdout.flush()
for line in sys.stdin:
    asked = json.loads(line)
    main = partial(import_module(f"market_loader.{asked['venue']}").main, Signals())
    child = os.fork()
    if child == 0:
        run(asked, main)
    sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
    sys.stdout.flush()

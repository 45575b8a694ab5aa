"""Runs a command and writes its wall seconds, CPU seconds, peak memory and exit status to a file, as JSON.

    python benchmarks/archive_measure.py RESULT OUTPUT command ...

A process of its own, and a small one: where a child is started without copying the parent, Linux counts the child's
peak memory from the parent's. Memory is of the largest process of the tree, CPU seconds of all that were waited for.
"""

import json
import os
import subprocess
import sys
import time


def main() -> None:
    """Measure the command of the arguments."""
    result, output, *command = sys.argv[1:]
    with open(output, "wb") as out:
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
    measured = {
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "memory_bytes": usage.ru_maxrss * 1024,
        "status": os.waitstatus_to_exitcode(status),
    }
    with open(result, "w") as file:
        json.dump(measured, file)


if __name__ == "__main__":
    main()

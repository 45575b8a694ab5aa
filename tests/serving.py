"""The side of `warm.py` that is forked.

Standard input is a socket. Each message is JSON and comes with four descriptors: standard input, output and error of
the new process, and where its exit status is written when it has ended; the answer is its number.
"""

import atexit
import json
import os
import socket
import struct
import sys
import threading
import traceback

LARGEST_MESSAGE = 1_000_000


def serve(run):
    """Run a function with each message in a process of its own, until the other side is gone."""
    connection = socket.socket(fileno=os.dup(0))
    while True:
        message, descriptors, _, _ = socket.recv_fds(connection, LARGEST_MESSAGE, 4)
        if not message:
            return
        if not os.fork():
            # Its keeper is waited for by nobody.
            if not os.fork():
                _keep(run, json.loads(message), connection, *descriptors)
            os._exit(0)
        os.wait()
        for descriptor in descriptors:
            os.close(descriptor)


def _keep(run, asked, connection, *descriptors):
    """Run the function in a child of this process, and tell its number and its end."""
    *streams, status = descriptors
    child = os.fork()
    if not child:
        _be(run, asked, streams)
    connection.send(struct.pack("i", child))
    connection.close()
    for descriptor in streams:
        os.close(descriptor)
    os.write(status, struct.pack("i", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))
    os._exit(0)


def _be(run, asked, streams):
    """Run the function in this process, which ends with it, as Python would."""
    for descriptor, opened in enumerate(streams):
        os.dup2(opened, descriptor)
    os.closerange(3, 1024)
    code = 0
    try:
        run(asked)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - whatever it is, the test has to see it
        traceback.print_exc()
        code = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not by the end of the interpreter: DuckDB's threads, which a fork does not have, would be missed there.
    os._exit(code)

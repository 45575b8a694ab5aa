"""Processes that begin with their imports done, which are most of what a short run costs.

What Python and dlt do at the start of a process is seen by the tests that start one of their own: of the output, of
all venues together, and of a foreign project.
"""

import atexit
import functools
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class WarmProcess:
    """A process to be used as one of `subprocess.Popen` with pipes of text.

    Args:
        server: The socket of the process that is forked.
        asked: What it is to do.
        stdin: A descriptor for its standard input; default nothing.
    """

    def __init__(self, server, asked, stdin=None):
        self.args = asked["arguments"]
        self.returncode = None
        reads_out, out = os.pipe()
        reads_error, error = os.pipe()
        self._status, status = os.pipe()
        nothing = os.open(os.devnull, os.O_RDONLY)
        given = [nothing if stdin is None else stdin, out, error, status]
        socket.send_fds(server, [json.dumps(asked).encode()], given)
        for descriptor in (nothing, out, error, status):
            os.close(descriptor)
        (self.pid,) = struct.unpack("i", server.recv(4))
        self.stdout, self.stderr = (os.fdopen(descriptor) for descriptor in (reads_out, reads_error))

    def __del__(self):
        if self._status is not None:
            os.close(self._status)

    def poll(self):
        return self._ended(0)

    def wait(self, timeout=None):
        if self._ended(timeout) is None:
            raise subprocess.TimeoutExpired(self.args, timeout)
        return self.returncode

    def communicate(self, timeout=None):
        """Return all that it says until its end."""
        deadline = None if timeout is None else time.monotonic() + timeout
        said = ["", ""]

        def read(number, file):
            said[number] = "" if file.closed else file.read()

        streams = enumerate((self.stdout, self.stderr))
        readers = [threading.Thread(target=read, args=one, daemon=True) for one in streams]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(None if deadline is None else max(deadline - time.monotonic(), 0))
            if reader.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout)
        self.stdout.close()
        self.stderr.close()
        self.wait(None if deadline is None else max(deadline - time.monotonic(), 0))
        return tuple(said)

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def _ended(self, timeout):
        if self.returncode is None and select.select((self._status,), (), (), timeout)[0]:
            (self.returncode,) = struct.unpack("i", os.read(self._status, 4))
            os.close(self._status)
            self._status = None
        return self.returncode


def start_script(arguments, folder, environment, stdin=None):
    """Start a Python script; variables that Python itself reads at its start have no effect.

    Args:
        arguments: The script's path and its options.
        folder: Where it is started.
        environment: All of its variables.
        stdin: A descriptor for its standard input.
    """
    asked = {"arguments": [str(one) for one in arguments], "folder": str(folder), "environment": environment}
    return WarmProcess(_server(), asked, stdin)


class WarmCommands:
    """The commands of a project, with their own imports done, too.

    Args:
        folder: The project's.
    """

    def __init__(self, folder):
        self._server, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        script = Path(__file__).with_name("forking_commands.py")
        self._process = start_script([script, folder], folder, _plain_environment(), theirs.fileno())
        theirs.close()
        assert self._server.recv(5) == b"ready"

    def start(self, venue, arguments, environment):
        """Start a command with variables in addition to those that are inherited."""
        return WarmProcess(self._server, {"venue": venue, "arguments": arguments, "environment": environment})

    def end(self):
        self._server.close()
        assert self._process.communicate(timeout=60) == ("", "")
        assert self._process.returncode == 0


def _plain_environment():
    return {name: value for name, value in os.environ.items() if "__" not in name}


@functools.cache
def _server():
    """Return the socket of the process that is forked; it ends with this one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    script = Path(__file__).with_name("forking.py")
    process = subprocess.Popen(
        [sys.executable, str(script), str(ROOT)], stdin=theirs, cwd="/", env=_plain_environment()
    )
    theirs.close()

    def end():
        ours.close()
        process.wait()

    atexit.register(end)
    return ours

"""Standard output and standard error that never fail, wherever they lead."""

import contextlib
import io
import os
import select
import sys
from typing import Any, TextIO

_IN, _OUT, _ERROR = 0, 1, 2

_BOXES = {code: "-" if chr(code) in "─━═" else "|" if chr(code) in "│┃║" else "+" for code in range(0x2500, 0x2580)}
_IN_ASCII = {**_BOXES, ord("…"): ".", ord("·"): "."}
"""ASCII replacements, one to one, for the characters with which DuckDB draws tables."""


class _Forgiving(io.FileIO):
    """A descriptor whose writes never fail: what cannot be written is dropped."""

    def write(self, data: Any, /) -> int:
        try:
            while (written := super().write(data)) is None:
                # The program at the other end may have made it non-blocking.
                select.select((), (self,), ())
        except OSError:
            return memoryview(data).nbytes
        return written


def prepare() -> None:
    """Keep failing output from ending the process; call this first.

    A run goes on when the reader of its output goes away. Characters that a terminal cannot show are escaped.
    """
    for descriptor in (_IN, _OUT, _ERROR):
        try:
            os.fstat(descriptor)
        except OSError:
            # Otherwise the next file that is opened, such as the database, would get the descriptor of the output.
            _lead_nowhere(descriptor)
    sys.stdout = _stream(sys.stdout, _OUT)
    sys.stderr = _stream(sys.stderr, _ERROR)


def tell(line: str) -> None:
    """Write a line to standard error at once, from any thread; drop it if that would block."""
    with contextlib.suppress(OSError):
        if select.select((), (_ERROR,), (), 0)[1]:
            os.write(_ERROR, f"{line}\n".encode("ascii", "backslashreplace"))


def show(table: str) -> None:
    """Print a table drawn with boxes, in ASCII if the terminal cannot show them."""
    try:
        table.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        table = table.translate(_IN_ASCII)
    print(table)


def _lead_nowhere(descriptor: int) -> None:
    opened = os.open(os.devnull, os.O_RDWR)
    if opened == descriptor:
        os.set_inheritable(opened, True)
    else:
        os.dup2(opened, descriptor)
        os.close(opened)


def _stream(given: TextIO | None, descriptor: int) -> TextIO:
    """Return a stream like the given one, which is None if the descriptor was closed."""
    return io.TextIOWrapper(
        io.BufferedWriter(_Forgiving(descriptor, "w", closefd=False)),
        encoding=given.encoding if given else "utf-8",
        errors="backslashreplace",
        line_buffering=descriptor == _ERROR or (given is not None and given.isatty()),
        write_through=bool(getattr(given, "write_through", False)),
    )

"""Writing to a terminal or a pipe that may take nothing for hours, while there is something else to do.

Whoever presses Ctrl-S, or whose `less` waits, stops a program at its next write. `tocsin up` has daemons to look after.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import stat
import sys
import time
from collections.abc import Iterator
from typing import TextIO

MOST_BYTES = 256 * 1024
"""What waits at most; the rest is left out."""
END_S = 1.0
"""So long an end waits for what was written before it."""


class Unblocked(io.TextIOBase):
    """A stream that takes what is written at once, and passes on what can be passed on.

    What cannot be opened anew (files, sockets, terminals of another user) is written to as ever.

    Args:
        stream: what is written to in the end.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._waiting = bytearray()
        self._left_out = 0
        self._descriptor = _opened_anew(stream)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Of the stream."""
        return getattr(self._stream, "encoding", "") or "utf-8"

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Of the stream."""
        return self._stream.fileno()

    def writable(self) -> bool:
        """It is."""
        return True

    @property
    def is_behind(self) -> bool:
        """Whether something waits."""
        return bool(self._waiting)

    def write(self, text: str) -> int:
        """Take a text; `flush` passes it on."""
        if self._descriptor is None:
            return self._stream.write(text)
        if len(self._waiting) >= MOST_BYTES:
            self._left_out += 1
        else:
            self._waiting += text.encode(self.encoding, "replace")
        return len(text)

    def flush(self) -> None:
        """Pass on what can be passed on."""
        if self._descriptor is None:
            self._stream.flush()
            return
        with contextlib.suppress(BlockingIOError):
            while self._waiting:
                del self._waiting[: os.write(self._descriptor, self._waiting)]
            if self._left_out:
                text = f"({self._left_out} lines were left out while nothing was read here)\n"
                self._left_out = 0
                self._waiting += text.encode(self.encoding, "replace")

    def end(self, within_s: float = END_S) -> None:
        """Pass on what there is, if that goes in time, and let go of the stream."""
        deadline = time.monotonic() + within_s
        with contextlib.suppress(OSError):
            self.flush()
            while self._descriptor is not None and self.is_behind and (left_s := deadline - time.monotonic()) > 0:
                select.select([], [self._descriptor], [], left_s)
                self.flush()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            self._waiting.clear()


def is_behind(stream: object) -> bool:
    """Whether a stream has not taken yet what was written to it."""
    return isinstance(stream, Unblocked) and stream.is_behind


@contextlib.contextmanager
def unblocked() -> Iterator[None]:
    """Have standard output and error take all at once meanwhile."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = ours = Unblocked(before[0]), Unblocked(before[1])
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        for stream in ours:
            stream.end()


def _opened_anew(stream: TextIO) -> int | None:
    """A descriptor of our own that does not block: others who share the stream's would not expect that of it."""
    try:
        stream.flush()
        mode = os.fstat(stream.fileno()).st_mode
        if not stream.isatty() and not stat.S_ISFIFO(mode):
            return None
        path = f"/proc/self/fd/{stream.fileno()}"
        return os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None

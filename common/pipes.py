"""Messages through the pipes between a daemon and a process of our own: each has its length in four bytes before it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from typing import BinaryIO

from common.errors import PermanentError

HEAD = 4
"""Bytes of a length, big-endian."""


class MessageError(PermanentError):
    """What came is no message."""


def framed(body: bytes) -> bytes:
    """A message as it crosses."""
    return len(body).to_bytes(HEAD, "big") + body


class Messages:
    """Cuts what comes out of a pipe into messages, of so many bytes at most."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._data = bytearray()

    def bodies(self, data: bytes) -> list[bytes]:
        """The messages that are whole now.

        Raises:
            MessageError: one would be too long.
        """
        kept, start = self._data, 0
        kept += data
        found = []
        while len(kept) - start >= HEAD:
            length = int.from_bytes(kept[start : start + HEAD], "big")
            if length > self._most_bytes:
                raise MessageError(f"a message of {length} bytes came, of {self._most_bytes} at most")
            end = start + HEAD + length
            if len(kept) < end:
                break
            found.append(bytes(kept[start + HEAD : end]))
            start = end
        del kept[:start]
        return found


def serve(respond: Callable[[bytes], bytes], most_bytes: int) -> None:
    """Answer what comes on the standard input, one after the other on the standard output, until either ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the daemon, which then ends our input
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while (asked := _read(source, most_bytes)) is not None:
        try:
            sink.write(framed(respond(asked)))
            sink.flush()
        except BrokenPipeError:
            break


def _read(source: BinaryIO, most_bytes: int) -> bytes | None:
    head = source.read(HEAD)
    length = int.from_bytes(head, "big")
    if len(head) < HEAD or length > most_bytes:
        return None
    body = source.read(length)
    return body if len(body) == length else None

"""What a process of ours tells: reports of one type, each a line of JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec
from twisted.logger import Logger

T = TypeVar("T")

_log = Logger()


class Reports(Generic[T]):
    """Takes them from the bytes of a pipe.

    Args:
        who: tells them, as the log has it.
        max_bytes: a line that is longer is none.
    """

    def __init__(self, type_: type[T], who: str, max_bytes: int = 65_536) -> None:
        self._decoder = msgspec.json.Decoder(type_)
        self._who = who
        self._max_bytes = max_bytes
        self._buffer = b""

    def begin(self) -> None:
        """Another process tells from now on."""
        self._buffer = b""

    def read(self, data: bytes) -> Iterator[T]:
        """The reports that are whole by now."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if len(self._buffer) > self._max_bytes:
            self._buffer = b""
        for line in lines:
            try:
                yield self._decoder.decode(line)
            except msgspec.MsgspecError:
                _log.warn("{who} said what is no report: {line}", who=self._who, line=line[:200])

"""Where a daemon's log lines go: one line each, in files of bounded size."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, TextIO

from msgspec import Meta, Struct
from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent
from zope.interface import implementer

MEGABYTE = 1024 * 1024
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127)} | {9: "\t", 10: "\\n", 13: "\\r"}


class LogSettings(Struct, frozen=True, kw_only=True):
    """What is logged, and how much of it is kept.

    Attributes:
        level: messages of this level and worse.
        file_mb: size at which the log file is put away and a new one begun.
        keep: so many files that were put away are kept.
    """

    level: Literal["debug", "info", "warn", "error"] = "info"
    file_mb: Annotated[float, Meta(gt=0, le=10000)] = 10.0
    keep: Annotated[int, Meta(ge=0, le=100)] = 3


def line_of(event: LogEvent) -> str:
    """One event as text: time in UTC, level, where it comes from, what it says; below that, the lines of a traceback.

    Control characters in what it says are written out, so that no text of a stranger can forge a line.
    """
    at = datetime.fromtimestamp(event.get("log_time", 0.0), UTC).isoformat(timespec="milliseconds")
    level = event.get("log_level", LogLevel.info).name
    said = formatEvent(event).translate(_CONTROL)
    line = f"{at.removesuffix('+00:00')}Z {level:<8} {event.get('log_namespace', '-')}: {said}\n"
    failure = event.get("log_failure")
    if failure is not None:
        line += "".join(f"    {part.translate(_CONTROL)}\n" for part in failure.getTraceback().rstrip().splitlines())
    return line


class RotatingFile:
    """A log file of bounded size; a disk that refuses costs lines, never the daemon.

    Attributes:
        lost: lines that could not be written.
    """

    def __init__(
        self, path: Path, max_bytes: int, keep: int, on_open: Callable[[int], None] = lambda _descriptor: None
    ) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self._on_open = on_open
        self._descriptor = -1
        self._size = 0
        self.lost = 0

    def write(self, text: str) -> None:
        """Append a line, after beginning a new file when it would grow too large."""
        data = text.encode("utf-8", "backslashreplace")
        try:
            if self._descriptor < 0:
                self._open()
            elif self._size and self._size + len(data) > self._max_bytes:
                self._rotate()
            self._size += os.write(self._descriptor, data)
        except OSError:
            self.lost += 1

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> None:
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        self._size = os.fstat(self._descriptor).st_size
        self._on_open(self._descriptor)

    def _rotate(self) -> None:
        self.close()
        for number in range(self._keep, 0, -1):
            older = self._numbered(number - 1) if number > 1 else self._path
            if older.exists():
                older.replace(self._numbered(number))
        if not self._keep:
            self._path.unlink(missing_ok=True)
        self._open()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


@implementer(ILogObserver)
class LogLines:
    """Writes events of a level and worse to some places.

    Attributes:
        debug: write debug messages, whatever the level.
    """

    def __init__(self, level: str, writers: list[Callable[[str], None]], *, debug: bool = False) -> None:
        self._level = LogLevel.levelWithName(level)
        self._writers = writers
        self.debug = debug

    def wants(self, event: LogEvent) -> bool:
        """Whether an event is to be written."""
        level = event.get("log_level", LogLevel.info)
        floor = LogLevel.debug if self.debug else self._level
        return bool(level >= floor and (level >= LogLevel.warn or self.debug or not _is_chatter(event)))

    def __call__(self, event: LogEvent) -> None:
        """Write one event."""
        if not self.wants(event):
            return
        line = line_of(event)
        for write in self._writers:
            write(line)


def _is_chatter(event: LogEvent) -> bool:
    """Twisted tells of each port and factory it starts."""
    return str(event.get("log_namespace", "")).startswith(("twisted.", "log_legacy"))


def to_stream(stream: TextIO) -> Callable[[str], None]:
    """A writer to a terminal or a journal; one that has gone away is ignored."""

    def write(line: str) -> None:
        try:
            stream.write(line)
            stream.flush()
        except (OSError, ValueError):
            pass

    return write

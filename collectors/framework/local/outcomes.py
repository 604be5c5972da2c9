"""What became of reading processes that could not be read: counted by kind, never an end."""

from __future__ import annotations

import enum
import errno

import psutil


class Kind(enum.Enum):
    """Why a process, or a part of what is told of it, was not read.

    `ENDED` ended while it was looked at; `DENIED` is another user's; `ZOMBIE` has ended and waits for its parent;
    `GARBLED` made no sense; `FAILED` is anything else, for example too many open files.
    """

    ENDED = "ended"
    DENIED = "denied"
    ZOMBIE = "zombie"
    GARBLED = "garbled"
    FAILED = "failed"


_ENDED = frozenset({errno.ENOENT, errno.ESRCH})
_DENIED = frozenset({errno.EACCES, errno.EPERM})


def kind_of(error: Exception) -> Kind:
    """The kind of an error of the operating system, of psutil, or of a text that was read."""
    if isinstance(error, psutil.ZombieProcess):  # a kind of NoSuchProcess
        return Kind.ZOMBIE
    if isinstance(error, psutil.NoSuchProcess):
        return Kind.ENDED
    if isinstance(error, psutil.AccessDenied):
        return Kind.DENIED
    if isinstance(error, OSError):
        return Kind.ENDED if error.errno in _ENDED else Kind.DENIED if error.errno in _DENIED else Kind.FAILED
    return Kind.GARBLED if isinstance(error, ValueError | IndexError) else Kind.FAILED


class Outcomes:
    """Counts since the start of the daemon.

    Attributes:
        processes: whole processes that were not read.
        parts: figures, arguments or programs of processes that were.
    """

    def __init__(self) -> None:
        self.processes: dict[Kind, int] = dict.fromkeys(Kind, 0)
        self.parts: dict[Kind, int] = dict.fromkeys(Kind, 0)

    def process(self, error: Exception) -> Kind:
        """Count a process that could not be read."""
        kind = kind_of(error)
        self.processes[kind] += 1
        return kind

    def part(self, error: Exception) -> None:
        """Count what is missing of a process."""
        self.parts[kind_of(error)] += 1

    def figures(self) -> dict[str, dict[str, int]]:
        """Figures for `stats`; kinds that never came up are left out."""
        return {
            name: {kind.value: count for kind, count in counts.items() if count}
            for name, counts in (("processes", self.processes), ("parts", self.parts))
        }

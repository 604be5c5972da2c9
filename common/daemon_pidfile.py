"""The pid file: a lock that one daemon of a folder holds, and the number to reach it by."""

from __future__ import annotations

import enum
import fcntl
import os
import time
from pathlib import Path

from common.errors import PermanentError, SettingsError

TRIES = 10
PAUSE_S = 0.05


class AlreadyRunningError(PermanentError):
    """Another daemon holds the folder."""


class Standing(enum.Enum):
    """What a pid file tells; the value is the exit code of `status` (LSB)."""

    RUNNING = 0
    STALE = 1
    STOPPED = 3


class PidFile:
    """The lock of one daemon on its folder, for as long as the process lives."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def acquire(self) -> None:
        """Take the lock and write our number; the kernel frees the lock whatever way we end.

        Raises:
            AlreadyRunningError: another process has it.
            SettingsError: the file cannot be written.
        """
        for attempt in range(TRIES):
            if self._take():
                return
            if attempt < TRIES - 1:  # somebody who asks for the status has the lock for a moment
                time.sleep(PAUSE_S)
        pid = standing(self._path)[1]
        raise AlreadyRunningError(f"it is already running with {self._path.parent} (pid {pid or 'unknown'})")

    def release(self) -> None:
        """Remove the file and free the lock."""
        if self._descriptor >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = -1

    def _take(self) -> bool:
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise SettingsError(f"{self._path} cannot be written: {error.strerror or error}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The one who had it before may have removed the file between our open and our lock.
            ours = os.fstat(descriptor).st_ino == self._path.stat().st_ino
        except OSError:
            ours = False
        if not ours:
            os.close(descriptor)
            return False
        try:
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        except OSError as error:
            os.close(descriptor)
            raise SettingsError(f"{self._path} cannot be written: {error.strerror or error}") from None
        self._descriptor = descriptor
        return True


def standing(path: Path) -> tuple[Standing, int]:
    """Whether a daemon runs, and its process id; 0 when the file does not tell."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return Standing.STOPPED, 0
    try:
        first = os.read(descriptor, 32).split()
        pid = int(first[0]) if first and first[0].isdigit() else 0
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return Standing.RUNNING, pid
    except OSError:
        return Standing.STALE, 0
    finally:
        os.close(descriptor)
    return Standing.STALE, pid

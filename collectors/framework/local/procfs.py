"""Files of /proc, and what is made of them. proc(5) describes them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from collectors.framework.local.accounts import Accounts
from collectors.framework.local.outcomes import Outcomes
from collectors.framework.processtable import ProcessRow

STATES = {
    b"R": "running",
    b"S": "sleeping",
    b"D": "disk-sleep",
    b"Z": "zombie",
    b"T": "stopped",
    b"t": "tracing-stop",
    b"X": "dead",
    b"I": "idle",
    b"P": "parked",
}
STATE, PARENT, FLAGS, USER_CPU, SYSTEM_CPU, THREADS, STARTED, VMS, RSS, STACK = 0, 1, 6, 11, 12, 17, 19, 20, 21, 25
"""Fields of `stat` that follow the name, by number."""
LAST_FIELD = STACK + 1
KERNEL_THREAD = 0x0020_0000
STAT_BYTES = 4096
MOST_BYTES = 64 * 1024
MOST_ARGUMENTS_BYTES = 32 * 1024
KIB = 1024
MOST_NUMBER = 2**62
MOST_PID_DIGITS = 10

_GONE = " (deleted)"
_IN_MEMORY = "/memfd:"
_FIGURES = {b"VmData": "data", b"VmStk": "stack"}
_STATUS = re.compile(rb"^(Uid|VmData|VmStk|RssFile|RssShmem):\s+(\d+)(?:[ \t]+(\d+))?", re.MULTILINE)
_IO = {b"read_bytes": "read_bytes", b"write_bytes": "write_bytes"}


def read(path: str, size: int = MOST_BYTES) -> bytes:
    """The beginning of a file.

    Raises:
        OSError: it is not there, belongs to others, or its process has ended.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, size)
    finally:
        os.close(descriptor)


def text(path: Path) -> str:
    """A file as text, as far as `MOST_BYTES`; empty when it cannot be read."""
    try:
        with path.open("rb") as file:  # which reads on where the kernel tells a file in parts
            return file.read(MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def split_stat(data: bytes) -> tuple[bytes, list[bytes]]:
    """The name in a `stat` file, and the fields that follow it.

    Raises:
        ValueError: it is none.
    """
    # The name may hold anything, also a parenthesis: what counts is the last one.
    begin, end = data.index(b"("), data.rindex(b")")
    fields = data[end + 2 :].split(None, LAST_FIELD)
    if len(fields) <= RSS:
        raise ValueError("a stat file ends too early")
    return data[begin + 1 : end], fields


def number(word: bytes) -> int:
    """A number of a `stat` file.

    Raises:
        ValueError: it is none, or larger than any that a kernel writes there.
    """
    found = int(word)
    if not -MOST_NUMBER <= found <= MOST_NUMBER:
        raise ValueError("a stat file has a number that no kernel writes")
    return found


def arguments(folder: str) -> str:
    """The command line of a process, with a blank between its arguments.

    Raises:
        OSError: as `read`.
    """
    data = read(f"{folder}/cmdline", MOST_ARGUMENTS_BYTES)
    return data.rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")


def argument_list(folder: str) -> tuple[str, ...]:
    """The command line of a process, each argument by itself.

    Raises:
        OSError: as `read`.
    """
    data = read(f"{folder}/cmdline", MOST_ARGUMENTS_BYTES).rstrip(b"\0")
    return tuple(data.decode("utf-8", "replace").split("\0")) if data else ()


def memory_pages(folder: str) -> tuple[int, int, int]:
    """Pages of a process: all that it has mapped, those of them that are in memory, and those of these it may share.

    Raises:
        OSError: as `read`.
        ValueError: the file makes no sense.
    """
    size, resident, shared, _ = read(f"{folder}/statm", STAT_BYTES).split(None, 3)
    return number(size), number(resident), number(shared)


class Watched:
    """Reads what is told of processes that are watched alone."""

    def __init__(self, outcomes: Outcomes, accounts: Accounts | None = None) -> None:
        self._outcomes = outcomes
        self._accounts = accounts or Accounts()
        self._kernel_counts_files = True

    def refresh(self) -> None:
        """Take note of accounts that are new."""
        self._accounts.refresh()

    def whole(self, folder: str, row: ProcessRow, threads: int, vms: int) -> ProcessRow:
        """A row with everything that can be read; what cannot is counted and left out."""
        extra = {"threads": threads, "vms": vms}
        user = self._status(folder, extra)
        self._io(folder, extra)
        self._files(folder, extra)
        return ProcessRow(
            pid=row.pid,
            name=row.name,
            path=row.path,
            parameters=row.parameters,
            started=row.started,
            cpu_s=row.cpu_s,
            memory_bytes=row.memory_bytes,
            status=row.status,
            alive=row.alive,
            extra=extra,
            parent=row.parent,
            user=user,
            replaced=self._replaced(folder),
        )

    def _status(self, folder: str, extra: dict[str, int]) -> str | None:
        """Memory by kind; returns whom the process runs as, that is its effective user."""
        user = None
        shared: int | None = None
        try:
            for word, first, second in _STATUS.findall(read(f"{folder}/status")):
                if word == b"Uid":
                    user = self._accounts.name(int(second))
                elif word in _FIGURES:
                    extra[_FIGURES[word]] = int(first) * KIB
                else:
                    shared = (shared or 0) + int(first) * KIB
        except (OSError, ValueError) as error:
            self._outcomes.part(error)
        if shared is not None:
            extra["shared"] = shared
        return user

    def _io(self, folder: str, extra: dict[str, int]) -> None:
        try:
            for line in read(f"{folder}/io").split(b"\n"):
                word, _, rest = line.partition(b":")
                if word in _IO:
                    extra[_IO[word]] = int(rest)
        except (OSError, ValueError) as error:
            self._outcomes.part(error)

    def _files(self, folder: str, extra: dict[str, int]) -> None:
        """How many files are open: told by the size of the folder since Linux 6.2, which costs nothing."""
        path = f"{folder}/fd"
        try:
            if self._kernel_counts_files:
                extra["fds"] = os.stat(path).st_size  # noqa: PTH116 - a Path would cost more than the call
                if extra["fds"]:
                    return
            extra["fds"] = len(os.listdir(path))  # noqa: PTH208 - as above
            if extra["fds"]:
                self._kernel_counts_files = False
        except OSError as error:
            extra.pop("fds", None)
            self._outcomes.part(error)

    def _replaced(self, folder: str) -> bool:
        """Whether the link to a program says that the file is gone; what never was a file does not count."""
        try:
            program = os.readlink(f"{folder}/exe")  # noqa: PTH115 - as above
        except OSError as error:
            self._outcomes.part(error)
            return False
        return program.endswith(_GONE) and not program.startswith(_IN_MEMORY) and not os.path.lexists(program)

"""The process table of this host: /proc by hand on Linux, psutil everywhere else.

One read of /proc/PID/stat for each process and scan; the command line is read once for each (pid, start time). proc(5)
describes the files.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import psutil
from zope.interface import implementer

from collectors.framework.accounts import Accounts
from collectors.framework.interfaces import IProcessSource, ProcessRow, ProcessTable
from collectors.framework.source_psutil import NOT_RUNNING, PsutilSource, Wanted
from common.configs import DeviceConfig

_STATES = {
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
_STATUS_FIELDS = {b"VmData": "data", b"VmStk": "stack"}
_MAX_ARGUMENTS_BYTES = 32 * 1024

_GONE = " (deleted)"
_IN_MEMORY = "/memfd:"


def local_source(wall: Callable[[], float], monotonic: Callable[[], float], wanted: Wanted) -> IProcessSource:
    """The best source of this host; `wanted` tells for which processes further figures are read."""
    if Path("/proc/self/stat").exists():
        return ProcSource(wall, monotonic, wanted)
    return PsutilSource(wall, monotonic, wanted)


@implementer(IProcessSource)
class ProcSource:
    """Reads /proc.

    Attributes:
        unreadable: processes that could not be read in the last scan, because they ended or belong to others.
    """

    def __init__(
        self, wall: Callable[[], float], monotonic: Callable[[], float], wanted: Wanted, root: Path = Path("/proc")
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._wanted = wanted
        self._root = f"{root}/"
        self._tick_s = 1.0 / os.sysconf("SC_CLK_TCK")
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")
        self._boot = psutil.boot_time()
        self._accounts = Accounts()
        self._known: dict[tuple[int, int], tuple[str, str]] = {}
        self.unreadable = 0

    async def scan(self, full: bool) -> ProcessTable:  # noqa: FBT001 - the interface has it
        """Read all processes."""
        at, monotonic = self._wall(), self._monotonic()
        if full:
            self._known.clear()
        rows: dict[int, ProcessRow] = {}
        seen: dict[tuple[int, int], tuple[str, str]] = {}
        self.unreadable = 0
        self._accounts.refresh()
        for name in os.listdir(self._root):  # noqa: PTH208 - a Path for each entry would cost more than the read
            if name.isdigit():
                row = self._row(int(name), seen)
                if row is None:
                    self.unreadable += 1
                else:
                    rows[row.pid] = row
        self._known = seen
        return ProcessTable(at=at, monotonic=monotonic, rows=rows, complete=True, full=full)

    async def alive(self, pids: Sequence[int]) -> frozenset[int]:
        """Which of some processes are still there."""
        return frozenset(pid for pid in pids if (row := self._row(pid, {})) is not None and row.alive)

    def update(self, config: DeviceConfig) -> None:
        """Nothing of a config matters here."""

    async def close(self) -> None:
        """Nothing is held."""

    def _row(self, pid: int, seen: dict[tuple[int, int], tuple[str, str]]) -> ProcessRow | None:
        data = _read(f"{self._root}{pid}/stat")
        if data is None:
            return None
        # The name may hold anything, also a parenthesis: what counts is the last one.
        begin, end = data.index(b"("), data.rindex(b")")
        fields = data[end + 2 :].split()
        started = int(fields[19])
        name = data[begin + 1 : end].decode("utf-8", "replace")
        key = (pid, started)
        known = self._known.get(key)
        if known is None or known[0] != name:
            known = (name, self._arguments(pid))
        seen[key] = known
        status = _STATES.get(fields[0], "running")
        program, _, parameters = known[1].partition(" ")
        row = ProcessRow(
            pid=pid,
            name=name,
            path=program,
            parameters=parameters,
            started=self._boot + started * self._tick_s,
            cpu_s=(int(fields[11]) + int(fields[12])) * self._tick_s,
            memory_bytes=int(fields[21]) * self._page_bytes,
            status=status,
            alive=status not in NOT_RUNNING,
            parent=int(fields[1]),
        )
        if row.alive and self._wanted(row):
            return self._whole(row, fields)
        return row

    def _whole(self, row: ProcessRow, fields: list[bytes]) -> ProcessRow:
        """A row with all that is read of processes that are watched."""
        folder = f"{self._root}{row.pid}"
        try:
            user = self._accounts.name(os.stat(folder).st_uid)  # noqa: PTH116 - as above
        except OSError:
            user = None
        extra = self._extra(row.pid, fields)
        return msgspec.structs.replace(row, extra=extra, user=user, replaced=_replaced(f"{folder}/exe"))

    def _arguments(self, pid: int) -> str:
        data = _read(f"{self._root}{pid}/cmdline") or b""
        return data[:_MAX_ARGUMENTS_BYTES].rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")

    def _extra(self, pid: int, fields: list[bytes]) -> dict[str, int]:
        extra = {"threads": int(fields[17]), "vms": int(fields[20])}
        statm = _read(f"{self._root}{pid}/statm")
        if statm:
            extra["shared"] = int(statm.split()[2]) * self._page_bytes
        for line in (_read(f"{self._root}{pid}/status") or b"").splitlines():
            point = _STATUS_FIELDS.get(line.partition(b":")[0])
            if point is not None:
                extra[point] = int(line.split()[1]) * 1024
        for line in (_read(f"{self._root}{pid}/io") or b"").splitlines():
            word, _, figure = line.partition(b": ")
            if word in {b"read_bytes", b"write_bytes"}:
                extra[word.decode()] = int(figure)
        with contextlib.suppress(OSError):  # another user's process, or it has just ended
            extra["fds"] = len(os.listdir(f"{self._root}{pid}/fd"))  # noqa: PTH208 - as above
        return extra


def _read(path: str) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        data = os.read(descriptor, 65536)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return data


def _replaced(path: str) -> bool:
    """Whether the link to a program says that the file is no longer there; what never was a file does not count."""
    try:
        program = os.readlink(path)  # noqa: PTH115 - as above
    except OSError:
        return False
    return program.endswith(_GONE) and not program.startswith(_IN_MEMORY) and not os.path.lexists(program)

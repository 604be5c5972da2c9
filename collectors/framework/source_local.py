"""The process table of this host: /proc by hand on Linux, psutil everywhere else.

One read of /proc/PID/stat for each process and scan. What it says is taken apart only where it has changed; the command
line is read when a process is new, has begun another program, or all is read anew. docs/adr/0023 has the figures.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

import psutil
from zope.interface import implementer

from collectors.framework.interfaces import IProcessSource
from collectors.framework.local import procfs
from collectors.framework.local.host import LocalHost
from collectors.framework.local.outcomes import Kind
from collectors.framework.local.source_psutil import NOT_RUNNING, PsutilSource, Wanted, mark_own
from collectors.framework.processtable import ProcessRow, ProcessTable
from common.configs import DeviceConfig

FIRST_PID = 1
"""There in every process table that is whole, also in that of a container."""
HIDDEN = (
    "this host shows only a part of its processes, process 1 is not among them: /proc is mounted with hidepid (let the "
    "collector's user be in the group of its option gid), or the unit of the collector has ProtectProc (take it out)"
)
KEEP_UP_TO_S = 5
"""Up to this interval a scan keeps its files open: that halves its cost, and takes 5 KB of the kernel for each."""


def local_source(
    wall: Callable[[], float], monotonic: Callable[[], float], wanted: Wanted, host: LocalHost | None = None
) -> IProcessSource:
    """The best source of this host; `wanted` tells for which processes further figures are read."""
    if Path("/proc/self/stat").exists():
        return ProcSource(wall, monotonic, wanted, host=host)
    return PsutilSource(wall, monotonic, wanted, host=host)


class _Seen:
    """A process as the last scan left it.

    Attributes:
        descriptor: of its stat file, while that is kept open; else -1.
        data: that file's content.
        started: in ticks since boot.
        stack: where its stack begins: another one is another program, with the same pid and start.
        row: None until it was read once.
    """

    __slots__ = ("data", "descriptor", "line", "name", "pid", "row", "stack", "started", "threads", "vms", "wanted")

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.descriptor = -1
        self.data = b""
        self.started = -1
        self.stack = b""
        self.name = b""
        self.line = ""
        self.row: ProcessRow | None = None
        self.wanted = False
        self.threads = 0
        self.vms = 0


@implementer(IProcessSource)
class ProcSource:
    """Reads /proc.

    Args:
        left_out: asked before each scan for processes of which the scan before says enough, while they are there; of
            a full scan, and of those for which further figures are read, none is left out.

    Attributes:
        unreadable: processes that could not be read in the last scan, because they ended or belong to others.
    """

    def __init__(
        self,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
        wanted: Wanted,
        root: Path = Path("/proc"),
        host: LocalHost | None = None,
        left_out: Callable[[], AbstractSet[int]] = frozenset,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._wanted = wanted
        self._root = f"{root}/"
        self._host = host or LocalHost()
        self._left_out = left_out
        self._watched = procfs.Watched(self._host.outcomes)
        self._tick_s = 1.0 / os.sysconf("SC_CLK_TCK")
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")
        self._boot = psutil.boot_time()
        self._known: dict[str, _Seen] = {}
        self._keep = False
        self._ask_again = False
        self._exclude_own = False
        self.unreadable = 0

    async def scan(self, full: bool) -> ProcessTable:  # noqa: FBT001 - the interface has it
        """Read all processes."""
        at, monotonic = self._wall(), self._monotonic()
        self._watched.refresh()
        rows: dict[int, ProcessRow] = {}
        problem = self._read_all(rows, full=full)
        if not problem and FIRST_PID not in rows:
            problem = HIDDEN
        if self._exclude_own:
            mark_own(rows, self._host)
        return ProcessTable(at=at, monotonic=monotonic, rows=rows, complete=not problem, full=full, problem=problem)

    async def alive(self, pids: Sequence[int]) -> frozenset[int]:
        """Which of some processes are still there."""
        return frozenset(pid for pid in pids if self._lives(pid))

    def update(self, config: DeviceConfig) -> None:
        """Another config asks for other processes, perhaps at another pace."""
        self._ask_again = True
        self._exclude_own = config.exclude_own
        self._keep = config.interval_s <= KEEP_UP_TO_S
        if not self._keep:
            self._close_all()

    async def close(self) -> None:
        """Close what is kept open."""
        self._close_all()
        self._known.clear()

    # --- the scan -----------------------------------------------------------------------------------------------------

    def _read_all(self, rows: dict[int, ProcessRow], *, full: bool) -> str:
        """Read every process; returns why they are not all."""
        self.unreadable = 0
        try:
            names = os.listdir(self._root)  # noqa: PTH208 - a Path for each entry would cost more than the read
        except OSError as error:
            return f"{self._root} cannot be read: {error.strerror or error}"
        known, seen, problem = self._known, {}, ""
        anew, self._ask_again = full or self._ask_again, False
        left_out = frozenset() if anew else self._left_out()
        for name in names:
            one = known.get(name)
            if one is None:
                if not (name.isascii() and name.isdigit()) or len(name) > procfs.MOST_PID_DIGITS:
                    continue
                one = _Seen(int(name))
            elif one.pid in left_out and one.row is not None and not one.wanted:
                seen[name], rows[one.pid] = one, one.row
                continue
            try:
                data = self._stat(one)
                if anew or data != one.data or not data:
                    self._take(one, data, full=full)
            except (OSError, ValueError, IndexError) as error:
                problem = self._unread(one, error) or problem
            row = one.row
            if row is None:
                continue
            seen[name] = one
            if one.wanted:
                row = self._watched.whole(f"{self._root}{one.pid}", row, one.threads, one.vms)
            rows[one.pid] = row
        self._known = seen
        if self._keep or self._host.handles.kept:
            for name in known.keys() - seen.keys():
                self._close(known[name])
        return problem

    def _unread(self, one: _Seen, error: Exception) -> str:
        """Count a process that was not read; what was known of one that is still there stands."""
        self.unreadable += 1
        kind = self._host.outcomes.process(error)
        if kind is Kind.ENDED:
            self._forget(one)
        if kind is not Kind.FAILED:
            return ""
        return f"process {one.pid} cannot be read: {getattr(error, 'strerror', None) or error}"

    def _stat(self, one: _Seen) -> bytes:
        """The stat file of a process; a pid that was used again begins anew."""
        if one.descriptor >= 0:
            try:
                data = os.pread(one.descriptor, procfs.STAT_BYTES, 0)
            except ProcessLookupError:
                self._forget(one)
            else:
                return data
        descriptor = os.open(f"{self._root}{one.pid}/stat", os.O_RDONLY)
        keep = self._keep and one.row is not None and self._host.handles.take()
        try:
            data = os.read(descriptor, procfs.STAT_BYTES)
        finally:
            if keep:
                one.descriptor = descriptor
            else:
                os.close(descriptor)
        return data

    def _take(self, one: _Seen, data: bytes, *, full: bool) -> None:
        """Make a row of what a stat file says."""
        number = procfs.number
        name, fields = procfs.split_stat(data)
        started, stack = number(fields[procfs.STARTED]), fields[procfs.STACK] if len(fields) > procfs.STACK else b""
        status = procfs.STATES.get(fields[procfs.STATE], "running")
        alive = status not in NOT_RUNNING
        same = one.row is not None and started == one.started
        if not same or (alive and (full or name != one.name or stack != one.stack or not one.line)):
            kernel = number(fields[procfs.FLAGS]) & procfs.KERNEL_THREAD
            one.line = "" if kernel else self._arguments(one)
        path, _, parameters = one.line.partition(" ")
        row = ProcessRow(
            pid=one.pid,
            name=name.decode("utf-8", "replace"),
            path=path,
            parameters=parameters,
            started=self._boot + started * self._tick_s,
            cpu_s=(number(fields[procfs.USER_CPU]) + number(fields[procfs.SYSTEM_CPU])) * self._tick_s,
            memory_bytes=max(0, min(number(fields[procfs.RSS]) * self._page_bytes, procfs.MOST_NUMBER)),
            status=status,
            alive=alive,
            parent=number(fields[procfs.PARENT]),
        )
        one.threads, one.vms = number(fields[procfs.THREADS]), number(fields[procfs.VMS])
        one.data, one.started, one.stack, one.name = data, started, stack, name
        one.row, one.wanted = row, alive and self._wanted(row)

    def _arguments(self, one: _Seen) -> str:
        try:
            return procfs.arguments(f"{self._root}{one.pid}")
        except OSError as error:
            self._host.outcomes.part(error)
            return ""

    def _lives(self, pid: int) -> bool:
        try:
            state = procfs.split_stat(procfs.read(f"{self._root}{pid}/stat", procfs.STAT_BYTES))[1][procfs.STATE]
        except (OSError, ValueError):
            return False
        return procfs.STATES.get(state, "running") not in NOT_RUNNING

    # --- files that are kept open -------------------------------------------------------------------------------------

    def _forget(self, one: _Seen) -> None:
        """The process behind a file has ended; another one may have its pid."""
        self._close(one)
        one.row, one.data, one.line, one.wanted = None, b"", "", False

    def _close(self, one: _Seen) -> None:
        if one.descriptor >= 0:
            os.close(one.descriptor)
            one.descriptor = -1
            self._host.handles.give()

    def _close_all(self) -> None:
        for one in self._known.values():
            self._close(one)

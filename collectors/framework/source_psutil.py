"""The process table of this host by psutil: for hosts without /proc, and the witness of `ProcSource`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import psutil
from zope.interface import implementer

from collectors.framework.interfaces import IProcessSource, ProcessRow, ProcessTable
from common.configs import DeviceConfig

NOT_RUNNING = frozenset({"zombie", "dead"})

Wanted = Callable[[ProcessRow], bool]


@implementer(IProcessSource)
class PsutilSource:
    """Asks psutil."""

    def __init__(self, wall: Callable[[], float], monotonic: Callable[[], float], wanted: Wanted) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._wanted = wanted
        self.unreadable = 0

    async def scan(self, full: bool) -> ProcessTable:  # noqa: FBT001 - the interface has it
        """Read all processes."""
        at, monotonic = self._wall(), self._monotonic()
        rows: dict[int, ProcessRow] = {}
        self.unreadable = 0
        for process in psutil.process_iter():
            try:
                with process.oneshot():
                    rows[process.pid] = self._row(process)
            except psutil.Error:
                self.unreadable += 1
        return ProcessTable(at=at, monotonic=monotonic, rows=rows, complete=True, full=full)

    async def alive(self, pids: Sequence[int]) -> frozenset[int]:
        """Which of some processes are still there."""
        return frozenset(pid for pid in pids if psutil.pid_exists(pid))

    def update(self, config: DeviceConfig) -> None:
        """Nothing of a config matters here."""

    async def close(self) -> None:
        """Nothing is held."""

    def _row(self, process: psutil.Process) -> ProcessRow:
        try:
            arguments = [part for part in process.cmdline() if part]
        except (psutil.AccessDenied, psutil.ZombieProcess):
            arguments = []
        times, memory, status = process.cpu_times(), process.memory_info(), process.status()
        row = ProcessRow(
            pid=process.pid,
            name=process.name(),
            path=arguments[0] if arguments else "",
            parameters=" ".join(arguments[1:]),
            started=process.create_time(),
            cpu_s=times.user + times.system,
            memory_bytes=memory.rss,
            status=status,
            alive=status not in NOT_RUNNING,
            parent=process.ppid(),
        )
        if not row.alive or not self._wanted(row):
            return row
        return msgspec.structs.replace(
            row, extra=self._extra(process, memory), user=_user(process), replaced=_replaced(process)
        )

    @staticmethod
    def _extra(process: psutil.Process, memory: object) -> dict[str, int]:
        extra = {"threads": process.num_threads(), "vms": int(getattr(memory, "vms", 0))}
        for name in ("shared", "data"):
            if hasattr(memory, name):
                extra[name] = int(getattr(memory, name))
        with contextlib.suppress(psutil.Error):
            extra["fds"] = process.num_fds()
        return extra


def _user(process: psutil.Process) -> str | None:
    try:
        return process.username()
    except (psutil.Error, KeyError):
        return None


def _replaced(process: psutil.Process) -> bool:
    """Whether its program is gone from disk; one that was put in its place cannot be told."""
    try:
        path = process.exe()
    except psutil.Error:
        return False
    return bool(path) and not Path(path).exists()

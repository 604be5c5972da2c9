"""The process table of this host by psutil: for hosts without /proc, and the witness of `ProcSource`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
import psutil
from zope.interface import implementer

from collectors.framework.interfaces import IProcessSource
from collectors.framework.local.host import LocalHost
from collectors.framework.processtable import ProcessRow, ProcessTable
from common.configs import DeviceConfig

T = TypeVar("T")

NOT_RUNNING = frozenset({"zombie", "dead"})

Wanted = Callable[[ProcessRow], bool]


def mark_own(rows: dict[int, ProcessRow], host: LocalHost) -> None:
    """Say of Tocsin's own daemons that they are."""
    for pid in host.own.among(rows):
        rows[pid] = msgspec.structs.replace(rows[pid], own=True)


@implementer(IProcessSource)
class PsutilSource:
    """Asks psutil.

    Attributes:
        unreadable: as of `ProcSource`.
    """

    def __init__(
        self,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
        wanted: Wanted,
        host: LocalHost | None = None,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._wanted = wanted
        self._host = host or LocalHost()
        self._outcomes = self._host.outcomes
        self._exclude_own = False
        self.unreadable = 0

    async def scan(self, full: bool) -> ProcessTable:  # noqa: FBT001 - the interface has it
        """Read all processes."""
        at, monotonic = self._wall(), self._monotonic()
        rows: dict[int, ProcessRow] = {}
        self.unreadable = 0
        problem = ""
        try:
            pids = psutil.pids()
        except (psutil.Error, OSError) as error:
            pids, problem = [], f"the processes of this host cannot be listed: {error}"
        for pid in pids:
            try:
                process = psutil.Process(pid)  # process_iter would take a pid that was used again for the same process
                with process.oneshot():
                    rows[pid] = self._row(process)
            except (psutil.Error, OSError) as error:
                self.unreadable += 1
                self._outcomes.process(error)
        if self._exclude_own:
            mark_own(rows, self._host)
        return ProcessTable(at=at, monotonic=monotonic, rows=rows, complete=not problem, full=full, problem=problem)

    async def alive(self, pids: Sequence[int]) -> frozenset[int]:
        """Which of some processes are still there."""
        return frozenset(pid for pid in pids if psutil.pid_exists(pid))

    def update(self, config: DeviceConfig) -> None:
        """Take note of whether Tocsin's own daemons count."""
        self._exclude_own = config.exclude_own

    async def close(self) -> None:
        """Nothing is held."""

    def _row(self, process: psutil.Process) -> ProcessRow:
        arguments = [part for part in self._part(process.cmdline) or [] if part]
        times, memory, status = self._part(process.cpu_times), self._part(process.memory_info), process.status()
        row = ProcessRow(
            pid=process.pid,
            name=process.name(),
            path=arguments[0] if arguments else "",
            parameters=" ".join(arguments[1:]),
            started=process.create_time(),
            cpu_s=None if times is None else times.user + times.system,
            memory_bytes=None if memory is None else memory.rss,
            status=status,
            alive=status not in NOT_RUNNING,
            parent=self._part(process.ppid),
        )
        if not row.alive or not self._wanted(row):
            return row
        return msgspec.structs.replace(
            row,
            extra=self._extra(process, memory),
            user=self._part(process.username),
            replaced=_is_gone(self._part(process.exe)),
        )

    def _part(self, read: Callable[[], T]) -> T | None:
        """One thing that is told of a process; None for what cannot be read of one that is there.

        Raises:
            psutil.NoSuchProcess: it has ended.
        """
        try:
            return read()
        except psutil.NoSuchProcess as error:
            if not isinstance(error, psutil.ZombieProcess):
                raise
            self._outcomes.part(error)
        except (psutil.Error, OSError, KeyError) as error:
            self._outcomes.part(error)
        return None

    def _extra(self, process: psutil.Process, memory: object) -> dict[str, int]:
        extra = {}
        for name in ("vms", "shared", "data"):
            if hasattr(memory, name):
                extra[name] = int(getattr(memory, name))
        for name, read in (("threads", process.num_threads), ("fds", getattr(process, "num_fds", None))):
            figure = self._part(read) if read is not None else None
            if figure is not None:
                extra[name] = figure
        return extra


def _is_gone(program: str | None) -> bool:
    """Whether a program is gone from disk; that another one was put in its place cannot be told."""
    return bool(program) and not Path(program or "").exists()

"""How this host is read: files of /proc on Linux, psutil elsewhere."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from collectors.framework.interfaces import IProcessSource
from collectors.framework.local import procfs
from collectors.framework.local.host import LocalHost
from collectors.framework.local.source_psutil import PsutilSource
from collectors.framework.processtable import ProcessRow
from collectors.framework.source_local import ProcSource
from collectors.status.asleep import Asleep
from collectors.status.hostfiles import ProcHost
from collectors.status.hostpsutil import PsutilHost
from collectors.status.processes import ProcessReader, Sizes, Ways

Clock = Callable[[], float]
PROC = Path("/proc")


def has_proc(root: Path = PROC) -> bool:
    """Whether there are files of processes."""
    return (root / "self" / "stat").exists()


def local_host(root: Path = PROC) -> ProcHost | PsutilHost:
    """What tells the figures of this host as a whole."""
    return ProcHost(str(root)) if has_proc(root) else PsutilHost()


def local_processes(wall: Clock, monotonic: Clock, host: LocalHost, root: Path = PROC) -> ProcessReader:
    """Who finds processes of this host by name.

    Args:
        wall: epoch seconds.
        monotonic: seconds of a clock that nobody sets.
        host: what is common to all who read it.
        root: where /proc is.
    """
    if has_proc(root):
        asleep = Asleep()
        source: IProcessSource = ProcSource(wall, monotonic, _nobody, root, host, lambda: asleep.pids)
        return ProcessReader(source, host, proc_ways(str(root)), asleep)
    return ProcessReader(PsutilSource(wall, monotonic, _nobody, host), host, psutil_ways(wall))


def proc_ways(root: str) -> Ways:
    """On Linux."""
    page_bytes = os.sysconf("SC_PAGE_SIZE")
    boot = psutil.boot_time()  # what the source adds to the kernel's count: in whole seconds, and taken away again

    def sizes(pid: int) -> Sizes:
        size, resident, shared = procfs.memory_pages(f"{root}/{pid}")
        return Sizes(resident * page_bytes, size * page_bytes, shared * page_bytes)

    def age_s(row: ProcessRow) -> float:
        return uptime_s() - ((row.started or 0.0) - boot)

    return Ways(
        arguments=lambda pid: procfs.argument_list(f"{root}/{pid}"),
        sizes=sizes,
        affinity=os.sched_getaffinity,
        age_s=age_s,
        memory_bytes=_memory_bytes,
    )


def psutil_ways(wall: Clock) -> Ways:
    """Elsewhere."""

    def sizes(pid: int) -> Sizes:
        told = psutil.Process(pid).memory_info()
        return Sizes(told.rss, told.vms, getattr(told, "shared", None))

    def affinity(pid: int) -> list[int]:
        return list(psutil.Process(pid).cpu_affinity() or [])

    return Ways(
        arguments=lambda pid: psutil.Process(pid).cmdline(),
        sizes=sizes,
        affinity=affinity if hasattr(psutil.Process, "cpu_affinity") else None,
        age_s=lambda row: wall() - (row.started or 0.0),
        memory_bytes=_memory_bytes,
    )


def uptime_s() -> float:
    """Seconds since this host was started, time in sleep included."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.time() - psutil.boot_time()


def _memory_bytes() -> int:
    return psutil.virtual_memory().total


def _nobody(_row: ProcessRow) -> bool:
    return False

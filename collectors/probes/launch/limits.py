"""What a probe may use, and the ties of processes to each other (Linux)."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Self

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
MIB = 1 << 20
LEAST_FILES = 32
"""So many a process that is `alone` needs to begin another one."""
SPARE_BYTES = 64 * MIB
"""So much more than it has a process needs to begin another one."""
MAX_FILE_BYTES = 256 * MIB
"""Of a file that a probe writes: what it notes for the next time is small."""

_prctl: Callable[..., int] | None = None
if sys.platform == "linux":
    with contextlib.suppress(OSError, AttributeError):
        _prctl = ctypes.CDLL(None, use_errno=True).prctl


def take_orphans() -> bool:
    """Have this process be the parent of whatever loses its own among those that descend from it."""
    return _prctl is not None and _prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def end_with_parent(number: signal.Signals) -> None:
    """Have the kernel send this process a signal when its parent is gone."""
    if _prctl is not None:
        _prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)


class Limits:
    """What a probe may use. It begins with these limits, as those that this process has meanwhile.

    So no code of ours has to run between fork and exec, and what this process has need not be copied: vfork(2).

    Args:
        cpu_s: CPU time in seconds.
        memory_mib: address space in MiB.
        files: open files.
        nice: how far it stands back.
    """

    def __init__(self, cpu_s: int, memory_mib: int, files: int, nice: int) -> None:
        self._nice = nice
        self._wanted = {
            which: (_at_most(which, soft), _at_most(which, hard))
            for which, soft, hard in (
                (resource.RLIMIT_CORE, 0, 0),
                (resource.RLIMIT_CPU, cpu_s, cpu_s + 2),
                (resource.RLIMIT_AS, memory_mib * MIB, memory_mib * MIB),
                (resource.RLIMIT_NOFILE, files, files),
                (resource.RLIMIT_FSIZE, MAX_FILE_BYTES, MAX_FILE_BYTES),
            )
        }
        self._before = {which: resource.getrlimit(which) for which in self._wanted}

    def __enter__(self) -> Self:
        """Have what begins now begin with them."""
        # What this process needs meanwhile may be more; `close` sets that right.
        least = {resource.RLIMIT_NOFILE: LEAST_FILES, resource.RLIMIT_AS: _address_space_bytes() + SPARE_BYTES}
        for which, (soft, _) in self._wanted.items():
            hard = self._before[which][1]
            wanted = max(soft, least.get(which, 0))
            resource.setrlimit(which, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
        return self

    def __exit__(self, *_: object) -> None:
        """Be as before."""
        for which, before in self._before.items():
            resource.setrlimit(which, before)

    def close(self, pid: int) -> None:
        """Have a process that has begun with them not raise them again."""
        with contextlib.suppress(OSError):  # it has ended, or runs with the rights of another user
            os.setpriority(os.PRIO_PROCESS, pid, min(19, os.getpriority(os.PRIO_PROCESS, 0) + self._nice))
        with contextlib.suppress(OSError):
            for which, wanted in self._wanted.items():
                resource.prlimit(pid, which, wanted)


def alone(*keep: int) -> None:
    """Have this process hold no files but the standard ones and these: what others wait for, it does not hold up."""
    first = 3
    for descriptor in sorted(keep):
        os.closerange(first, descriptor)
        first = descriptor + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))


def _address_space_bytes() -> int:
    """What counts against the limit of this process."""
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - at each start of a probe
        return int(file.read().split()[0]) * resource.getpagesize()


def _at_most(which: int, wanted: int) -> int:
    """What is wanted, or what may be had."""
    most = resource.getrlimit(which)[1]
    return wanted if most == resource.RLIM_INFINITY else min(wanted, most)

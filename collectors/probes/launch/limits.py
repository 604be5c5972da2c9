"""What a probe may use, set in its own process before its program begins (Linux)."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
MIB = 1 << 20

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


def limited(cpu_s: int, memory_mib: int, files: int, nice: int) -> Callable[[], None]:
    """What sets these limits; called between fork and exec, as the probe's user."""
    wanted = (
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_CPU, cpu_s, cpu_s + 2),
        (resource.RLIMIT_AS, memory_mib * MIB, memory_mib * MIB),
        (resource.RLIMIT_NOFILE, files, files),
    )

    def set_limits() -> None:
        end_with_parent(signal.SIGKILL)
        os.nice(nice)
        for which, soft, hard in wanted:
            most = resource.getrlimit(which)[1]
            bound = most if most != resource.RLIM_INFINITY else hard
            resource.setrlimit(which, (min(soft, bound), min(hard, bound)))

    return set_limits

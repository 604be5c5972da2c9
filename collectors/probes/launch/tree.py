"""All that descends from a process, ended (Linux).

Whatever the probe forks, and whatever leaves its session or its parent, descends from the process beside it, which
takes orphans in: nothing gets away.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time

STEP_S = 0.01
END_S = 3.0
MAX_SEEN = 20_000


def descendants(pid: int) -> set[int]:
    """Pids of all that descend from a process, zombies included."""
    found: set[int] = set()
    waiting = [pid]
    while waiting and len(found) < MAX_SEEN:
        for child in _children(waiting.pop()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - it is called often
            with open(f"/proc/{pid}/task/{task}/children", "rb") as file:  # noqa: PTH123 - the same
                found += map(int, file.read().split())
    except OSError:  # it is gone
        pass
    return found


def reap() -> bool:
    """Take the exit status of whatever has ended among the children of this process; whether others are left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def end_all(grace_s: float) -> tuple[int, int]:
    """End all that descends from this process; returns how many there were, and how many could not be ended.

    Args:
        grace_s: from SIGTERM to SIGKILL.
    """
    me = os.getpid()
    if not reap():
        return 0, 0
    there = descendants(me)
    seen = set(there)
    if there:
        _send(there, signal.SIGTERM)
        _send(there, signal.SIGCONT)
    deadline = time.monotonic() + grace_s
    while there and time.monotonic() < deadline:
        time.sleep(STEP_S)
        reap()
        there = descendants(me)
        seen |= there
    deadline = time.monotonic() + END_S
    while there and time.monotonic() < deadline:
        _send(there, signal.SIGSTOP)  # what stands still forks no more
        _send(descendants(me), signal.SIGKILL)
        time.sleep(STEP_S)
        reap()
        there = descendants(me)
        seen |= there
    return len(seen), len(there)


def end_strays(known: set[int]) -> None:
    """End those children of this process that are not known, with all that descends from them."""
    for _ in range(100):
        strays = {pid for pid in _children(os.getpid()) if pid not in known}
        if not strays:
            return
        for pid in list(strays):
            strays |= descendants(pid)
        _send(strays, signal.SIGKILL)
        time.sleep(STEP_S)
        for pid in strays:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _send(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, number)

"""Looking at what runs: until something is so, and how much memory it has."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.task import deferLater

POLL_S = 0.02


def memory_mib(pid: int) -> float:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


async def until(reactor: Any, what: str, check: Callable[[], Any], within_s: float = 90.0) -> Any:
    """Look again and again until something is so; give what was seen.

    Raises:
        AssertionError: it was not so in time.
    """
    deadline = time.monotonic() + within_s
    while True:
        seen = check()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {within_s} s")
        await deferLater(reactor, POLL_S, lambda: None)

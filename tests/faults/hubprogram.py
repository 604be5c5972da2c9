"""tocsin-hub as it is, with a watch on its event loop.

Each line of the file `loop` in its folder is a quarter of a second: when it ended by the monotonic clock, the longest
time for which the loop was late by the wall, and the longest by the CPU time of its thread. The second is free of what
other processes take.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import msgspec
from twisted.internet.task import LoopingCall

from common.daemon import main as run_program
from hub.app import PROGRAM, make_service
from hub.life import Life
from hub.settings import HubSettings

TICK_S = 0.01
LINE_S = 0.25


class Watch:
    """Ticks, and writes how late the ticks were."""

    def __init__(self, reactor: Any, path: Any) -> None:
        self._file = path.open("a", buffering=1)
        self._loop = LoopingCall(self._tick)
        self._loop.clock = reactor
        self._wall, self._cpu = time.monotonic(), time.thread_time()
        self._late = self._busy = 0.0
        self._due = self._wall + LINE_S

    def start(self) -> None:
        """Begin."""
        self._wall, self._cpu = time.monotonic(), time.thread_time()
        self._loop.start(TICK_S, now=False)

    def _tick(self) -> None:
        wall, cpu = time.monotonic(), time.thread_time()
        late = max(0.0, wall - self._wall - TICK_S)
        self._late = max(self._late, late)
        self._busy = max(self._busy, min(late, cpu - self._cpu))
        self._wall, self._cpu = wall, cpu
        if wall >= self._due:
            self._file.write(f"{wall:.3f} {self._late:.4f} {self._busy:.4f}\n")
            self._late = self._busy = 0.0
            self._due = wall + LINE_S


def watched(settings: HubSettings, reactor: Any) -> Life:
    """Make the hub's service, and begin to watch when the reactor runs."""
    service = make_service(settings, reactor)
    reactor.callWhenRunning(Watch(reactor, settings.folder / "loop").start)
    return service


if __name__ == "__main__":
    sys.exit(run_program(msgspec.structs.replace(PROGRAM, make_service=watched)))

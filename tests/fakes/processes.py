# mypy: allow-untyped-calls
"""A reactor whose processes do nothing but what a test says."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ProcessTerminated
from twisted.internet.task import Clock
from twisted.python.failure import Failure


class FakeProcess:
    def __init__(self, protocol: Any, pid: int) -> None:
        self.protocol, self.pid = protocol, pid
        self.written: list[bytes] = []
        self.signals: list[str] = []
        self.dies = True

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def signalProcess(self, name: str) -> None:
        self.signals.append(name)
        if self.dies:
            self.ends()

    def ends(self) -> None:
        self.protocol.processEnded(Failure(ProcessTerminated(signal=9)))

    def says(self, data: bytes) -> None:
        self.protocol.outReceived(data)


class FakeReactor(Clock):
    def __init__(self) -> None:
        super().__init__()
        self.started: list[FakeProcess] = []

    def spawnProcess(self, protocol: Any, *_arguments: Any, **_options: Any) -> FakeProcess:
        self.started.append(FakeProcess(protocol, 100 + len(self.started)))
        return self.started[-1]

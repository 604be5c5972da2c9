"""Tasks and a collector whose runs end when a test says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import implementer

from collectors.framework.interfaces import ICollector, ITask
from common.configs import DeviceConfig, SourceKind
from common.errors import NotFoundError, PermanentError
from common.queries import Decision, Done, ProcessesQuery, Query, Result


def config(device: str = "web1", interval_s: int = 60, **fields: Any) -> DeviceConfig:
    return DeviceConfig(device=device, address="192.0.2.7", source=SourceKind.SNMP, interval_s=interval_s, **fields)


@implementer(ITask)
class FakeTask:
    """Notes its runs; `behave` is what a run does, a Deferred in `hold` is waited for, by a `stubborn` one for ever."""

    def __init__(self, name: str = "process:web1", interval_s: int = 60, timeout_s: float = 50.0) -> None:
        self.name = name
        self.interval_s = interval_s
        self.timeout_s = timeout_s
        self.lane = ""
        self.rests = False
        self.slots: list[int] = []
        self.hold: Deferred[None] | None = None
        self.behave: Callable[[int], Any] = lambda _: None
        self.stubborn = False
        self.closed = 0
        self.cancelled = 0
        self.config: DeviceConfig | None = None
        self.update_fails: Exception | None = None

    async def run(self, slot: int) -> None:
        self.slots.append(slot)
        if self.hold is not None:
            try:
                await self.hold
            except BaseException:
                self.cancelled += 1
                if self.stubborn:
                    await Deferred()
                raise
        self.behave(slot)

    def update(self, config: DeviceConfig) -> None:
        if self.update_fails is not None:
            raise self.update_fails
        self.config = config
        self.interval_s = config.interval_s

    async def close(self) -> None:
        self.closed += 1


@implementer(ICollector)
class FakeCollector:
    """Makes fake tasks; a config whose address is `bad` is refused, one whose address is `bug` is a defect.

    While `makes_none` is set, no task can be made, and none ever of one whose address is `nomake`.
    """

    def __init__(self) -> None:
        self.tasks: dict[str, FakeTask] = {}
        self.forgotten: list[str] = []
        self.makes_none = False
        self.decisions: list[Decision] = []

    def validate(self, config: DeviceConfig) -> None:
        if config.address == "bad":
            raise PermanentError(f"{config.device}: address bad cannot be")
        if config.address == "bug":
            raise ZeroDivisionError("division by zero")

    def make_task(self, config: DeviceConfig) -> FakeTask:
        if self.makes_none or config.address == "nomake":
            raise PermanentError(f"{config.device}: no task can be made")
        task = FakeTask(f"process:{config.device}", config.interval_s)
        task.config = config
        self.tasks[config.device] = task
        return task

    def forget(self, device: str) -> None:
        self.forgotten.append(device)

    def decided(self, decision: Decision) -> bool:
        self.decisions.append(decision)
        return decision.device in self.tasks

    def listening(self) -> tuple[int, int]:
        return 0, 0

    def services(self) -> Sequence[Any]:
        return ()

    def figures(self) -> dict[str, Any]:
        return {}

    async def answer(self, query: Query) -> Result:
        if isinstance(query, ProcessesQuery):
            return Done(7)
        raise NotFoundError("not ours")

    async def once(self, config: DeviceConfig, *, show_processes: bool, show_tables: bool) -> list[str]:
        return [f"once {config.device} {show_processes} {show_tables}"]

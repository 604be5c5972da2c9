"""A collector whose tasks count their runs, and say each number in an event: nothing may be lost, nothing doubled.

Worker processes find it as any other. A config's address says what a run does: `die` kills the process when a task
takes it, and in any run after the first, `hang` holds it up, `error` is a defect, `silent` is one that does not answer;
with `nomake` there cannot be a task, with `once` there cannot be another one, and `bad` is no config.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from typing import Any

from zope.interface import implementer

from collectors.framework.daemonsettings import SharedSettings
from collectors.framework.interfaces import CollectorContext, CollectorSpec, ICollector, ITask
from collectors.framework.networks import SILENT
from common.configs import DeviceConfig
from common.errors import NotFoundError, PermanentError
from common.events import CLASS_PROCESS, Detail, Event, Severity
from common.queries import Decision, Processes, ProcessesQuery, Query, Result, Sets, SetsQuery
from common.roll import DeviceScan, Process, SetState, SetStatus
from common.series import Layout, Point, Sample, SeriesKey

KEY = "counted"
LAYOUT = Layout(points=(Point(name="runs"),), step_s=1)


def state_key(device: str) -> str:
    return f"counting:{device}"


@implementer(ITask)
class CountingTask:
    rests = False
    timeout_s = 3000.0

    def __init__(self, config: DeviceConfig, context: CollectorContext) -> None:
        self.name = f"counting:{config.device}"
        self.config = config
        self.context = context
        self.count = int(context.states.load(state_key(config.device)) or b"0")
        self.decisions = 0

    @property
    def lane(self) -> str:
        return SILENT if self.config.address == "silent" else ""

    @property
    def interval_s(self) -> int:
        return self.config.interval_s

    async def run(self, slot: int) -> None:
        if self.config.address == "die" and self.count:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.config.address == "hang" and self.count:
            (self.context.data_dir / "hangs").touch()
            time.sleep(600)  # noqa: ASYNC251 - that is what it is for
        self.context.on_problem("its files cannot be written" if self.config.address == "full" else "")
        if self.config.address == "error":
            raise KeyError("pid")
        count = self.count + 1
        device = self.config.device
        details: dict[str, Detail] = {"hub": self.context.hub_epoch(), "decisions": self.decisions}
        if taught := self.context.lessons.take(device):
            details["taught"] = [learned.begun for learned in taught]
        event = Event(
            device=device,
            component=self.config.address,
            event_class=CLASS_PROCESS,
            event_key=KEY,
            severity=Severity.INFO,
            summary=f"{count}",
            at=self.context.wall(),
            details=details,
        )
        await self.context.events.send([event], state_key(device), str(count).encode())
        self.count = count
        sample = Sample(
            key=SeriesKey(device, "it", "counting"), layout=LAYOUT, at=int(self.context.wall()), values={"runs": count}
        )
        self.context.samples.write([sample])

    def update(self, config: DeviceConfig) -> None:
        self.config = config
        if config.address == "die":  # before the worker can say that the config is live
            os.kill(os.getpid(), signal.SIGKILL)

    async def close(self) -> None:
        pass


@implementer(ICollector)
class CountingCollector:
    def __init__(self, context: CollectorContext) -> None:
        self.context = context
        self.tasks: dict[str, CountingTask] = {}

    def validate(self, config: DeviceConfig) -> None:
        if config.address == "bad":
            raise PermanentError(f"{config.device}: address bad cannot be")

    def make_task(self, config: DeviceConfig) -> CountingTask:
        has_run = self.context.states.load(state_key(config.device)) is not None
        if config.address == "nomake" or (config.address == "once" and has_run):
            raise PermanentError(f"{config.device}: no task can be made")
        task = self.tasks[config.device] = CountingTask(config, self.context)
        return task

    def forget(self, device: str) -> None:
        self.tasks.pop(device, None)
        self.context.states.forget(state_key(device))

    def decided(self, decision: Decision) -> bool:
        if decision.event_key != KEY:
            return False
        if decision.device in self.tasks:
            self.tasks[decision.device].decisions += 1
        return True

    async def answer(self, query: Query) -> Result:
        """The process that has the device, and how often its task has run."""
        if isinstance(query, ProcessesQuery):
            task = self._task(query.device)
            row = Process(
                pid=os.getpid(), set=None, name=task.config.address, command=f"{task.count} {task.decisions}",
                started_at=None, cpu_percent=None, memory_bytes=None, state="running",
            )  # fmt: skip
            return Processes(at=None, rows=[row], more=False)
        if isinstance(query, SetsQuery):
            names = [name for name in sorted(query.devices or self.tasks) if name > query.after]
            page = [self._task(name) for name in names[: query.limit]]
            return Sets(
                sets=[self._status(task) for task in page],
                scans=[
                    DeviceScan(device=task.config.device, at=None, processes=0, duration_s=0.0, problem="")
                    for task in page
                ],
                more=len(names) > len(page),
            )
        raise NotFoundError(f"{type(query).__name__} is not for it")

    async def once(self, config: DeviceConfig, *, show_processes: bool, show_tables: bool) -> list[str]:
        return [config.device]

    def listening(self) -> tuple[int, int]:
        return 0, 0

    def services(self) -> Sequence[Any]:
        return ()

    def figures(self) -> dict[str, Any]:
        return {"counted": sum(task.count for task in self.tasks.values()), "kind": "counting"}

    def _task(self, device: str) -> CountingTask:
        if device not in self.tasks:
            raise NotFoundError(f"device {device} is not collected here")
        return self.tasks[device]

    @staticmethod
    def _status(task: CountingTask) -> SetStatus:
        return SetStatus(
            device=task.config.device, set="it", definition="it", state=SetState.UP, count=task.count, pids=(),
            cpu_percent=None, memory_bytes=None, restarts=0, since=0.0,
        )  # fmt: skip


SPEC = CollectorSpec(
    service="counting",
    program="tocsin-counting",
    title="A test",
    make_collector=CountingCollector,
    settings_type=SharedSettings,
    found_at="tests.fakes.counting:SPEC",
)

"""The tasks of all devices in this process: the collector makes them, the scheduler runs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from collectors.framework.alarms import TaskAlarms
from collectors.framework.chain import Chain
from collectors.framework.interfaces import CollectorContext, CollectorSpec, ICollector, IManyTasks, ITask, Refreshed
from collectors.framework.judging.baselines import Learned, Lessons
from collectors.framework.networks import SILENT
from collectors.framework.observing import Observer
from collectors.framework.running.interfaces import IRunner, Ran, Totals
from collectors.framework.scheduler import Scheduler
from collectors.framework.task import TaskRecord
from common.configs import DeviceConfig
from common.errors import PermanentError
from common.queries import Decision, Query, Result

MAX_REASON = 1000

_log = Logger()


@implementer(IRunner)
class InProcess(Chain):
    """Joins a collector, the scheduler of its tasks, and what watches over these (see `IRunner`)."""

    def __init__(
        self, collector: ICollector, scheduler: Scheduler, alarms: TaskAlarms, lessons: Lessons | None = None
    ) -> None:
        self._lessons = lessons or Lessons()
        self._collector = collector
        self._scheduler = scheduler
        self._alarms = alarms
        self._tasks: dict[str, tuple[str, ...]] = {}  # device -> names of its tasks
        self._many: Any = collector if IManyTasks.providedBy(collector) else None
        self._configs: dict[str, DeviceConfig] = {}
        self._paused: set[str] = set()
        super().__init__([*collector.services(), scheduler])

    def refusal(self, config: DeviceConfig) -> str:
        """Why a config cannot be run; empty when it can."""
        return why_not(self._collector, config)

    def has(self, device: str) -> bool:
        """Whether a device has a task."""
        return device in self._tasks

    async def away(self, _devices: Iterable[str]) -> frozenset[str]:
        """None: this process is here."""
        return frozenset()

    async def run(self, configs: Sequence[DeviceConfig]) -> Ran:
        """Run by these configs from now on."""
        refused: dict[str, str] = {}
        for config in configs:
            reason = await self._run(config)
            if reason:
                refused[config.device] = reason
        return Ran(refused)

    def pause(self, devices: Iterable[str]) -> None:
        """Leave these out until they are run again; a run that is under way ends."""
        for device in devices:
            self._paused.add(device)
            for name in self._tasks.get(device, ()):  # none of one whose task could not be made anew
                try:
                    self._scheduler.pause(name)
                except Exception:  # noqa: BLE001 - the supervisor of collectors: the others must pause all the same
                    _log.failure("defect while {name} was paused", name=name)

    async def remove(self, devices: Iterable[str]) -> None:
        """End the tasks of devices that have left, and drop what is kept of these."""
        for device in devices:
            self._configs.pop(device, None)
            self._paused.discard(device)
            self._lessons.take(device)
            for name in self._tasks.pop(device, ()):
                await self._scheduler.remove(name)
                self._alarms.forget(name)
            forget(self._collector, device)

    def run_now(self, devices: Iterable[str]) -> int:
        """Run these out of turn; returns how many there are."""
        here = [device for device in devices if device in self._tasks]
        self._scheduler.run_now(name for device in here for name in self._tasks[device])
        return len(here)

    def refresh_soon(self, device: str) -> None:
        """Ask the collector anew for the tasks of a device, by the config that it has."""
        config = self._configs.get(device)
        if config is None or not self._many or device in self._paused:
            return
        asked = Deferred.fromCoroutine(self._refresh(config, config))
        asked.addErrback(lambda failure: _log.failure("defect while {device} was asked anew", failure, device=device))

    def decided(self, decision: Decision) -> bool:
        """Take note of what an operator made of an alarm; False when that is not of a task."""
        names = self._tasks.get(decision.device, ())
        return self._alarms.decided(decision, names) or self._collector.decided(decision)

    def learned(self, lessons: Mapping[str, Sequence[Learned]]) -> None:
        """Lay down for their tasks what is new of the baselines of devices."""
        for device, learned in lessons.items():
            if device in self._tasks:
                self._lessons.put(device, learned)

    async def answer(self, query: Query) -> Result:
        """Answer what only the collector knows."""
        return await self._collector.answer(query)

    def totals(self) -> Totals:
        """How the tasks fare."""
        listening, deaf = self._collector.listening()
        return Totals(
            tasks=len(self._scheduler.names()),
            running=self._scheduler.running_tasks,
            waiting=self._scheduler.queued_tasks,
            late_runs=self._scheduler.late_runs,
            failed_runs=self._scheduler.failed_runs,
            silent=self._scheduler.tasks_in(SILENT),
            listening=listening,
            deaf=deaf,
        )

    async def figures(self) -> dict[str, Any]:
        """Figures of the collector, and of each task."""
        return {**self._collector.figures(), "task_list": self._scheduler.figures()}

    def under_way(self) -> list[str]:
        """Names of the tasks whose runs are under way."""
        return self._scheduler.names_running()

    def debug(self, *, on: bool) -> None:
        """There are no other processes."""

    # --- one device ---------------------------------------------------------------------------------------------------

    async def _run(self, config: DeviceConfig) -> str:
        """Run one; returns why it cannot be."""
        device = config.device
        before, self._configs[device] = self._configs.get(device), config
        was_paused = device in self._paused
        self._paused.discard(device)
        names = self._tasks.get(device)
        for name in names or ():
            if was_paused:
                self._scheduler.resume(name)
        if self._many is not None:
            reason = await self._refresh(config, before) if names is None or before != config else ""
            if reason and was_paused:
                self.pause([device])
            return reason
        if not names:
            return self._start(config)
        return await self._update(names[0], config) if before != config else ""

    async def _refresh(self, config: DeviceConfig, before: DeviceConfig | None) -> str:
        """Have a device that may have many tasks go by a config; returns why it cannot, when all is as before."""
        device = config.device
        try:
            wanted: Refreshed = self._many.refresh(config)
        except Exception as error:  # noqa: BLE001 - as above
            if not isinstance(error, PermanentError):
                _log.failure("defect while the tasks of {device} were made", device=device)
            if before is None:
                del self._configs[device]
            else:
                self._configs[device] = before
            return str(error)[:MAX_REASON] if isinstance(error, PermanentError) else defect(error)
        names = self._tasks.get(device, ())
        added = [task.name for task in wanted.added]
        self._tasks[device] = (*(name for name in names if name not in wanted.gone), *added)
        for task in wanted.added:
            self._scheduler.add(task, device)
        for name in wanted.changed:
            self._scheduler.update(name, config)
        # All at once: one that is slow to end must not leave the others running, in the way of new ones of their names.
        for name, removed in [(name, Deferred.fromCoroutine(self._scheduler.remove(name))) for name in wanted.gone]:
            await removed
            if name not in self._tasks.get(device, ()):
                self._alarms.end(name, device)
        return ""

    def _start(self, config: DeviceConfig) -> str:
        """Make a task and have it scheduled; returns why it cannot be made."""
        try:
            task: ITask = self._collector.make_task(config)
        except PermanentError as error:
            reason = str(error)[:MAX_REASON]
        except Exception as error:  # noqa: BLE001 - as above
            _log.failure("defect while the task of {device} was made", device=config.device)
            reason = defect(error)
        else:
            self._scheduler.add(task, config.device)
            self._tasks[config.device] = (task.name,)
            return ""
        self._configs.pop(config.device, None)
        return reason

    async def _update(self, name: str, config: DeviceConfig) -> str:
        """Give a task another config; returns why none can be made of it."""
        device = config.device
        try:
            self._scheduler.update(name, config)
        except Exception:  # noqa: BLE001 - as above; a task that cannot change is replaced by a new one
            _log.failure("defect while {name} took its new config; it starts anew", name=name)
        else:
            return ""
        del self._tasks[device]
        await self._scheduler.remove(name)
        if device in self._paused or self._configs.get(device) is not config:
            return ""  # its lease has ended meanwhile
        return self._start(config)


def why_not(collector: ICollector, config: DeviceConfig) -> str:
    """Why a collector will not run a config; empty when it will."""
    try:
        collector.validate(config)
    except PermanentError as error:
        return str(error)[:MAX_REASON]
    except Exception as error:  # noqa: BLE001 - the supervisor of collectors: a defect must not stop the others
        _log.failure("defect while a config of {device} was judged", device=config.device)
        return defect(error)
    return ""


def forget(collector: ICollector, device: str) -> None:
    """Have a collector drop what it keeps of a device."""
    try:
        collector.forget(device)
    except Exception:  # noqa: BLE001 - as above
        _log.failure("defect while {device} was forgotten", device=device)


def defect(error: Exception) -> str:
    """An error that nobody foresaw, as a sentence."""
    return f"an error of ours: {type(error).__name__}: {error}"[:MAX_REASON]


def in_process(spec: CollectorSpec, context: CollectorContext, limit: int, observe: Observer) -> InProcess:
    """Join what runs the tasks of a kind of collector in this process.

    At most `limit` of them run at the same time; `observe` sees every change of every task.
    """
    scheduler: Scheduler
    runner: InProcess
    context = msgspec.structs.replace(
        context,
        run_soon=lambda task: scheduler.run_now([task]),
        refresh_soon=lambda device: runner.refresh_soon(device),  # noqa: PLW0108 - the runner comes later
    )
    collector = spec.make_collector(context)
    alarms = TaskAlarms(context.events, context.states, spec.failure_class, context.wall)

    def observer(record: TaskRecord, what: str, old: object, new: object) -> None:
        alarms.observe(record, what, old, new)
        observe(record, what, old, new)

    lane_limit = context.networks.limit
    scheduler = Scheduler(context.clock, context.wall, limit=limit, lane_limit=lane_limit, observer=observer)
    runner = InProcess(collector, scheduler, alarms, context.lessons)
    return runner

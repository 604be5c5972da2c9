"""The tasks of devices in worker processes: a device belongs to one worker, for as long as their number is the same.

The daemon keeps everything that must be one: configs, spools, the session with the hub. What a task says goes through a
pipe into them, so a worker that is killed loses nothing that was said, and the one after it goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from zope.interface import implementer

from collectors.framework import alarms
from collectors.framework.interfaces import CollectorContext, CollectorSpec
from collectors.framework.judging.baselines import Learned
from collectors.framework.running.clerk import Desk
from collectors.framework.running.inprocess import forget, why_not
from collectors.framework.running.interfaces import IRunner, Ran, Totals
from collectors.framework.running.merging import merged_figures, merged_sets, unanswered
from collectors.framework.running.messages import Begin, Debug, Epoch, RunNow, Taught, Told
from collectors.framework.running.patience import LOOK_S, Patience
from collectors.framework.running.settings import share, write_settings
from collectors.framework.running.workerprocess import WorkerProcess, arguments
from common.configs import DeviceConfig
from common.errors import NotFoundError, TocsinError, TransientError
from common.queries import Decision, EvidenceQuery, Query, Result, Sets, SetsQuery
from common.rendezvous import Rendezvous

_log = Logger()


@implementer(IRunner)
class Sharded(Service):
    """Shares the devices out among worker processes (see `IRunner`).

    Args:
        count: of workers.
        context: of the daemon's collector, which judges configs and runs nothing.
        settings: of the daemon.
        on_runs: told how many runs have ended, their time together, and that of the longest.
        on_problem: told a sentence when workers ail, and "" when all are well.
        on_refused: told which devices a worker that was started again cannot run any more, and why.
    """

    def __init__(
        self,
        count: int,
        spec: CollectorSpec,
        context: CollectorContext,
        settings: Any,
        *,
        on_runs: Callable[[int, float, float], None],
        on_problem: Callable[[str], None],
        on_refused: Callable[[Mapping[str, str]], None],
        patience: Patience | None = None,
    ) -> None:
        self._spec = spec
        self._context = context
        self._collector = spec.make_collector(context)
        self._settings = settings
        self._on_problem = on_problem
        self._on_refused = on_refused
        self._epoch = ""
        self._debug = False
        desk = Desk(
            spool=context.events,
            samples=context.samples,
            send_model=context.send_model,
            begin=self._begin,
            on_change=self._changed,
            on_refused=self._refused,
            on_runs=on_runs,
        )
        started_with = arguments(spec.found_at, context.data_dir, settings.reactor)
        clock: IReactorTime = context.clock
        self._patience = patience = patience or Patience()
        made = [
            WorkerProcess(context.reactor, clock, number, started_with, desk, patience)
            for number in range(1, count + 1)
        ]
        self.workers = {worker.name: worker for worker in made}
        self._shares = Rendezvous(self.workers)
        self._owners: dict[str, WorkerProcess] = {}
        self._looks = LoopingCall(self._look)
        self._looks.clock = clock

    # --- service ------------------------------------------------------------------------------------------------------

    def startService(self) -> None:
        """Start the workers."""
        super().startService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        _log.info("{count} workers share the devices", count=len(self.workers))
        for worker in self.workers.values():
            worker.start()
        self._looks.start(LOOK_S, now=False).addErrback(lambda failure: _log.failure("workers", failure))

    def stopService(self) -> Deferred[None]:
        """Let all end their tasks, have kept what these said, and end them."""
        super().stopService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        if self._looks.running:
            self._looks.stop()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        await gatherResults([Deferred.fromCoroutine(worker.stop()) for worker in self.workers.values()])

    # --- configs ------------------------------------------------------------------------------------------------------

    def refusal(self, config: DeviceConfig) -> str:
        """Why a config cannot be run; empty when it can."""
        return why_not(self._collector, config)

    def has(self, device: str) -> bool:
        """Whether a worker has the device."""
        return device in self._owners

    async def away(self, devices: Iterable[str]) -> frozenset[str]:
        """Those whose worker is not there, and does not come back within seconds."""
        parts = self._parts(devices)
        there = await gatherResults([Deferred.fromCoroutine(worker.comes_back()) for worker in parts])
        return frozenset(
            device for is_there, part in zip(there, parts.values(), strict=True) if not is_there for device in part
        )

    async def run(self, configs: Sequence[DeviceConfig]) -> Ran:
        """Have these run by their workers."""
        by_device = {config.device: config for config in configs}
        parts = self._parts(by_device)
        self._owners.update((device, worker) for worker, part in parts.items() for device in part)
        ran: list[Ran] = await gatherResults(
            [
                Deferred.fromCoroutine(worker.run([by_device[device] for device in part]))
                for worker, part in parts.items()
            ]
        )
        refused = {device: reason for one in ran for device, reason in one.refused.items()}
        for device in refused:
            self._owners.pop(device, None)
        return Ran(refused, frozenset().union(*(one.late for one in ran)))

    def pause(self, devices: Iterable[str]) -> None:
        """Have these left out."""
        for worker, part in self._parts(devices).items():
            worker.pause(part)

    async def remove(self, devices: Iterable[str]) -> None:
        """Have their workers end with these; what is kept of them goes also when a worker is not there."""
        parts = self._parts(devices)
        for part in parts.values():
            self._shares.forget(part)
            for device in part:
                self._owners.pop(device, None)
        done = await gatherResults([Deferred.fromCoroutine(worker.remove(part)) for worker, part in parts.items()])
        for is_done, part in zip(done, parts.values(), strict=True):
            if not is_done:
                for device in part:
                    forget(self._collector, device)

    def run_now(self, devices: Iterable[str]) -> int:
        """Have these run out of turn."""
        parts = self._parts(device for device in devices if device in self._owners)
        for worker, part in parts.items():
            worker.say(RunNow(part))
        return sum(map(len, parts.values()))

    def decided(self, decision: Decision) -> bool:
        """Hand on what an operator made of an alarm, if a task has raised it."""
        is_task = (decision.event_class, decision.event_key) == (self._spec.failure_class, alarms.KEY)
        if not is_task and not self._collector.decided(decision):
            return False
        self._tell_epoch()  # first: alarms of another store are forgotten before anything is decided about them
        if decision.device in self._owners:
            self._owners[decision.device].decided(decision)
        return True

    def learned(self, lessons: Mapping[str, Sequence[Learned]]) -> None:
        """Hand on what is new of the baselines of devices."""
        for worker, part in self._parts(device for device in lessons if device in self._owners).items():
            worker.say(Taught({device: list(lessons[device]) for device in part}))

    # --- questions ----------------------------------------------------------------------------------------------------

    async def answer(self, query: Query) -> Result:
        """Have the worker answer that has the device; a page of sets is made of those of all."""
        if isinstance(query, SetsQuery):
            return await self._sets(query)
        device = getattr(query, "device", None)
        if not isinstance(device, str) or isinstance(query, EvidenceQuery):  # files that outlive the device here
            answer: Result = await self._collector.answer(query)
            return answer
        worker = self._owner(device)
        if device not in self._owners:
            self._shares.forget([device])
        return await worker.answer(query)  # files of one that has left may still be there

    async def _sets(self, query: SetsQuery) -> Sets:
        strangers = [device for device in query.devices if device not in self._owners]
        if strangers:
            raise NotFoundError(f"device {strangers[0]} is not collected here")
        parts = self._parts(query.devices or self._owners)
        answers = [Deferred.fromCoroutine(self._sets_of(worker, part, query)) for worker, part in parts.items()]
        return merged_sets(query, await gatherResults(answers))

    async def _sets_of(self, worker: WorkerProcess, devices: list[str], query: SetsQuery) -> Sets:
        """The page of one worker; one that does not answer costs its own devices alone."""
        try:
            answer = await worker.answer(msgspec.structs.replace(query, devices=devices if query.devices else []))
        except TransientError as error:
            return unanswered(query, devices, error.message)
        return answer if isinstance(answer, Sets) else Sets(sets=[], scans=[], more=False)

    def totals(self) -> Totals:
        """How the tasks of all workers fare."""
        found = [worker.totals for worker in self.workers.values()]
        return Totals(**{name: sum(getattr(one, name) for one in found) for name in Totals.__struct_fields__})

    async def figures(self) -> dict[str, Any]:
        """Figures of all workers as those of one daemon, and what each worker is."""
        workers = list(self.workers.values())
        told = await gatherResults([Deferred.fromCoroutine(self._figures_of(worker)) for worker in workers])
        found = [one for one in told if isinstance(one, Told)]
        return {
            **merged_figures([msgspec.json.decode(one.others) for one in found]),
            "workers": [
                _row(worker, one if isinstance(one, str) else "") for worker, one in zip(workers, told, strict=True)
            ],
            "task_list": [task for one in found for task in one.tasks],
        }

    async def _figures_of(self, worker: WorkerProcess) -> Told | str:
        """What it tells, or why it does not."""
        try:
            return await worker.tell()
        except TocsinError as error:
            return f"figures of its tasks are missing: {error}"

    def under_way(self) -> list[str]:
        """None: others run them."""
        return []

    def debug(self, *, on: bool) -> None:
        """Have workers say debug messages, too, or no more."""
        self._debug = on
        for worker in self.workers.values():
            worker.say(Debug(on))

    # --- parts --------------------------------------------------------------------------------------------------------

    def _owner(self, device: str) -> WorkerProcess:
        return self.workers[self._shares.owner_of(device)]

    def _parts(self, devices: Iterable[str]) -> dict[WorkerProcess, list[str]]:
        parts: dict[WorkerProcess, list[str]] = {}
        for device in devices:
            parts.setdefault(self._owner(device), []).append(device)
        return parts

    def _begin(self, number: int) -> Begin:
        return Begin(
            settings=write_settings(self._settings),
            parallel=share(self._settings.parallel, len(self.workers), number - 1),
            epoch=self._context.hub_epoch(),
            beat_s=self._patience.beat_s,
            debug=self._debug,
        )

    def _look(self) -> None:
        self._tell_epoch()
        for worker in self.workers.values():
            worker.look()

    def _tell_epoch(self) -> None:
        epoch = self._context.hub_epoch()
        if epoch != self._epoch:
            self._epoch = epoch
            for worker in self.workers.values():
                worker.say(Epoch(epoch))

    def _refused(self, reasons: Mapping[str, str]) -> None:
        for device in reasons:
            self._owners.pop(device, None)
        self._on_refused(reasons)

    def _changed(self) -> None:
        workers = self.workers.values()
        self._on_problem(". ".join(worker.ailing for worker in workers if worker.ailing))
        troubles = dict.fromkeys(worker.trouble for worker in workers if worker.trouble)  # often the same, of one disk
        self._context.on_problem(". ".join(troubles))


def _row(worker: WorkerProcess, silence: str) -> dict[str, Any]:
    """A worker, for `stats`; `silence` says why its tasks' figures are not among the others."""
    totals = worker.totals
    return {
        "worker": worker.number,
        "pid": worker.pid,
        "live": worker.live,
        "devices": len(worker.load.wanted),
        "ends": worker.ends,
        "problem": worker.ailing or silence,
        **msgspec.to_builtins(totals),
    }

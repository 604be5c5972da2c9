"""The process collector, as the framework sees it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial
from typing import Any

from zope.interface import implementer

from collectors.framework.interfaces import CollectorContext, ICollector, IProcessSource
from collectors.framework.judging.thresholdmistakes import mistakes as threshold_mistakes
from collectors.framework.judging.thresholdwords import KEY_PREFIX
from collectors.framework.local.host import LocalHost
from collectors.framework.processtable import ProcessRow
from collectors.framework.snmp.factory import client_factory
from collectors.framework.snmp.interfaces import SnmpClientFactory
from collectors.framework.source_local import local_source
from collectors.process import flaws
from collectors.process.evidence.files import EvidenceFiles
from collectors.process.evidence.host import local_host
from collectors.process.evidence.keeper import EvidenceKeeper
from collectors.process.listening import Listeners
from collectors.process.rollbook.book import RollBook
from collectors.process.rollbook.books import RollBooks
from collectors.process.source_snmp import SnmpSource
from collectors.process.task import ProcessTask, state_key
from common.configs import DeviceConfig, SourceKind
from common.errors import NotFoundError, PermanentError
from common.events import CLASS_PROCESS, CLASS_SNMP
from common.masking import mask_mistakes, masker_of
from common.matching import check_definition
from common.queries import (
    MAX_PAGE_BYTES,
    Decision,
    EvidenceQuery,
    Processes,
    ProcessesQuery,
    Query,
    Result,
    RollAtQuery,
    RollBetweenQuery,
    Sets,
    SetsQuery,
)
from common.roll import CommandLine, Process

ROW_BYTES = 128
"""Of a row without its texts, at most."""


@implementer(ICollector)
class ProcessCollector:
    """Makes a task for each device, and answers what the tasks have seen."""

    def __init__(self, context: CollectorContext) -> None:
        self._context = context
        self._make_client = client_factory(
            context.reactor, context.clock, random.SystemRandom(), context.networks.learn
        )
        self._local = LocalHost(folder=context.data_dir)
        self._listeners = Listeners(context)
        self._books = RollBooks(context.data_dir, context.on_problem)
        self._evidence = EvidenceFiles(context.data_dir, context.wall)
        self._tasks: dict[str, ProcessTask] = {}

    def validate(self, config: DeviceConfig) -> None:
        """Refuse definitions that cannot be run."""
        mistakes = [
            f"process set {definition.id}: {mistake}"
            for definition in config.process_sets
            for mistake in check_definition(definition)
        ]
        mistakes += threshold_mistakes(config) + mask_mistakes(config)
        if config.source is SourceKind.SNMP and not config.address:
            mistakes.append("it has no address")
        if mistakes:
            raise PermanentError(f"the config of {config.device} cannot be run: {mistakes[0]}", mistakes)

    def make_task(self, config: DeviceConfig) -> ProcessTask:
        """Make the task of a device."""
        book = self._books.of(config) if self._context.keeps_files else None
        task = self._tasks[config.device] = ProcessTask(config, self._context, self._source, book)
        if self._context.keeps_files:
            task.evidence = EvidenceKeeper(self._evidence, self._context.clock, local_host)
        return task

    def forget(self, device: str) -> None:
        """The device has left."""
        self._tasks.pop(device, None)
        self._listeners.forget(device)
        self._context.states.forget(state_key(device))

    async def once(self, config: DeviceConfig, *, show_processes: bool, show_tables: bool) -> list[str]:
        """One cycle of a device in words, from what is kept of it; nothing is written or sent.

        Raises:
            TocsinError: the device cannot be read.
        """
        task = ProcessTask(config, self._context, partial(self._source, listen=False))
        try:
            return await task.look(tables=show_tables, processes=show_processes)
        finally:
            await task.close()

    def services(self) -> Sequence[Any]:
        """None beside the framework's."""
        return ()

    def figures(self) -> dict[str, Any]:
        """What could not be read of this host, whether what happens on it is listened to, how the roll books stand."""
        return {
            "local": self._local.figures(),
            "roll_book": self._books.figures(),
            "evidence": self._evidence.figures(),
            **self._listeners.figures(),
        }

    def listening(self) -> tuple[int, int]:
        """Of this host, as its devices, it is told what happens, or not."""
        return self._listeners.counts()

    def decided(self, decision: Decision) -> bool:
        """Take note of what an operator made of an alarm; the next scan goes by it."""
        mine = decision.event_class in {CLASS_PROCESS, CLASS_SNMP} or decision.event_key == flaws.KEY
        mine = mine or decision.event_key.startswith(KEY_PREFIX)
        if not mine:
            return False
        task = self._tasks.get(decision.device)
        if task is not None:
            task.decided(decision)
        return True

    async def answer(self, query: Query) -> Result:
        """Tell the last process table, the sets, or what the roll book has."""
        if isinstance(query, ProcessesQuery):
            return self._processes(query)
        if isinstance(query, SetsQuery):
            return self._sets(query)
        if isinstance(query, EvidenceQuery):
            return self._evidence.read(query.device, query.evidence)
        if isinstance(query, RollAtQuery):
            return self._books.at(query, *self._booked(query.device))
        if isinstance(query, RollBetweenQuery):
            return self._books.between(query, *self._booked(query.device))
        raise NotFoundError(f"{type(query).__name__} is not for the process collector")

    def _source(self, config: DeviceConfig, task: ProcessTask, *, listen: bool = True) -> IProcessSource:
        wall, monotonic = self._context.wall, self._context.clock.seconds
        if config.source is SourceKind.LOCAL:

            def wanted(row: ProcessRow) -> bool:
                return task.tracker.set_of(row.line) is not None

            source = local_source(wall, monotonic, wanted, self._local)
            if listen:
                source = self._listeners.listening(config.device, task, source, wanted)
            return self._tapped(config, source)
        self._listeners.forget(config.device)  # it may have been this host
        clients: SnmpClientFactory = self._context.tap.clients(config, self._make_client)
        return SnmpSource(clients, config, wall, monotonic, lambda: task.tracker.memory.sizing, silent=task.is_silent)

    def _tapped(self, config: DeviceConfig, source: IProcessSource) -> IProcessSource:
        tapped: IProcessSource = self._context.tap.source(config, source)
        return tapped

    def _processes(self, query: ProcessesQuery) -> Processes:
        task = self._task(query.device)
        secrets = masker_of(task.config)
        processes = task.view.processes(secrets) if task.view is not None else []
        rows = [row for row in processes if row.pid > query.after_pid and (query.set is None or row.set == query.set)]
        page = rows[: query.limit]
        if task.view is None or not query.lines:
            return Processes(at=task.scan.at, rows=page, more=len(rows) > len(page), lines=[] if query.lines else None)
        lines = [task.view.line(row.pid, secrets) for row in page]
        fitting = _fitting(page, lines)
        return Processes(at=task.scan.at, rows=page[:fitting], more=len(rows) > fitting, lines=lines[:fitting])

    def _sets(self, query: SetsQuery) -> Sets:
        names = sorted(query.devices or self._tasks)
        for name in names:
            self._task(name)
        names = [name for name in names if name > query.after]
        page = names[: query.limit]
        tasks = [self._tasks[name] for name in page]
        return Sets(
            sets=[status for task in tasks for status in task.sets],
            scans=[self._listeners.told(task.scan) for task in tasks],
            more=len(names) > len(page),
        )

    def _booked(self, device: str) -> tuple[DeviceConfig, RollBook]:
        task = self._task(device)
        if task.book is None:
            raise NotFoundError(f"no roll book is kept of {device} here")
        return task.config, task.book

    def _task(self, device: str) -> ProcessTask:
        task = self._tasks.get(device)
        if task is None:
            raise NotFoundError(f"device {device} is not collected here")
        return task


def _fitting(rows: Sequence[Process], lines: Sequence[CommandLine | None]) -> int:
    """How many rows fit in one answer with their whole lines; at least one."""
    size = 0
    for number, (row, line) in enumerate(zip(rows, lines, strict=True)):
        texts = (row.set or "", row.name, row.command, line.text if line is not None else "")
        size += ROW_BYTES + sum(len(text.encode("utf-8", "replace")) for text in texts)
        if size > MAX_PAGE_BYTES:
            return max(number, 1)
    return len(rows)

"""One device: scan, verify, decide, keep, write."""

from __future__ import annotations

from collections.abc import Callable, Collection

import msgspec
from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004 - Twisted's, raised by addTimeout
from zope.interface import implementer

from collectors.framework.interfaces import CollectorContext, IProcessSource, ITask
from collectors.framework.networks import SILENT
from collectors.framework.processtable import ProcessTable
from collectors.framework.snmp.backoff import NO_ANSWER, Backoff
from collectors.framework.snmp.errors import ERROR_KEYS, NoHostResources, error_key
from collectors.framework.timing import turn_of
from collectors.process import flaws, report
from collectors.process.backoff import longest_cycle_s, longest_read_s
from collectors.process.doubt import changed_hands, has_shrunk, whom_to_ask
from collectors.process.events import GROUP
from collectors.process.evidence.keeper import EvidenceKeeper
from collectors.process.judging import SetJudge
from collectors.process.memory import DeviceMemory, dump, load
from collectors.process.restarts import restarted
from collectors.process.rollbook.book import RollBook
from collectors.process.sampling import StepSamples
from collectors.process.tables import View
from collectors.process.tracker import Tracker
from common.configs import DeviceConfig, SourceKind
from common.errors import TocsinError, TransientError
from common.events import CLASS_SNMP, Event, Severity
from common.masking import masker_of
from common.queries import Decision
from common.roll import DeviceScan, SetState, SetStatus
from common.series import snap

PERSIST_EVERY = 30
"""Cycles without a change after which the memory is kept all the same."""
AGENT_RESTARTED = "agent_restarted"

MakeSource = Callable[[DeviceConfig, "ProcessTask"], IProcessSource]


def state_key(device: str) -> str:
    """Name of a device's memory in the state store."""
    return f"process:{device}"


@implementer(ITask)
class ProcessTask:
    """Keeps the roll of one device.

    Attributes:
        book: the roll book; None where none is kept.
        evidence: keeps what is there when an alarm opens; None where nothing keeps it.
        view, scan: what the last good cycle saw; `scan.problem` says why there is nothing newer.
    """

    def __init__(
        self, config: DeviceConfig, context: CollectorContext, make_source: MakeSource, book: RollBook | None = None
    ) -> None:
        """Begin with what is remembered; without a `book` nothing is kept of who ran when."""
        self._context = context
        self.book = book
        self.evidence: EvidenceKeeper | None = None
        self._config = config
        self._tracker = Tracker(config, load(context.states.load(state_key(config.device))))
        self._judge = SetJudge(config)
        self._backoff = Backoff(
            context.networks.settings.silent_s,
            context.rng,
            silent=any(key in self._tracker.memory.alarms for kind, key in ERROR_KEYS if kind in NO_ANSWER),
        )
        self._sizing = self._tracker.memory.sizing.learnt()
        self._make_source = make_source
        self._source, self._source_kind = make_source(config, self), config.source
        self._cycles = 0
        self._samples = StepSamples()
        self._next: DeviceConfig | None = config  # what is remembered may be of another one
        self._decisions: list[Decision] = []
        self._taken: list[Decision] = []
        self.name = f"process:{config.device}"
        self.view: View | None = None
        self._undone: DeviceMemory | None = None  # what that scan decided, where it could not be kept
        self.scan = DeviceScan(device=config.device, at=None, processes=0, duration_s=0.0, problem="")

    @property
    def interval_s(self) -> int:
        """Seconds from scan to scan."""
        return self._config.interval_s

    @property
    def timeout_s(self) -> float:
        """How long a cycle may take."""
        return longest_cycle_s(self._config.interval_s)

    @property
    def lane(self) -> str:
        """The network of the device; those that do not answer are in a lane of their own."""
        if self._config.source is SourceKind.LOCAL:
            return ""
        return SILENT if self._backoff.silent else self._context.networks.of(self._config.address)

    @property
    def rests(self) -> bool:
        """Whether it is to be left alone, because it does not answer."""
        back_at = self._context.networks.back_at(self._config.address)
        return self._backoff.rests(self._context.clock.seconds(), back_at)

    @property
    def is_silent(self) -> bool:
        """Whether it did not answer when it was asked last."""
        return self._backoff.silent

    @property
    def sets(self) -> list[SetStatus]:
        """How the sets are, by the last good cycle; while there is nothing newer, that is not known."""
        if self.view is None:
            return []
        found = self._tracker.statuses(self.view, self._undone)
        if not self.scan.problem:
            return found
        return [msgspec.structs.replace(status, state=SetState.UNKNOWN) for status in found]

    @property
    def config(self) -> DeviceConfig:
        """What it works by, or will from the next run on."""
        return self._config

    @property
    def tracker(self) -> Tracker:
        """What decides; the local source asks it which processes matter."""
        return self._tracker

    def decided(self, decision: Decision) -> None:
        """Take note of what an operator made of an alarm."""
        self._decisions.append(decision)

    def update(self, config: DeviceConfig) -> None:
        """Work by another config from the next run on."""
        self._next = config
        self._config = config
        self._backoff.again()

    async def close(self) -> None:
        """End for good."""
        if self.book is not None:
            self.book.close()
        await self._source.close()

    async def run(self, slot: int) -> None:
        """One cycle."""
        await self._take_source()
        events = self._take_config() + self._take_decisions()
        if self.evidence is not None:
            self.evidence.ended((event.component, event.event_key) for event in events if not event.severity)
            self.evidence.ended((one.component, one.event_key) for one in self._taken if not one.open)
        began = self._context.clock.seconds()
        try:
            table = await self._read_in_time()
        except TocsinError as error:
            if isinstance(error, NO_ANSWER):
                self._backoff.failed(began, self._config.interval_s)
            else:
                self._backoff.answered()
            await self._unreadable(events, _key(error), error)
            raise
        if self._backoff.silent:
            self._context.networks.is_back(self._config.address, began)
        self._backoff.answered()
        events += self._readable() + self._agent_events(table)
        outcome = self._tracker.observe(table)
        learned = self._context.lessons.take(self._config.device)
        judged = self._judge.judge(self._tracker.memory, outcome, table.at, slot, learned)
        events += flaws.tell(self._config, self._tracker.memory, self._judge.flaws, table.at)
        told, marked = outcome.events + judged.events, None
        if self.evidence is not None:
            self.evidence.watch(self._tracker.memory.sets, self.view)
            marked = self.evidence.mark(self._config, told, self.view, outcome.view) if told else None
        events += told if marked is None else marked.events
        sets = self._tracker.memory.sets
        self._context.samples.write(self._samples.of(self._config, outcome, slot, judged.figures, sets))
        self.view, self._undone = outcome.view, None
        if self.book is not None:
            self.book.note(table, outcome.view.owners)
        self.scan = DeviceScan(
            device=self._config.device,
            at=table.at,
            processes=len(table.rows),
            duration_s=self._context.clock.seconds() - began,
            problem="",
        )
        await self._keep(events, changed=outcome.changed or judged.changed or bool(events))
        if self.evidence is not None and marked is not None:
            await self.evidence.store(self._config, marked, self._source)

    async def look(self, *, tables: bool, processes: bool) -> list[str]:
        """One cycle in words; nothing is written, sent or kept."""
        scan = await self._read()
        outcome = self._tracker.observe(scan)
        secrets = masker_of(self._config)
        step = snap(scan.at, self._config.interval_s)
        judged = self._judge.judge(self._tracker.memory, outcome, scan.at, step)
        return [
            *report.heading(self._config),
            *report.table(scan, secrets, rows=tables),
            *report.decided(outcome, secrets, processes=processes),
            *report.judged(judged, self._config),
            *report.told(outcome, self._readable() + outcome.events + judged.events),
        ]

    # --- reading ------------------------------------------------------------------------------------------------------

    async def _read_in_time(self) -> ProcessTable:
        """As `_read`; an agent that answers too slowly for its interval is told of as any that cannot be read."""
        limit_s = longest_read_s(self._config.interval_s)
        reading: Deferred[ProcessTable] = Deferred.fromCoroutine(self._read())
        reading.addTimeout(limit_s, self._context.clock)
        try:
            return await reading
        except TimeoutError:
            raise TableIncompleteError(
                f"the process table of {self._config.device} is incomplete: it was not read to its end within"
                f" {limit_s:g} s; choose a longer interval, or see why the agent is slow"
            ) from None

    async def _read(self) -> ProcessTable:
        """A table that can be believed: what seems to be missing is verified first."""
        every = self._config.full_scan_every
        full = self._cycles % every == turn_of(self._config.device, every)
        self._cycles += 1
        table = await self._source.scan(full)
        if table.complete and not await self._doubtful(table):
            return table
        table = await self._source.scan(True)  # noqa: FBT003 - the interface has it
        problem = table.problem if not table.complete else await self._hidden(table, self._tracker.doubtful(table))
        if problem:
            raise TableIncompleteError(f"the process table of {self._config.device} is incomplete: {problem}")
        return table

    async def _doubtful(self, table: ProcessTable) -> bool:
        """Whether a table that seems to be complete is to be read again."""
        if self._config.snmp is None:
            return False
        memory, gone = self._tracker.memory, self._tracker.doubtful(table)
        if has_shrunk(memory, table) or changed_hands(memory, table, gone):
            return True
        return await self._hidden(table, gone) != ""

    async def _hidden(self, table: ProcessTable, gone: Collection[str]) -> str:
        """What shows that a table lacks processes that are there, of sets that are gone; empty when nothing does."""
        if self._config.snmp is None:
            return ""
        asked = whom_to_ask(self._tracker.memory, table, gone)
        alive = await self._source.alive(asked) if asked else ()
        return f"process {min(alive)} answers when it is asked for, and the table does not have it" if alive else ""

    async def _take_source(self) -> None:
        """Read the device by another kind of source, if its config now says so."""
        config = self._next
        if config is not None and config.source is not self._source_kind:
            await self._source.close()
            self._source, self._source_kind = self._make_source(config, self), config.source

    # --- events of the device -----------------------------------------------------------------------------------------

    def _take_config(self) -> list[Event]:
        config, self._next = self._next, None
        if config is None:
            return []
        if self.book is not None:
            self.book.update(config)
        self._source.update(config)
        self._judge = SetJudge(config)
        return self._tracker.update(config, self._context.wall())

    def _take_decisions(self) -> list[Event]:
        """Bring what is open to what the hub has open, so that this scan says what differs."""
        memory, hub = self._tracker.memory, self._context.hub_epoch()
        if hub and memory.hub != hub:
            if memory.hub:
                memory.forget_alarms()
            memory.hub = hub
        self._taken, self._decisions = self._decisions, []
        return [event for decision in self._taken for event in self._take_decision(decision)]

    def _take_decision(self, decision: Decision) -> list[Event]:
        memory = self._tracker.memory
        if self._judge.decided(memory, decision) or flaws.decided(memory, decision):
            return []
        if decision.component:
            return self._tracker.decided(decision, self._context.wall())
        alarms = self._tracker.memory.alarms
        if decision.open:
            alarms.setdefault(decision.event_key, decision.severity)
        else:
            alarms.pop(decision.event_key, None)
        return []

    async def _unreadable(self, events: list[Event], key: str, error: TocsinError) -> None:
        """One event stands for the whole device; sets keep their state, and show as unknown."""
        if self.book is not None:
            self.book.unreadable(error.message)
        alarms = self._tracker.memory.alarms
        scan = msgspec.structs.replace(self.scan, problem=error.message)
        if isinstance(error, NoHostResources) and not self._config.process_sets:
            # A switch, a printer: it was read, and nobody asks for processes of it.
            events += self._readable()
            scan = msgspec.structs.replace(scan, problem="", at=self._context.wall())
        elif key not in alarms:
            events += [self._device_event(old, Severity.CLEAR, "another problem took its place") for old in alarms]
            alarms.clear()
            alarms[key] = int(Severity.ERROR)
            events.append(self._device_event(key, Severity.ERROR, error.message))
        await self._keep(events, changed=bool(events))
        self.scan = scan

    def _readable(self) -> list[Event]:
        alarms = self._tracker.memory.alarms
        events = [self._device_event(key, Severity.CLEAR, "the device can be read") for key in alarms]
        alarms.clear()
        return events

    def _agent_events(self, table: ProcessTable) -> list[Event]:
        """The agent or the host came up anew: said once, closed by the next cycle."""
        what = restarted(self._tracker.memory, table)
        if not what:
            return []
        text = "the host was started anew" if what == "host" else "the SNMP agent was started anew"
        self._tracker.memory.alarms[AGENT_RESTARTED] = int(Severity.WARNING)
        return [self._device_event(AGENT_RESTARTED, Severity.WARNING, f"{text}; figures start from a new base")]

    def _device_event(self, key: str, severity: Severity, text: str) -> Event:
        return Event(
            device=self._config.device,
            event_class=CLASS_SNMP,
            event_key=key,
            severity=severity,
            summary=text[:512],
            at=self._context.wall(),
            group=GROUP,
        )

    # --- keeping ------------------------------------------------------------------------------------------

    async def _keep(self, events: list[Event], *, changed: bool) -> None:
        sizing = self._tracker.memory.sizing.learnt()
        if not events and not changed and sizing == self._sizing and self._cycles % PERSIST_EVERY:
            return
        self._sizing = sizing
        key = state_key(self._config.device)
        try:
            await self._context.events.send(events, key, dump(self._tracker.memory, masker_of(self._config)))
        except TocsinError:
            # Nothing was stored: decide again from what was, or the events would be lost.
            self._undone = self._undone or self._tracker.memory
            self._tracker.memory = load(self._context.states.load(key))
            self._next = self._next or self._config
            self._decisions[:0] = self._taken
            raise


class TableIncompleteError(TransientError):
    """The table could not be read to its end, twice."""


def _key(error: TocsinError) -> str:
    if isinstance(error, TableIncompleteError):
        return "table_incomplete"
    return error_key(error)

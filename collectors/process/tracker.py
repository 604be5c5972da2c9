"""What a scan decides (pure): tables in, decisions out. docs/process-rules.md has the rules."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from msgspec import Struct

from collectors.framework.processtable import ProcessRow, ProcessTable
from collectors.process.events import CONDITIONS, SetVoice
from collectors.process.expectations import Expectations
from collectors.process.figures import SHORTEST_S, cpu_percent, cpu_seconds, from_a_cache, set_figures, started_of
from collectors.process.happenings import Tellings
from collectors.process.instances import judge_instances
from collectors.process.memory import DeviceMemory, SetMemory
from collectors.process.programs import closed, look
from collectors.process.restarts import restarted, restarts_of, used_again
from collectors.process.starts import NOBODY
from collectors.process.statuses import statuses
from collectors.process.tables import Matched, Members, Owners, View, members_of
from common.configs import DeviceConfig, ExpectedSet, ProcessSetConfig
from common.events import Event
from common.masking import MASK
from common.matching import SetName, matcher_of
from common.queries import Decision
from common.roll import SetStatus
from common.series import Number


class Outcome(Struct, kw_only=True):
    """What one good scan brought.

    Attributes:
        figures: data points by component; None is unknown.
        series: what samples are kept under, by component; a component that is not there is not written.
        show: tells how the sets are, until the next scan.
        changed: whether the memory has changed in more than figures.
    """

    events: list[Event]
    figures: dict[str, dict[str, Number | None]]
    series: dict[str, str]
    view: View
    show: Callable[[], list[SetStatus]]
    changed: bool

    @property
    def sets(self) -> list[SetStatus]:
        """How the sets are, in order of their names."""
        return self.show()


def vanished(memory: DeviceMemory, members: Members, expected: Collection[str]) -> list[str]:
    """Sets that were up, or are expected, and that this table does not have: they are to be verified first."""
    known = {component for component, kept in memory.sets.items() if not kept.missing}
    return sorted(name for name in known.union(expected) if name not in members and not _is_missing(memory, name))


def _is_missing(memory: DeviceMemory, component: str) -> bool:
    kept = memory.sets.get(component)
    return kept is not None and kept.missing


class Tracker:
    """Decides about one device; owns its memory."""

    def __init__(self, config: DeviceConfig, memory: DeviceMemory) -> None:
        self.memory = memory
        self._last: ProcessTable | None = None  # what CPU percent are reckoned from
        self._used: Mapping[int, float] = {}
        self._configure(config)

    def update(self, config: DeviceConfig, wall: float) -> list[Event]:
        """Take another config; alarms of sets that it does not have are closed."""
        if config.source is not self.config.source:  # what the one source says of starts means nothing to the other
            for kept in self.memory.sets.values():
                kept.pids = dict.fromkeys(kept.pids)
        self._configure(config)
        events = [event for new in self._expectations.modeled.values() for event in self._rename(new, wall)]
        same = self.memory.definitions == self.matcher.digest
        for component, kept in list(self.memory.sets.items()):
            why = self._why_not(component, kept, sure=same and MASK in kept.line)
            if why:
                events += self._last_words(component, kept, why, wall)
        self.memory.definitions = self.matcher.digest
        return events

    def _rename(self, new: ExpectedSet, wall: float) -> list[Event]:
        """Let a set that the modeler knows under another name go on under that; what is wrong is said anew."""
        sets = self.memory.sets
        old = self._expectations.old_name(new, sets)
        if old is None or new.name in sets or self._would_name(old, sets[old]):
            return []
        kept = sets[old]
        said = self._last_words(old, kept, f"it is {new.name} now", wall)
        kept.series = new.series or new.name
        sets[new.name] = kept
        return said

    def _why_not(self, component: str, kept: SetMemory, *, sure: bool) -> str:
        """Why a set is watched no more; empty when it is. `sure`: its processes have their name still."""
        expectations = self._expectations
        if not expectations.is_watched(component):
            return "it is not to be monitored"
        if not expectations.has(kept.definition):
            return "its definition was removed"
        if component in expectations.expected:
            return ""
        if kept.expected and not kept.pids and not expectations.definition_of(component, kept.definition).required:
            return "it is not expected any more"
        return "" if sure or self._would_name(component, kept) else "its processes have another name now, or none"

    def _would_name(self, component: str, kept: SetMemory) -> bool:
        """Whether the definitions name the set's processes so."""
        found = self.matcher.match(kept.line)
        return found is not None and found.component == component

    def _last_words(self, component: str, kept: SetMemory, why: str, wall: float) -> list[Event]:
        """Forget a set."""
        self.memory.sets.pop(component, None)
        gone = ProcessSetConfig(id=kept.definition, title=component, order=0, include=".", name=component)
        voice = SetVoice(self.config, component, gone, kept, wall)
        voice.watched_no_more(why)
        return voice.said

    def decided(self, decision: Decision, wall: float) -> list[Event]:
        """Take note of what an operator made of an alarm of a set; the next table is judged by it.

        An alarm that was opened again and that no table can close is closed here.
        """
        kept = self.memory.sets.get(decision.component)
        if decision.event_key not in CONDITIONS:
            return []
        if kept is None:
            told = {decision.event_key: decision.severity} if decision.open else {}
            unknown = SetMemory(definition="", since=wall, alarms=told)
            return self._last_words(decision.component, unknown, "there is no such set", wall)
        if decision.open:
            kept.opened(decision.event_key, kept.alarms.get(decision.event_key, decision.severity))
        else:
            kept.closed(decision.event_key)
            closed(kept, decision)
        return []

    def _configure(self, config: DeviceConfig) -> None:
        self.config = config
        self.matcher = matcher_of(config.process_sets)
        self._matched: Matched | None = None
        self._owners: Owners | None = None
        self._expectations = Expectations(config, self.matcher)

    def set_of(self, line: str) -> str | None:
        """The set that a process of this command line is judged in; None where there is none that is watched."""
        found = self.matcher.match(line)
        return found.component if found is not None and self._expectations.is_watched(found.component) else None

    def doubtful(self, table: ProcessTable) -> list[str]:
        """Sets that this table seems to have lost; they are to be verified before anything is said."""
        matched = self._match(table)
        names = vanished(self.memory, matched.members, self._expectations.expected)
        return [name for name in names if name not in matched.left_out]

    def _match(self, table: ProcessTable) -> Matched:
        if self._matched is None or self._matched.table is not table:
            self._matched = members_of(table, self.matcher, self._owners)
            self._owners = self._matched.owners if isinstance(self._matched.owners, Owners) else None
        return self._matched

    def observe(self, table: ProcessTable) -> Outcome:
        """Decide what a complete table means."""
        memory = self.memory
        base_lost = restarted(memory, table) != ""
        matched, self._matched = self._match(table), None
        members = matched.members
        events = self._leave_out(matched.left_out, table.at)
        changed = memory.scanned_at is None or bool(events)
        first_scan = memory.scanned_at is None
        used = self._cpu(table, base_lost=base_lost)
        again = used_again(table.rows, memory.cpu_s)
        tellings = Tellings(table, memory.sets, self.matcher, self.config.interval_s)
        for component, name in self._to_judge(matched.names, matched.left_out).items():
            definition = self._expectations.definition_of(component, name.definition)
            kept = memory.sets.get(component)
            if kept is None:
                kept = memory.sets[component] = SetMemory(definition=definition.id, since=table.at)
            before = _essence(kept)
            kept.definition = definition.id
            self._expect(component, kept)
            voice = SetVoice(self.config, component, definition, kept, table.at)
            rows = members.get(component, {})
            self._decide(voice, definition, kept, rows, again, table.at, tellings, base_lost=base_lost or first_scan)
            events += voice.said
            changed |= before != _essence(kept)
        figures = {
            c: set_figures(kept, members.get(c, {}), used, table.at) for c, kept in memory.sets.items() if kept.seen
        }
        tellings.add_figures(memory.sets, figures)
        memory.scanned_at = table.at
        memory.uptime_s, memory.host_uptime_s = table.uptime_s, table.host_uptime_s
        memory.rows = len(table.rows)
        memory.cpu_s = cpu_seconds(table)
        view = View(table=table, owners=matched.owners, used=used)
        return Outcome(
            events=events,
            figures=figures,
            series={c: series for c in figures if (series := self._expectations.series_of(c, memory.sets[c]))},
            view=view,
            show=partial(self.statuses, view),
            changed=changed,
        )

    def statuses(self, view: View, memory: DeviceMemory | None = None) -> list[SetStatus]:
        """How the sets are, in order of their names, by the scan that came last, or by another `memory` of it."""
        return statuses(self.config.device, memory or self.memory, self._expectations, view)

    def _cpu(self, table: ProcessTable, *, base_lost: bool) -> Mapping[int, float]:
        """CPU percent by pid since the last scan on turn; in a moment too short to be told, what was reckoned last."""
        last = self._last
        if last is None or base_lost:
            self._last, self._used = table, {}
        elif from_a_cache(last, table):
            return {}
        elif not table.woken or table.monotonic - last.monotonic >= SHORTEST_S:
            self._used = cpu_percent(last, table)
            self._last = last if table.woken else table
        return self._used

    def _leave_out(self, components: Collection[str], wall: float) -> list[Event]:
        """Forget sets that are Tocsin's own daemons, and close their alarms."""
        sets, why = self.memory.sets, "its processes are Tocsin's own daemons, which are in no set"
        known = [name for name in sorted(components) if name in sets and not self._is_required(name)]
        return [event for name in known for event in self._last_words(name, sets[name], why, wall)]

    def _is_required(self, component: str) -> bool:
        name = self._expectations.expected.get(component)
        return name is not None and self._expectations.definition_of(component, name.definition).required

    def _to_judge(self, present: Mapping[str, SetName], left_out: Collection[str]) -> dict[str, SetName]:
        """Sets that are expected, known, or in this table."""
        known = {
            component: SetName(kept.definition, component)
            for component, kept in self.memory.sets.items()
            if component not in present and self._expectations.has(kept.definition)
        }
        names = {**self._expectations.expected, **known, **present}
        return {
            component: name
            for component, name in names.items()
            if self._expectations.is_watched(component) and (component not in left_out or self._is_required(component))
        }

    def _expect(self, component: str, kept: SetMemory) -> None:
        modeled = self._expectations.modeled.get(component)
        kept.expected = modeled is not None
        if modeled is not None:
            kept.series = modeled.series

    # --- one set ------------------------------------------------------------------------------------------------------

    def _decide(
        self,
        voice: SetVoice,
        definition: ProcessSetConfig,
        kept: SetMemory,
        rows: Mapping[int, ProcessRow],
        again: Sequence[int],
        at: float,
        tellings: Tellings,
        *,
        base_lost: bool,
    ) -> None:
        scanned = restarts_of(kept, rows, again, base_lost=base_lost) if rows else (0, [], [])
        restarts, lost, found = scanned if base_lost else tellings.judge(voice.component, kept, rows, scanned)
        if restarts:
            kept.restarts += restarts
            kept.restart_times = [*kept.restart_times, *[at] * restarts]
        if rows:
            if kept.missing and not restarts and not base_lost:
                # A set that goes and comes back again and again is a crash loop, too.
                kept.restart_times = [*kept.restart_times, at]
            self._present(kept, rows, restarts, at)
            voice.up()
            look(voice, self.config, kept, rows, at)
        elif definition.count_max == 0:
            self._rightly_absent(voice, kept, at)
        elif kept.seen or kept.expected or definition.required:
            self._absent(voice, definition, kept, at, tellings)
        if restarts:
            voice.restarted(restarts, lost, found)
        voice.flapping()
        judge_instances(voice, definition, kept, rows, on_turn=not tellings.woken)
        if not kept.missing_scans and not tellings.passing(definition.confirm, kept):
            voice.bounds(len(rows))

    @staticmethod
    def _present(kept: SetMemory, rows: Mapping[int, ProcessRow], restarts: int, at: float) -> None:
        first = rows[next(iter(rows))]
        line = first.line
        if line != kept.line:
            kept.line = sys.intern(line)  # hosts run the same programs
        if restarts and 2 * restarts >= len(rows):
            kept.renewed_at = at
        if kept.missing or not kept.seen:
            kept.since = at
        kept.seen = True
        if kept.missing or kept.missing_scans or kept.lost:
            kept.missing, kept.missing_scans, kept.lost = False, 0, ()
        kept.pids = started_of(rows, kept.pids, at)

    @staticmethod
    def _rightly_absent(voice: SetVoice, kept: SetMemory, at: float) -> None:
        """It must not run, and does not."""
        if kept.missing:
            kept.since = at
        kept.pids = NOBODY
        kept.missing, kept.missing_scans, kept.lost = False, 0, ()
        voice.rightly_absent()

    @staticmethod
    def _absent(voice: SetVoice, definition: ProcessSetConfig, kept: SetMemory, at: float, tellings: Tellings) -> None:
        kept.missing_scans = tellings.missing_scans(voice.component, kept)
        if kept.pids:
            kept.lost = sorted(kept.pids)
        kept.pids = NOBODY
        if kept.missing_scans >= tellings.confirm(definition.confirm, kept):
            if not kept.missing:
                kept.missing, kept.since = True, at
            voice.missing()


def _essence(kept: SetMemory) -> tuple[object, ...]:
    """What must be on disk; figures need not."""
    of_sets = (
        kept.definition,
        kept.pids,
        kept.missing,
        kept.missing_scans,
        kept.restarts,
        kept.alarms,
        kept.seen,
    )
    of_programs = (kept.twice, kept.users, kept.strangers, kept.stale, kept.accepted)
    of_ends = (kept.ends.runs, kept.ends.failed_runs, kept.ends.reason) if kept.ends is not None else ()
    return (*of_sets, *of_programs, *of_ends, kept.expected, kept.series)

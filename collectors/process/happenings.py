"""What process events add to what two scans show of a set (pure). docs/process-rules.md has the rules."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from collectors.framework.processevents.values import ProcessLife
from collectors.framework.processtable import ProcessRow, ProcessTable
from collectors.process.events import RESTARTING
from collectors.process.memory import Ends, SetMemory
from collectors.process.reasons import listed, reasons
from common.matching import Matcher
from common.series import Number

SLACK_S = 0.005
"""The kernel may tell of an end after the start of what took its place, but hardly later than this."""
MAX_VACANT = 1000
MAX_PIDS = 50

Scanned = tuple[int, list[int], list[int]]
"""Restarts, pids lost, pids found."""


class Tellings:
    """What was told of all sets of a device since the scan before.

    Attributes:
        woken: the scan is out of turn.
    """

    def __init__(self, table: ProcessTable, sets: Mapping[str, SetMemory], matcher: Matcher, interval_s: float) -> None:
        self._interval_s = interval_s
        self._known = table.happened is not None
        self._at = table.at
        self._monotonic = table.monotonic
        self.woken = table.woken
        self._told: dict[str, list[ProcessLife]] = {}
        owners: dict[int, str] | None = None
        for life in table.happened.lives if table.happened is not None else ():
            if life.began is None and owners is None:
                owners = {pid: component for component, kept in sets.items() for pid in kept.pids}
            component = (owners or {}).get(life.pid) if life.began is None else None
            if component is None and (found := matcher.match(life.line)) is not None:
                component = found.component
            if component is not None:
                self._told.setdefault(component, []).append(life)

    def passing(self, scans: int, kept: SetMemory) -> bool:
        """Whether this scan shows but a moment of a set: of its restarting, or where one scan says too little."""
        return self.woken and (scans > 1 or RESTARTING in kept.alarms)

    def confirm(self, scans: int, kept: SetMemory) -> int:
        """How many scans must show that a set is missing; one that keeps restarting comes back by itself."""
        needed = max(2, scans) if self._known and RESTARTING in kept.alarms else scans
        return needed + (kept.early and needed > 1)

    def missing_scans(self, component: str, kept: SetMemory) -> int:
        """The scans in a row that show a set missing, with this one; scans out of turn count only as the first one."""
        lives = self._told.get(component, [])
        before = kept.missing_scans
        if RESTARTING in kept.alarms and any(life.began is not None for life in lives):
            before = 0
        if not before:
            kept.early = self.woken
        return max(1, before) if self.woken else before + 1

    def judge(self, component: str, kept: SetMemory, rows: Mapping[int, ProcessRow], scanned: Scanned) -> Scanned:
        """What two scans and all that was told between them come to, for one set; its memory is brought up to it.

        Args:
            component: the set.
            kept: as the scan before left it.
            rows: its processes now.
            scanned: what the two scans alone show.
        """
        if not self._known and kept.ends is None:
            return scanned
        gone = [pid for pid in kept.pids if pid not in rows]
        if not self._known:
            if kept.ends is not None and gone:
                kept.ends.vacant, kept.ends.reason, kept.ends.exits = [], "", []
            return scanned
        if kept.ends is None:
            kept.ends = Ends()
        ends = kept.ends
        lives = self._told.get(component, [])
        ended = [life for life in lives if life.ended is not None]
        told = {life.pid for life in ended if life.began is None}
        untold = [pid for pid in gone if pid not in told]
        if ended or untold:
            ends.reason, ends.exits = reasons(ended), listed(ended)
        runs = [life for life in ended if not (life.forked and life.began is not None)]
        ends.runs += len(runs) + len(untold)
        ends.failed_runs += sum(life.failed for life in runs)
        new = [pid for pid in rows if pid not in kept.pids]
        begun = {life.pid for life in lives if life.began is not None}
        restarts = self._restarts(ends, lives, len(untold), sum(pid not in begun for pid in new))
        by_scan, lost, found = scanned
        if by_scan > restarts:
            return scanned
        lost = lost or sorted({life.pid for life in ended if life.began is None})[:MAX_PIDS]
        found = found or sorted(new)[:MAX_PIDS]
        return restarts, lost, found

    def _restarts(self, ends: Ends, lives: list[ProcessLife], untold_ends: int, untold_starts: int) -> int:
        """How often a process began in the place of one that had ended; a place is vacant for an interval.

        What was more than the set had had before left no place behind when it ended.
        """
        moves: list[tuple[float, bool]] = []
        for life in lives:
            if life.began is not None:
                latest = life.began + SLACK_S
                moves.append((latest if life.ended is None else min(latest, life.ended - 1e-7), True))
            if life.ended is not None:
                moves.append((life.ended, False))
        moves += [(self._monotonic, False)] * untold_ends + [(self._monotonic, True)] * untold_starts
        moves.sort()
        vacant = deque(ends.vacant)
        restarts = surplus = 0
        for when, begins in moves:
            at = self._at - (self._monotonic - when)
            self._forget(vacant, at)
            if begins and vacant:
                vacant.popleft()
                restarts += 1
            elif begins:
                surplus += 1
            elif surplus:
                surplus -= 1
            else:
                vacant.append(at)
        self._forget(vacant, self._at)
        ends.vacant = list(vacant)[-MAX_VACANT:]
        return restarts

    def _forget(self, vacant: deque[float], at: float) -> None:
        """Forget places that have been vacant for longer than an interval; also when the clock was set."""
        while vacant and abs(at - vacant[0]) > self._interval_s:
            vacant.popleft()

    def add_figures(self, sets: Mapping[str, SetMemory], figures: Mapping[str, dict[str, Number | None]]) -> None:
        """Add what is counted of runs; without process events it is not known."""
        if self._known:
            for component, found in figures.items():
                ends = sets[component].ends
                if ends is not None:
                    found["runs"], found["failed_runs"] = ends.runs, ends.failed_runs

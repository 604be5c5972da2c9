"""From events to lives: which watched processes began and ended since the last scan (pure).

The scan is the truth. What events say is held against it: an end of a process that the scan still shows is none, unless
it came after the scan had begun.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping

import msgspec

from collectors.framework.processevents.messages import Executed, Exited, Forked
from collectors.framework.processevents.values import Happened, ProcessLife
from collectors.framework.processtable import ProcessRow, ProcessTable

MAX_LIVES = 5000
"""Between two scans; of what is more, the scan alone knows."""
_TICK_S = 0.02
"""Two starts of one process, as two scans see them, lie closer together than this."""
_NEXT_S = 1e-6


class Impact(enum.Enum):
    """What an event means for the sets that are watched."""

    NOTHING = enum.auto()
    BIRTH = enum.auto()
    DEATH = enum.auto()


class Lives:
    """Keeps the lives since the last scan.

    Args:
        wanted: whether a process is watched.
        look: what a process runs now; None when it is gone. What is not needed for matching is left out.
        most: lives that are kept between two scans.

    Attributes:
        born: the line of the last birth.
    """

    def __init__(
        self,
        wanted: Callable[[ProcessRow], bool],
        look: Callable[[int], ProcessRow | None],
        most: int = MAX_LIVES,
    ) -> None:
        self._wanted = wanted
        self._most = most
        self._look = look
        self.forget()

    def forget(self) -> None:
        """Begin anew: from here on nothing is known."""
        self._rows: Mapping[int, ProcessRow] = {}
        self._running: dict[int, ProcessLife] = {}  # began since the last scan
        self._ended: list[ProcessLife] = []
        self._revivable: dict[int, ProcessLife] = {}  # ended, and their pids were not given away since
        self._left: set[int] = set()  # of the last scan: ended, or run something else now
        self._lost = False
        self._unseen = 0
        self._stamp = self._scanned = 0.0
        self.born = ""

    def lose(self) -> None:
        """Note that events were lost."""
        self._lost = True

    def take(self, event: Forked | Executed | Exited) -> Impact:
        """Take note of an event."""
        at = self._stamp = max(event.at, self._stamp + _NEXT_S)
        if isinstance(event, Forked):
            return self._forked(event.parent, event.child, at)
        if isinstance(event, Executed):
            return self._executed(event.pid, at)
        return self._exited(event.pid, event.status, at)

    def collect(self, table: ProcessTable) -> Happened:
        """What happened until a scan; of what came after it began, the next one tells."""
        reported: list[ProcessLife] = []
        later: list[ProcessLife] = []
        for life in self._ended:
            if self._is_over(life, table):
                reported.append(life)
            elif life.ended is not None and life.ended >= table.monotonic:
                started = table.rows[life.pid].started
                if life.began is not None:  # this scan has seen it, and tells of its beginning
                    reported.append(msgspec.structs.replace(life, ended=None, status=None))
                later.append(msgspec.structs.replace(life, began=None, started=started))
        running: dict[int, ProcessLife] = {}
        for pid, life in self._running.items():
            row = table.rows.get(pid)
            if row is not None and row.alive:
                if not row.own and self._wanted(row):
                    reported.append(msgspec.structs.replace(life, line=row.line))
            elif life.began is not None and life.began >= self._scanned and not self._lost:
                running[pid] = life  # it began, or ended, while the table was read
        happened = Happened(lives=tuple(reported), lost=self._lost, unseen=self._unseen)
        self._rows, self._running, self._ended = table.rows, running, later
        self._left = {life.pid for life in later}
        self._revivable = {life.pid: life for life in later}
        self._lost, self._unseen, self._scanned = False, 0, table.monotonic
        return happened

    @property
    def waits(self) -> bool:
        """Whether a process that the last scan still shows has ended."""
        return any(life.began is None or life.pid in self._rows for life in self._ended)

    # --- events -------------------------------------------------------------------------------------------------------

    def _forked(self, parent: int, child: int, at: float) -> Impact:
        self._revivable.pop(child, None)
        line = self._line_of(parent)
        if line is None or not self._has_room():
            self._running.pop(child, None)
        else:
            self._running[child] = ProcessLife(pid=child, line=line, began=at, forked=True)
        return Impact.NOTHING

    def _executed(self, pid: int, at: float) -> Impact:
        # An end and then a program, without a fork between: a thread ran it, and took the place of the whole process.
        revived = self._revivable.pop(pid, None)
        if revived is not None:
            self._revive(revived)
        row = self._look(pid)
        if row is None:
            self._unseen += 1
            self._running.pop(pid, None)
            return Impact.NOTHING
        if not self._wanted(row):
            self._running.pop(pid, None)
            if pid in self._rows:
                self._left.add(pid)
            return Impact.NOTHING
        life = self._running.get(pid)
        if life is not None:
            self._running[pid] = msgspec.structs.replace(life, line=row.line, forked=False)
            if not life.forked:
                return Impact.NOTHING
        elif self._line_of(pid) is not None or not self._has_room():
            return Impact.NOTHING
        else:
            self._running[pid] = ProcessLife(pid=pid, line=row.line, began=at)
        self.born = row.line
        return Impact.BIRTH

    def _exited(self, pid: int, status: int, at: float) -> Impact:
        life = self._running.pop(pid, None)
        impact = Impact.NOTHING
        if life is None:
            line = self._line_of(pid)
            if line is None:
                return impact
            row = self._rows[pid]
            life = ProcessLife(pid=pid, line=line, started=row.started, memory_bytes=row.memory_bytes)
            self._left.add(pid)
            impact = Impact.DEATH
        life = msgspec.structs.replace(life, ended=at, status=status & 0xFFFF)
        if self._has_room():
            self._ended.append(life)
            self._revivable[pid] = life
        return impact

    def _revive(self, life: ProcessLife) -> None:
        self._ended.remove(life)
        if life.began is None:
            self._left.discard(life.pid)
        else:
            self._running[life.pid] = msgspec.structs.replace(life, ended=None, status=None)

    def _has_room(self) -> bool:
        if len(self._ended) + len(self._running) < self._most:
            return True
        self._lost = True
        return False

    def _line_of(self, pid: int) -> str | None:
        """What a watched process is matched by; None for any other."""
        life = self._running.get(pid)
        if life is not None:
            return life.line
        row = self._rows.get(pid)
        if row is None or pid in self._left or not row.alive or row.own or not self._wanted(row):
            return None
        return row.line

    def _is_over(self, life: ProcessLife, table: ProcessTable) -> bool:
        """Whether the scan, too, says that a process has ended."""
        row = table.rows.get(life.pid)
        if row is None or not row.alive:
            return True
        if life.started is not None and row.started is not None:
            return abs(row.started - life.started) > _TICK_S
        return life.pid in self._running

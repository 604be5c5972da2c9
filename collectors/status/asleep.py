"""Which processes need not be read in each pass: those of long standing that nobody asks for (pure).

Nearly all of a pass is the kernel's part in reading a small file of each process. Whoever is shown, or may be shown
before long, is read in each pass; all others in turn, a part of them in each.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Set as AbstractSet

TURN_S = 5.0
"""All have had their turn after so long: it may take this until it is seen that one has begun another program."""
YOUNG_S = 10.0
"""So long a new process is read in each pass: it may well begin another program, as what a shell has forked does."""


class Asleep:
    """Who may be left out, pass after pass.

    Args:
        turn_s: after so long all have had their turn; 0 leaves nobody out.

    Attributes:
        pids: of the next scan.
    """

    def __init__(self, turn_s: float = TURN_S) -> None:
        self._turn_s = turn_s
        self._last: float | None = None
        self._since: dict[int, float] = {}  # when those were read that the last scan has left out
        self._young: dict[int, float] = {}  # until when
        self._known: AbstractSet[int] = frozenset()
        self._scans = 0
        self.pids: AbstractSet[int] = frozenset()

    def wake(self) -> None:
        """Have the next scan read all."""
        self.pids = frozenset()

    def elapsed_s(self, pid: int, now: float) -> float:
        """Seconds since a process was read, or looked for, before the scan of now; 0 for the first scan."""
        return now - self._since.get(pid, now if self._last is None else self._last)

    def scanned(self, now: float, pids: AbstractSet[int], near: Collection[int], every_s: float) -> None:
        """Choose whom the next scan leaves out.

        Args:
            now: when this scan was made; monotonic.
            pids: all that there are.
            near: those that are shown, or may be.
            every_s: seconds from scan to scan, about.
        """
        last, self._last = self._last, now
        if last is None:
            last = now
        else:
            self._young |= dict.fromkeys(pids - self._known, now + YOUNG_S)
        self._young = {pid: until for pid, until in self._young.items() if until > now}
        self._since = {pid: self._since.get(pid, last) for pid in self.pids & pids}
        self._known = frozenset(pids)
        self._scans += 1
        turns = int(self._turn_s / every_s)
        if turns < 2:
            self.wake()
        else:
            self.pids = {pid for pid in pids if (pid + self._scans) % turns}.difference(near, self._young)

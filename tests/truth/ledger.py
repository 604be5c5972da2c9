"""What really was on one simulated device, at any time: follows its facts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from collectors.sim.facts import Alive, Fact

_SPELLS = {
    "begins": True, "agent_stopped": True, "host_stopped": True,
    "ends": False, "agent_started": False, "host_started": False,
}  # fmt: skip
_NAMES = {
    "agent_stopped": "restarts", "agent_started": "restarts", "host_stopped": "reboots", "host_started": "reboots",
}  # fmt: skip
DEAF = frozenset({"silent", "restarts", "reboots"})
"""An agent with one of these answers nothing."""


class Life:
    """A process from its start to its end; two are the same only if they are one."""

    __slots__ = ("began", "cpu_percent", "cpu_s", "ended", "pid", "why")

    def __init__(self, pid: int, began: float, cpu_s: float, cpu_percent: float) -> None:
        self.pid = pid
        self.began = began
        self.ended = math.inf
        self.why = ""
        self.cpu_s = cpu_s
        self.cpu_percent = cpu_percent

    def cpu_at(self, t: float) -> float:
        """CPU seconds that it had used at t."""
        return self.cpu_s + self.cpu_percent / 100 * max(0.0, t - self.began)


class Seen:
    """Who could be seen between two moments: `sure` ran all the time, `maybe` for a part of it."""

    __slots__ = ("maybe", "sure")

    def __init__(self, sure: frozenset[Life] = frozenset(), maybe: frozenset[Life] = frozenset()) -> None:
        self.sure = sure
        self.maybe = maybe

    @property
    def all(self) -> frozenset[Life]:
        """Whoever may have been seen."""
        return self.sure | self.maybe

    @property
    def least(self) -> int:
        """How many were seen at least."""
        return len({life.pid for life in self.sure})

    @property
    def most(self) -> int:
        """How many were seen at most."""
        return len({life.pid for life in self.all})


class Ledger:
    """One device.

    Args:
        running: who runs at t = 0.
        agent_since, host_since: t of their starts.
    """

    def __init__(
        self, running: Mapping[str, Sequence[Alive]], agent_since: float = -3600.0, host_since: float = -3600.0
    ) -> None:
        self._lives: dict[str, list[Life]] = {}
        self._spells: dict[str, list[list[float]]] = {}
        self.agent_starts = [agent_since]
        self.host_starts = [host_since]
        self._begin(running, 0.0)

    def take(self, fact: Fact) -> None:
        """Follow what happened."""
        if fact.program:
            if fact.what in {"exited", "restarted"}:
                self._end(fact.program, fact.pid if fact.old_pid is None else fact.old_pid, fact.t, fact.why)
            if fact.what in {"started", "restarted"}:
                assert fact.pid is not None
                life = Life(fact.pid, fact.t, 0.0, fact.cpu_percent)
                self._lives.setdefault(fact.program, []).append(life)
            return
        spells = self._spells.setdefault(_NAMES.get(fact.what, fact.ailment), [])
        if _SPELLS[fact.what]:
            spells.append([fact.t, math.inf])
        elif spells:
            spells[-1][1] = fact.t
        if fact.what == "host_stopped":
            for program, lives in self._lives.items():
                for pid in [life.pid for life in lives if life.ended == math.inf]:
                    self._end(program, pid, fact.t, "reboots")
        if fact.what in {"agent_started", "host_started"}:
            self.agent_starts.append(fact.t)
        if fact.what == "host_started":
            self.host_starts.append(fact.t)
            self._begin(fact.running or {}, fact.t)

    def forget(self, before: float) -> None:
        """Drop whoever ended before that."""
        for program, lives in self._lives.items():
            self._lives[program] = [life for life in lives if life.ended >= before]

    def seen(self, program: str, begin: float, end: float) -> Seen:
        """Whom a reading between these moments can have seen."""
        there = [life for life in self._lives.get(program, ()) if life.began <= end and life.ended > begin]
        sure = frozenset(life for life in there if life.began <= begin and life.ended > end)
        return Seen(sure, frozenset(there) - sure)

    def ails(self, begin: float, end: float) -> dict[str, bool]:
        """What was wrong with the agent between two moments, by name; whether all the time."""
        found = {}
        for name, spells in self._spells.items():
            within = [(a, b) for a, b in spells if a <= end and b > begin]
            if within:
                found[name] = within[0][0] <= begin and within[-1][1] > end and len(within) == 1
        return found

    def since(self, ailment: str, t: float) -> float:
        """When the spell began that t is in, or that was before it."""
        return max((a for a, _ in self._spells.get(ailment, ()) if a <= t), default=t)

    @staticmethod
    def uptimes(starts: Sequence[float], begin: float, end: float) -> tuple[float, float]:
        """The least and the most that an uptime between two moments can have been."""
        found = []
        for start, following in zip(starts, [*starts[1:], math.inf], strict=True):
            if start <= end and following > begin:
                found += [max(begin, start) - start, min(end, following) - start]
        return min(found), max(found)

    def _begin(self, running: Mapping[str, Sequence[Alive]], t: float) -> None:
        for program, alive in running.items():
            lives = self._lives.setdefault(program, [])
            lives += [Life(one.pid, t, one.cpu_s, one.cpu_percent) for one in alive]

    def _end(self, program: str, pid: int | None, t: float, why: str) -> None:
        life = next(life for life in self._lives[program] if life.pid == pid and life.ended == math.inf)
        life.ended, life.why = t, why

"""Which intervals of a job are due (pure).

An interval is due once in each of its steps, all intervals of a job at the same number of seconds after the step's
begin: those whose steps begin together are one run. What is due stays so until a run takes it, so a run that is late,
or that stands for several, has them all, and no slow interval is ever lost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from zope.interface import implementer

from collectors.framework.interfaces import ITurns
from collectors.framework.timing import phase, slot
from common.errors import PermanentError

MOST_S = 86_400
MOST = 100
EARLY = 0.04
"""Of the shortest interval, and less than the least place in it: a timer may be so much early."""
MOST_EARLY_S = 0.5
LEAST = 0.5
"""Of the shortest interval: what a run out of turn leaves at least before the next turn."""


def intervals_of(given: Collection[int | str] | int | str, name: str) -> tuple[int, ...]:
    """The intervals of a job in whole seconds, each once, the shortest first.

    Raises:
        PermanentError: there are none, or one of them is no interval; the sentence names the job.
    """
    if isinstance(given, int | str):
        given = (given,)
    try:
        some = list(given)
    except TypeError:
        raise PermanentError(f"{name}: its intervals are {given!r}, and not some whole seconds") from None
    if not some:
        raise PermanentError(f"{name} has no intervals; it needs at least one, in whole seconds")
    if len(some) > MOST:
        raise PermanentError(f"{name} has {len(some)} intervals; it may have {MOST}")
    return tuple(sorted({_seconds(one, name) for one in some}))


def _seconds(given: object, name: str) -> int:
    if isinstance(given, str) and given.strip().isascii() and given.strip().isdigit() and len(given) <= 20:
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= MOST_S:
        raise PermanentError(f"{name}: {given!r:.60} is no interval; it has to be whole seconds, 1 to {MOST_S}")
    return given


@implementer(ITurns)
class DueSets:
    """The intervals of one job, and in which step each was taken last.

    Args:
        name: of its task; its place in the interval is made of it.
        intervals: as `intervals_of` gives them.
        place: share of the shortest interval; None for that of the name.

    Attributes:
        intervals: the shortest first.
        offset_s: how long after the begin of a step its turn is.
    """

    def __init__(self, name: str, intervals: tuple[int, ...], place: float | None = None) -> None:
        self._place = phase(name) if place is None else place
        self._taken: dict[int, int] = {}
        self._all = True
        self.intervals: tuple[int, ...] = ()
        self.offset_s = 0.0
        self.change(intervals)

    def change(self, intervals: tuple[int, ...]) -> None:
        """Go by other intervals; all of them are due."""
        self.intervals = intervals
        self.offset_s = self._place * intervals[0]
        self._taken = {one: step for one, step in self._taken.items() if one in intervals}
        self._all = True

    def everything(self) -> None:
        """Have all intervals due for the next run, in turn or not."""
        self._all = True

    def due(self, wall: float) -> dict[int, int]:
        """Intervals that are due at an epoch second, each with its step."""
        wanted: Iterable[int] = self.intervals if self._all else self._on_turn(wall)
        return {one: slot(wall, one) for one in wanted}

    def take(self, wall: float) -> dict[int, int]:
        """The same, for a run that begins now: they are due no more."""
        due = self.due(wall)
        self._taken = {**self._taken, **{one: due[one] for one in self._on_turn(wall)}}
        self._all = False
        return due

    def wait_s(self, wall: float, *, begins: bool = False) -> float:
        """Seconds from now to the next turn; where a run begins now that is out of turn, it is not too soon."""
        # Where the clock was set back, what was taken is of steps that come again.
        self._taken = {one: min(step, slot(wall, one)) for one, step in self._taken.items()}
        early_s = self._early_s()
        turn = min(self._next(one, wall + early_s) for one in self.intervals)
        return max(turn - wall, LEAST * self.intervals[0] if begins else 0.0)

    def _on_turn(self, wall: float) -> list[int]:
        """Those whose turn has come since they were taken."""
        soon = wall + self._early_s()
        return [one for one in self.intervals if self._turn_after(one) <= soon]

    def _turn_after(self, interval_s: int) -> float:
        """The first turn of an interval since it was taken last."""
        step = self._taken.get(interval_s)
        return float("-inf") if step is None else step + interval_s + self.offset_s

    def _next(self, interval_s: int, wall: float) -> float:
        """The first turn of an interval after now."""
        coming = slot(wall - self.offset_s, interval_s) + interval_s + self.offset_s
        return max(coming, self._turn_after(interval_s))

    def _early_s(self) -> float:
        return min(EARLY * self.intervals[0], MOST_EARLY_S)


def words(steps: Mapping[int, int]) -> str:
    """A due set for people: `60 s, 300 s`."""
    return ", ".join(f"{interval_s} s" for interval_s in sorted(steps))

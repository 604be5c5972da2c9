"""Moves that failed: when each is tried again, and why it was none."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from twisted.internet.interfaces import IReactorTime

from hub.moving.interfaces import Key

AGAIN_S = (2.0, 300.0)
"""First and longest pause after a failure that passes by itself."""
LATER_S = 3600.0
"""Pause after one that does not."""


class Pause(Struct):
    """A move that failed: how often in a row, when it is tried again, and why."""

    times: int
    until: float
    reason: str
    lasting: bool = False
    problems: tuple[str, ...] = ()


class Pauses:
    """All of them; `clock` only goes forward."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._kept: dict[Key, Pause] = {}

    def get(self, key: Key) -> Pause | None:
        """That of a move."""
        return self._kept.get(key)

    def holds(self, key: Key) -> bool:
        """Whether it is not yet time to try it again."""
        pause = self._kept.get(key)
        return pause is not None and pause.until > self._clock.seconds()

    def after(self, key: Key, reason: str, *, lasting: bool, problems: Sequence[str] = ()) -> Pause:
        """One more failure, longer than the last where it may pass by itself."""
        before = self._kept.get(key)
        times = 1 + (before.times if before is not None else 0)
        seconds = LATER_S if lasting else min(AGAIN_S[1], AGAIN_S[0] * 2.0 ** min(times - 1, 16))
        return Pause(times, self._clock.seconds() + seconds, reason, lasting, tuple(problems))

    def of_turn(self, reason: str, seconds: float) -> Pause:
        """No failure: others go first."""
        return Pause(0, self._clock.seconds() + seconds, reason)

    def put(self, key: Key, pause: Pause) -> None:
        """Let a move wait."""
        self._kept[key] = pause

    def end(self, key: Key) -> None:
        """It need not wait."""
        self._kept.pop(key, None)

    def forgive(self, concerns: Callable[[Key], bool]) -> None:
        """Have some of them tried again at once."""
        for key, pause in self._kept.items():
            if concerns(key):
                pause.until = 0.0

"""Waits a moment for more of the same before work begins.

Our ancestor's procrastinator started its wait anew at each change, so that a steady stream was never sent; this one has
a longest wait, one drain, and gives out what has waited longest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

QUIET_S = 0.25
LONGEST_S = 2.0


class Procrastinator:
    """Gathers ids until nobody has named one for `quiet_s`, but never for longer than `longest_s`."""

    def __init__(
        self,
        clock: IReactorTime,
        release: Callable[[list[str]], None],
        quiet_s: float = QUIET_S,
        longest_s: float = LONGEST_S,
    ) -> None:
        self._clock = clock
        self._release = release
        self._quiet_s = quiet_s
        self._longest_s = longest_s
        self._waiting: dict[str, None] = {}
        self._deadline = 0.0
        self._timer: IDelayedCall | None = None

    @property
    def waiting(self) -> int:
        """How many ids wait."""
        return len(self._waiting)

    def later(self, ids: Iterable[str]) -> None:
        """Add ids; one that waits already keeps its place."""
        before = len(self._waiting)
        named = False
        for id_ in ids:
            named = True
            self._waiting.setdefault(id_)
        if not named:
            return
        now = self._clock.seconds()
        if before == 0:
            self._deadline = now + self._longest_s
        self._cancel()
        self._timer = self._clock.callLater(max(0.0, min(self._quiet_s, self._deadline - now)), self.flush)

    def flush(self) -> None:
        """Give out what waits, now."""
        self._cancel()
        ids, self._waiting = list(self._waiting), {}
        if ids:
            self._release(ids)

    def _cancel(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

"""Waits a moment for more of the same before work begins.

Our ancestor's procrastinator started its wait anew at each change, so that a steady stream was never sent; this one has
a longest wait, one drain, and gives out what has waited longest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

QUIET_S = 0.25
LONGEST_S = 2.0


class Procrastinator:
    """Gathers ids until nobody has named one for `quiet_s`, but never for longer than `longest_s`.

    The drain may take its time: what is named meanwhile is gathered, and given out when it is over. An id waits once,
    however often it is named, and keeps its place.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        drain: Callable[[list[str]], Deferred[None] | None],
        quiet_s: float = QUIET_S,
        longest_s: float = LONGEST_S,
    ) -> None:
        """Prepare; `drain` takes the ids, and gives a Deferred if it goes on with them for a while."""
        self._clock = clock
        self._drain = drain
        self._quiet_s = quiet_s
        self._longest_s = longest_s
        self._waiting: dict[str, float] = {}  # clock seconds when it was first named
        self._named_at = 0.0
        self._timer: IDelayedCall | None = None
        self._draining = False

    @property
    def waiting(self) -> int:
        """How many ids wait."""
        return len(self._waiting)

    def later(self, ids: Iterable[str]) -> None:
        """Add ids; one that waits already keeps its place."""
        now = self._clock.seconds()
        named = False
        for id_ in ids:
            named = True
            self._waiting.setdefault(id_, now)
        if named:
            self._named_at = now
            self._plan()

    def flush(self) -> None:
        """Give out what waits, now; before the end, also beside a drain that is not over."""
        self._cancel()
        ids, self._waiting = list(self._waiting), {}
        if not ids:
            return
        going_on = self._drain(ids)
        if going_on is not None:
            self._draining = True
            going_on.addBoth(self._drained)

    def _plan(self) -> None:
        """Set the timer, unless a drain is going on; its end looks again."""
        self._cancel()
        if self._waiting and not self._draining:
            eldest = next(iter(self._waiting.values()))
            due = min(self._named_at + self._quiet_s, eldest + self._longest_s)
            self._timer = self._clock.callLater(max(0.0, due - self._clock.seconds()), self.flush)

    def _drained(self, result: object) -> None:
        self._draining = False
        if isinstance(result, Failure):
            self.log.failure("error in the background", failure=result)
        self._plan()

    def _cancel(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

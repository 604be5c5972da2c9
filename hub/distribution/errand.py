"""Work that goes on in the background until it is ended."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger


class Errand:
    """Runs one coroutine; `stop` may be called from within it.

    A coroutine cannot be cancelled while it is what runs just now, so the cut comes with the reactor's next turn.
    """

    log = Logger()

    def __init__(self, clock: IReactorTime, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._clock = clock
        self._work = work
        self._running: Deferred[None] | None = None
        self.stopped = False

    def start(self) -> None:
        """Begin."""
        self._running = Deferred.fromCoroutine(self._work())
        self._running.addErrback(self._ended)

    def stop(self) -> None:
        """End it wherever it waits."""
        if not self.stopped:
            self.stopped = True
            self._clock.callLater(0, self._cut)

    def _cut(self) -> None:
        if self._running is not None and not self._running.called:
            self._running.cancel()

    def _ended(self, failure: Any) -> None:
        if failure.check(CancelledError) is None:
            self.log.failure("error in the background", failure=failure)

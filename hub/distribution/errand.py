"""Work that goes on in the background until it is ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from common.errors import TransientError


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


class Every:
    """Does a piece of work again and again, so long after its last end."""

    log = Logger()

    def __init__(self, clock: IReactorTime, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
        self._clock = clock
        self._seconds = seconds
        self._work = work
        self._errand = Errand(clock, self._run)

    def start(self) -> None:
        """Begin with a wait."""
        self._errand.start()

    def stop(self) -> None:
        """Do it no more."""
        self._errand.stop()

    async def _run(self) -> None:
        while not self._errand.stopped:
            await deferLater(self._clock, self._seconds, lambda: None)
            try:
                await self._work()
            except CancelledError:
                raise
            except TransientError as error:
                self.log.warn("put off: {reason}", reason=error.message)  # noqa: G010 - twisted.logger calls it so
            except Exception:  # noqa: BLE001 - the supervisor of what is done regularly: the next time is another
                self.log.failure("error in the background")

"""How a service whose start takes time is started, and stopped in reverse."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from common.errors import TransientError

Closer = Callable[[], object]


class Life(Service):
    """Runs `begin`, which registers with `at_end` what has to be undone; the last is undone first."""

    log = Logger()

    def __init__(self, begin: Callable[[Life], Coroutine[Any, Any, Callable[[], dict[str, Any]]]]) -> None:
        """Prepare; `begin` gives what tells the figures of the running service."""
        self._begin = begin
        self._closers: list[Closer] = []
        self._figures: Callable[[], dict[str, Any]] = dict
        self._starting: Deferred[None] | None = None
        self._waiting: list[Deferred[None]] = []
        self._outcome: BaseException | None = None
        self._is_up = False

    def at_end(self, closer: Closer) -> None:
        """Have something done when the service stops; it may return a Deferred."""
        self._closers.append(closer)

    def figures(self) -> dict[str, Any]:
        """How it fares."""
        return self._figures()

    async def ready(self) -> None:
        """Wait until all is up.

        Raises:
            TocsinError: it could not start, and everything has been undone.
        """
        if self._outcome is not None:
            raise self._outcome
        if not self._is_up:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            await waiting

    def startService(self) -> None:
        """Begin."""
        stock: Any = super()  # it has no types
        stock.startService()
        self._starting = Deferred.fromCoroutine(self._start())
        self._starting.addErrback(self._failed)

    def stopService(self) -> Deferred[None]:
        """Undo what was done, however far the start has come."""
        stock: Any = super()  # it has no types
        stock.stopService()
        if self._starting is not None:
            self._starting.cancel()
        return Deferred.fromCoroutine(self._close())

    async def _start(self) -> None:
        try:
            self._figures = await self._begin(self)
        except CancelledError:
            self._tell(TransientError("it was stopped while it started"))
            raise
        except Exception as error:  # noqa: BLE001 - the supervisor of the start: whoever waits for `ready` is told
            await self._close()
            self._tell(error)
        else:
            self._is_up = True
            self._tell(None)

    def _tell(self, outcome: BaseException | None) -> None:
        self._outcome = outcome
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            if outcome is None:
                deferred.callback(None)
            else:
                deferred.errback(outcome)

    async def _close(self) -> None:
        closers, self._closers = self._closers, []
        for closer in reversed(closers):
            try:
                await maybeDeferred(closer)
            except Exception:  # noqa: BLE001 - the supervisor of the end: the rest is closed all the same
                self.log.failure("error while stopping")

    def _failed(self, failure: Failure) -> None:
        if not isinstance(failure.value, CancelledError):
            self.log.failure("error while starting", failure)

"""Services that build on one another: started in order, stopped in reverse, each after the one before has stopped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger

_log = Logger()


class Chain(Service):
    """Runs its parts; one that fails to stop does not keep the others from it."""

    def __init__(self, parts: Sequence[Any]) -> None:
        self._parts = list(parts)
        self._started: list[Any] = []

    def startService(self) -> None:
        """Start all; what one of them raises ends the start."""
        super().startService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        for part in self._parts:
            part.startService()
            self._started.append(part)

    def stopService(self) -> Deferred[None]:
        """Stop those that were started."""
        super().stopService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        while self._started:
            part = self._started.pop()
            try:
                stopping: Deferred[Any] = maybeDeferred(part.stopService)
                await stopping
            except Exception:  # noqa: BLE001 - the supervisor of the end
                _log.failure("{part} did not stop cleanly", part=type(part).__name__)

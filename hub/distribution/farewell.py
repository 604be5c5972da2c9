"""What was changed just before the hub stops still goes out to those that are there.

Its place is after the doors by which anything can be changed, and before the sessions end.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from hub.distribution.services import Services

LONGEST_S = 2.0
LOOK_S = 0.05


class Farewell:
    """Stops when nothing is on its way any more, or after a while; what was not sent is found at the next start."""

    def __init__(self, clock: IReactorTime, services: Services) -> None:
        self._clock = clock
        self._services = services

    def startService(self) -> None:
        """There is nothing to begin."""

    def stopService(self) -> Deferred[None]:
        """Wait for what is on its way."""
        return Deferred.fromCoroutine(self._see_off())

    async def _see_off(self) -> None:
        end = self._clock.seconds() + LONGEST_S
        self._services.flush()
        while self._services.is_busy and self._clock.seconds() < end:
            await deferLater(self._clock, LOOK_S, lambda: None)

"""Closes the events of devices that have left the model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from common.errors import TransientError
from hub.distribution.distributor import Distributor
from hub.distribution.errand import Errand
from hub.model.entities import Model

LET_GO_S = 30.0
LAST_WORDS_S = 2.0
TRIES = 5
BY = "hub"


class Departures:
    """Waits until the collector has let go of a device and its last events have come, then closes what is open."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        wall: Callable[[], float],
        distributor: Distributor,
        close: Callable[[Sequence[str], str, float], Awaitable[int]],
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._distributor = distributor
        self._close = close
        self._leaving: dict[str, None] = {}
        self._revision = 0
        self._errand: Errand | None = None

    def model_changed(self, revision: int, before: Model, after: Model, devices: Sequence[str]) -> None:
        """Look which of the devices that a revision concerns have left."""
        self.left(revision, [device for device in devices if device in before.devices and device not in after.devices])

    def left(self, revision: int, devices: Sequence[str]) -> None:
        """These are not in the model any more, from a revision on."""
        self._leaving.update(dict.fromkeys(devices))
        self._revision = revision
        if self._errand is None and self._leaving:
            self._errand = Errand(self._clock, self._see_off)
            self._errand.start()

    def start(self) -> None:
        """Nobody is leaving yet."""

    def stop(self) -> None:
        """Wait for nothing."""
        if self._errand is not None:
            self._errand.stop()

    async def _see_off(self) -> None:
        try:
            while self._leaving:
                devices = list(self._leaving)
                await self._distributor.wait_live(self._revision, LET_GO_S)
                await deferLater(self._clock, LAST_WORDS_S, lambda: None)
                self._leaving = {device: None for device in self._leaving if device not in devices}
                gone = [device for device in devices if self._distributor.owner(device) is None]
                if gone:
                    await self._close_all(gone)
        finally:
            self._errand = None

    async def _close_all(self, devices: Sequence[str]) -> None:
        for again in range(TRIES):
            try:
                await self._close(devices, BY, self._wall())
            except TransientError as error:
                self.log.warn("events of removed devices stay open: {reason}", reason=error.message)  # noqa: G010 - its name
                await deferLater(self._clock, 2.0**again, lambda: None)
            else:
                return

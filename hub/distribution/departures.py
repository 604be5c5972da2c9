"""Closes the events of devices that have left the model, and those that a collector left open when a device moved.

A collector that lets go of a device says of none of its alarms that they are over, and the next one knows of none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from common.errors import TransientError
from hub.distribution.distributor import Distributor
from hub.distribution.errand import Errand
from hub.distribution.hubevents import HUB
from hub.model.entities import Model

LET_GO_S = 30.0
LAST_WORDS_S = 2.0
TRIES = 5


class Departures:
    """Waits until the collector has let go of a device and its last events have come, then closes what is open.

    Of a device that has moved, what the new collector has reported stays open. If the old one is away, it is closed
    once when the new one runs, and again when the old one has come back and let go.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        wall: Callable[[], float],
        distributor: Distributor,
        close: Callable[[Sequence[str], str, float], Awaitable[int]],
        leave_behind: Callable[[Mapping[str, str], str, float], Awaitable[int]],
    ) -> None:
        """Prepare.

        Args:
            clock: for waiting.
            wall: epoch seconds, when events are closed.
            distributor: knows who runs what.
            close: closes all events of devices.
            leave_behind: closes those that others than the collector of a device have raised.
        """
        self._clock = clock
        self._wall = wall
        self._distributor = distributor
        self._close = close
        self._leave_behind = leave_behind
        self._leaving: dict[str, None] = {}
        self._moving: dict[str, bool] = {}  # whether it was closed once
        self._revision = 0
        self._errand: Errand | None = None

    def model_changed(self, revision: int, before: Model, after: Model, devices: Sequence[str]) -> None:
        """Look which of the devices that a revision concerns have left, or moved."""
        stayed = [device for device in devices if device in before.devices and device in after.devices]
        self.moved(
            revision,
            [one for one in stayed if before.devices[one].collector != after.devices[one].collector],
        )
        self.left(revision, [device for device in devices if device in before.devices and device not in after.devices])

    def left(self, revision: int, devices: Iterable[str]) -> None:
        """These are not in the model any more, from a revision on."""
        self._leaving.update(dict.fromkeys(devices))
        self._go(revision)

    def moved(self, revision: int, devices: Iterable[str]) -> None:
        """These have another collector, from a revision on."""
        self._moving.update(dict.fromkeys(devices, False))
        self._go(revision)

    def remember(self, reporters: Iterable[tuple[str, str]]) -> None:
        """Take in of which devices there are open events, and by which collectors: some may have moved long ago."""
        owners = ((device, collector, self._distributor.owner(device)) for device, collector in reporters)
        self.moved(0, [device for device, by, owner in owners if owner is not None and by not in {owner, HUB}])

    def start(self) -> None:
        """Nobody is leaving yet."""

    def stop(self) -> None:
        """Wait for nothing."""
        if self._errand is not None:
            self._errand.stop()

    def _go(self, revision: int) -> None:
        self._revision = max(revision, self._revision)
        if self._errand is None and (self._leaving or self._moving):
            self._errand = Errand(self._clock, self._see_off)
            self._errand.start()

    async def _see_off(self) -> None:
        try:
            while self._leaving or self._moving:
                leaving, moving = list(self._leaving), list(self._moving)
                await self._distributor.wait_live(self._revision, LET_GO_S)
                await deferLater(self._clock, LAST_WORDS_S, lambda: None)
                self._leaving = {device: None for device in self._leaving if device not in leaving}
                if gone := [device for device in leaving if self._distributor.owner(device) is None]:
                    await self._stubbornly(partial(self._close, gone, HUB, self._wall()))
                if there := self._arrived(moving):
                    await self._stubbornly(partial(self._leave_behind, there, HUB, self._wall()))
        finally:
            self._errand = None

    def _arrived(self, moving: Iterable[str]) -> dict[str, str]:
        """Those whose old events are to be closed now, with their collectors."""
        found: dict[str, str] = {}
        for device in moving:
            owner = self._distributor.owner(device)
            settled = owner is None or self._distributor.in_sync(device)
            if owner is not None and self._distributor.runs(device) and (settled or not self._moving[device]):
                found[device] = owner
                self._moving[device] = True
            if settled:
                del self._moving[device]
        return found

    async def _stubbornly(self, closing: Callable[[], Awaitable[int]]) -> None:
        for again in range(TRIES):
            try:
                await closing()
            except TransientError as error:
                self.log.warn("events of devices that left stay open: {reason}", reason=error.message)  # noqa: G010 - its name
                await deferLater(self._clock, 2.0**again, lambda: None)
            else:
                return

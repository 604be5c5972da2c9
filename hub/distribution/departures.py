"""Closes the events of devices that have left the model, and those that a collector left open when a device moved.

A collector that lets go of a device says of none of its alarms that they are over, and the next one knows of none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from functools import partial

from msgspec import Struct
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from common.errors import TransientError
from common.events import HUB
from hub.distribution.distributor import Distributor
from hub.distribution.errand import Errand
from hub.events.holders import Stood
from hub.model.model import Model

LET_GO_S = 30.0
LAST_WORDS_S = 2.0
LOOK_S = 3.0
A_SCAN_S = 10.0
LONGEST_LOOK_S = 600.0
TRIES = 5


class Moving(Struct):
    """A device that moves.

    Attributes:
        ripe_at: when the new collector has had time to look; None until it runs the device.
        closed: what the old one left open was closed once.
        stood: what daemons of its collector had open when they got it anew.
    """

    ripe_at: float | None = None
    closed: bool = False
    stood: dict[tuple[int, str], int] = {}


class Departures:
    """Waits until the collector has let go of a device and its last events have come, then closes what is open.

    Of a device that has moved, what the new collector has reported stays open; it has time for a first look, so that an
    alarm whose cause goes on is not closed and opened anew. If the old one is away, it is closed once when the new one
    runs, and again when the old one has come back and let go.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        wall: Callable[[], float],
        distributor: Distributor,
        close: Callable[[Sequence[str], str, float], Awaitable[int]],
        leave_behind: Callable[[Mapping[str, str], str, float, Stood], Awaitable[int]],
        standing: Callable[[Collection[str], str], Awaitable[Stood]],
        slowest_s: Callable[[str], float] = lambda _: 0.0,
        readers: Callable[[], Iterable[Distributor]] = tuple,
    ) -> None:
        """Prepare.

        Args:
            clock: for waiting.
            wall: epoch seconds, when events are closed.
            distributor: knows who runs what.
            close: closes all events of devices.
            leave_behind: closes those that others than the collector of a device have raised, and of those that it had
                raised before, which are given, what was not seen since.
            standing: tells what daemons of a name have open of devices.
            slowest_s: after what time all that is read of a device has been read once.
            readers: the distributors of other daemons that read something of devices.
        """
        self._clock = clock
        self._wall = wall
        self._distributor = distributor
        self._close = close
        self._leave_behind = leave_behind
        self._standing = standing
        self._slowest_s = slowest_s
        self._readers = readers
        self._leaving: dict[str, None] = {}
        self._moving: dict[str, Moving] = {}
        self._revision = 0
        self._errand: Errand | None = None

    def model_changed(self, revision: int, before: Model, after: Model, devices: Sequence[str]) -> None:
        """Look which of the devices that a revision concerns have left."""
        self.left(revision, [device for device in devices if device in before.devices and device not in after.devices])

    def left(self, revision: int, devices: Iterable[str]) -> None:
        """These are not in the model any more, from a revision on."""
        self._leaving.update(dict.fromkeys(devices))
        self._go(revision)

    def moved(self, revision: int, devices: Iterable[str]) -> None:
        """These have another collector, from a revision on.

        If it had them before and has let go of them, it knows nothing of the alarms that it raised then. What is open
        now is looked at at once: before it can be told of the device, and see anything again.
        """
        named = list(devices)
        self._moving.update({device: Moving() for device in named})
        for reader in (self._distributor, *self._readers()):
            if anew := [device for device in named if not reader.may_run(device)]:
                Errand(self._clock, partial(self._look_at, anew, reader.service)).start()
        self._go(revision)

    def last_words(self, devices: Iterable[str]) -> None:
        """A former collector had something to say of these."""
        self._moving.update({device: Moving() for device in devices if device not in self._moving})
        self._go(0)

    def remember(self, reporters: Iterable[tuple[str, str]]) -> None:
        """Take in of which devices there are open events, and by which collectors: some may have moved or left.

        What a collector, or the hub, says of a collector itself is no matter of the model.
        """
        owners = [(device, by, self._distributor.owner(device)) for device, by in reporters if by not in {device, HUB}]
        self.left(0, [device for device, _, owner in owners if owner is None])
        self.last_words([device for device, by, owner in owners if owner is not None and by != owner])

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

    async def _look_at(self, devices: Collection[str], service: str) -> None:
        try:
            stood = await self._standing(devices, service)
        except TransientError as error:
            self.log.warn("what is open of devices that moved is not known: {reason}", reason=error.message)  # noqa: G010 - its name
            return
        for state in (self._moving[device] for device in devices if device in self._moving):
            state.stood = {**state.stood, **stood}

    async def _see_off(self) -> None:
        try:
            while self._leaving or self._moving:
                leaving, moving = list(self._leaving), list(self._moving)
                await self._distributor.wait_live(self._revision, self._patience_s())
                await deferLater(self._clock, LAST_WORDS_S, lambda: None)
                self._leaving = {device: None for device in self._leaving if device not in leaving}
                if gone := [device for device in leaving if self._distributor.owner(device) is None]:
                    await self._stubbornly(partial(self._close, gone, HUB, self._wall()))
                there, stood = self._arrived(moving)
                if there:
                    await self._stubbornly(partial(self._leave_behind, there, HUB, self._wall(), stood))
        finally:
            self._errand = None

    def _arrived(self, moving: Iterable[str]) -> tuple[dict[str, str], dict[tuple[int, str], int]]:
        """Those whose old events are to be closed now, with their collectors; what had been seen of them, by id."""
        found: dict[str, str] = {}
        stood: dict[tuple[int, str], int] = {}
        for device in moving:
            owner, state = self._distributor.owner(device), self._moving[device]
            settled = owner is None or self._distributor.in_sync(device)
            if owner is not None and self._distributor.runs(device) and (settled or not state.closed):
                if not self._has_looked(device, state):
                    continue
                found[device] = owner
                stood.update(state.stood)
                state.closed, state.stood = True, {}
            if settled:
                del self._moving[device]
        return found, stood

    def _has_looked(self, device: str, state: Moving) -> bool:
        """Whether a collector that runs the device now has had time to find out how it is."""
        now = self._clock.seconds()
        if state.ripe_at is None:
            wanted = self._distributor.wanted(device)
            own_s = wanted.config.interval_s if wanted is not None and wanted.config is not None else 0
            interval_s = max(own_s, self._slowest_s(device))
            state.ripe_at = now + min(LONGEST_LOOK_S, interval_s + A_SCAN_S) - LAST_WORDS_S
        return now >= state.ripe_at

    def _patience_s(self) -> float:
        """How long to wait for who has not let go, before it is seen who has got what meanwhile."""
        return LET_GO_S if self._leaving or all(state.closed for state in self._moving.values()) else LOOK_S

    async def _stubbornly(self, closing: Callable[[], Awaitable[int]]) -> None:
        for again in range(TRIES):
            try:
                await closing()
            except TransientError as error:
                self.log.warn("events of devices that left stay open: {reason}", reason=error.message)  # noqa: G010 - its name
                await deferLater(self._clock, 2.0**again, lambda: None)
            else:
                return

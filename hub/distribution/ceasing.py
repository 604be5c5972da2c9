"""Closes what daemons have left open of devices of which they read nothing any more.

One that is told to let go of a device says of none of its alarms that they are over. One that was away meanwhile may
bring alarms later that were never closed, and a hub that was stopped meanwhile finds them at its next start.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from common.errors import TransientError
from common.events import HUB
from hub.distribution.errand import Errand
from hub.distribution.services import Services
from hub.model.gathering import services_of
from hub.model.model import Model

LET_GO_S = 60.0
LAST_WORDS_S = 2.0

CloseOf = Callable[[Sequence[str], str, str, float], Awaitable[int]]
"""Closes what a daemon has raised about devices: ids, daemon, by whom, when."""


class Ceasing:
    """Waits until a daemon has let go, and its last events have come."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        wall: Callable[[], float],
        services: Services,
        model: Callable[[], Model],
        close: CloseOf,
    ) -> None:
        """Prepare.

        Args:
            clock: for waiting.
            wall: epoch seconds, when events are closed.
            services: know who runs what.
            model: the newest.
            close: closes events.
        """
        self._clock = clock
        self._wall = wall
        self._services = services
        self._model = model
        self._close = close
        self._late: dict[str, dict[str, None]] = {}  # by service, devices that are looked at soon

    def model_changed(self, revision: int, before: Model, after: Model, devices: Sequence[str]) -> None:
        """Look of which devices a service reads nothing any more; those that are gone are others' business."""
        ceased: dict[str, list[str]] = {}
        for name in devices:
            old, new = before.devices.get(name), after.devices.get(name)
            if old is not None and new is not None:
                for service in services_of(before, old) - services_of(after, new):
                    ceased.setdefault(service, []).append(name)
        for service, named in ceased.items():
            Errand(self._clock, partial(self._see_off, revision, service, named)).start()

    def last_words(self, service: str, devices: Iterable[str]) -> None:
        """A service had something to say of these, of which it may read nothing any more."""
        model = self._model()
        ceased = [one for one in devices if self._reads_nothing(model, service, one)]
        if not ceased or all(one.service != service for one in self._services.readers):
            return
        waiting = self._late.get(service)
        if waiting is not None:
            waiting.update(dict.fromkeys(ceased))
            return
        self._late[service] = dict.fromkeys(ceased)
        Errand(self._clock, partial(self._see_off_late, model.revision, service)).start()

    def remember(self, tellers: Iterable[tuple[str, str]]) -> None:
        """Take in of which devices there are open events, and by which daemons: some may have ceased long ago."""
        by_service: dict[str, list[str]] = {}
        for device, service in tellers:
            by_service.setdefault(service, []).append(device)
        for service, devices in by_service.items():
            self.last_words(service, devices)

    async def _see_off_late(self, revision: int, service: str) -> None:
        await deferLater(self._clock, LAST_WORDS_S, lambda: None)  # others may come with these
        await self._see_off(revision, service, list(self._late.pop(service)))

    async def _see_off(self, revision: int, service: str, devices: Sequence[str]) -> None:
        distributor = self._services.of(service)
        if distributor is not None:
            await distributor.wait_live(revision, LET_GO_S)
        await deferLater(self._clock, LAST_WORDS_S, lambda: None)
        model = self._model()
        still = [one for one in devices if self._reads_nothing(model, service, one)]
        try:
            await self._close(still, service, HUB, self._wall())
        except TransientError as error:
            self.log.warn("events of what is not read any more stay open: {reason}", reason=error.message)  # noqa: G010 - its name

    @staticmethod
    def _reads_nothing(model: Model, service: str, name: str) -> bool:
        """Whether a service reads nothing of a device that there is."""
        device = model.devices.get(name)
        return device is not None and service not in services_of(model, device)

"""Closes what daemons have left open of devices of which they read nothing any more.

One that is told to let go of a device says of none of its alarms that they are over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
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

    async def _see_off(self, revision: int, service: str, devices: Sequence[str]) -> None:
        distributor = self._services.of(service)
        if distributor is not None:
            await distributor.wait_live(revision, LET_GO_S)
        await deferLater(self._clock, LAST_WORDS_S, lambda: None)
        model = self._model()
        still = [
            one for one in devices if one in model.devices and service not in services_of(model, model.devices[one])
        ]
        try:
            await self._close(still, service, HUB, self._wall())
        except TransientError as error:
            self.log.warn("events of what is not read any more stay open: {reason}", reason=error.message)  # noqa: G010 - its name

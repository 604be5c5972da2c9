"""What nobody reads, because no daemon that could has ever logged in where the devices are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from msgspec import Struct
from twisted.internet.interfaces import IReactorTime

from hub.model.entities import Device
from hub.model.gathering import gathered_of
from hub.model.model import Model

KEEPS_S = 5.0
"""So long it is not counted anew, unless the model is another: members of pools may come and go."""


class Uncollected(Struct, frozen=True, kw_only=True):
    """So many devices of a collector have sources that are not read there."""

    service: str
    collector: str
    devices: int


class Reach:
    """Knows where daemons of which service are."""

    def __init__(
        self,
        clock: IReactorTime,
        model: Callable[[], Model],
        owner: Callable[[str], str | None],
        is_known: Callable[[str, str], bool],
    ) -> None:
        """Begin to look.

        Args:
            clock: for how long something is not counted anew.
            model: the newest.
            owner: the collector that has a device now.
            is_known: whether a collector has ever had a daemon.
        """
        self._clock = clock
        self._model = model
        self._owner = owner
        self._is_known = is_known
        self._counted: tuple[Model | None, float, Counter[tuple[str, str]]] = (None, 0.0, Counter())

    def lacking(self) -> list[Uncollected]:
        """Where daemons are missing, by service and collector."""
        return [
            Uncollected(service=service, collector=collector, devices=count)
            for (service, collector), count in sorted(self._wanted().items())
            if not self._is_known(collector, service)
        ]

    def why_not(self, device: Device, service: str) -> str:
        """Why a service does not read a device, as far as that is a matter of daemons; empty when it does."""
        collector = self._owner(device.id) or device.collector
        return "" if self._is_known(collector, service) else missing(collector, service)

    def _wanted(self) -> Counter[tuple[str, str]]:
        """How many devices have something to be read, by service and collector."""
        model, now = self._model(), self._clock.seconds()
        if self._counted[0] is not model or now >= self._counted[1] + KEEPS_S:
            found: Counter[tuple[str, str]] = Counter()
            for device in model.devices.values():
                services = gathered_of(model, device).services
                owner = self._owner(device.id) if services else None
                if owner is not None:
                    found.update((service, owner) for service in services)
            self._counted = model, now, found
        return self._counted[2]


def missing(collector: str, service: str) -> str:
    """The sentence for a daemon that was never there."""
    return f"no tocsin-{service} has logged in at collector {collector}"

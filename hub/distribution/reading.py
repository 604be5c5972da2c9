"""Which daemons are to read what of a device, and which do, by the configs that are compiled for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from common.configs import SERVICE_MODELER
from common.processpoints import PROCESS_SOURCE
from hub.distribution.services import Services
from hub.distribution.wanted import Wanted


def sources_wanted(services: Services, device: str) -> Mapping[str, Sequence[str]]:
    """By daemon the names of the sources that it is to read of a device; those who read nothing of it are left out."""
    found: dict[str, Sequence[str]] = {}
    for service in services.names:
        distributor = services.of(service) if service != SERVICE_MODELER else None
        wanted = distributor.wanted(device) if distributor is not None else None
        if wanted is None or wanted.config is None:
            continue
        sources = [source.id for source in wanted.config.sources]
        if wanted.config.process_sets:
            sources.append(PROCESS_SOURCE)
        if sources:
            found[service] = sources
    return found


class Owners:
    """Who has which device, and which of its daemons run it."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def owner(self, device: str) -> str | None:
        """The collector of a device; None when the model has no such device."""
        return self._services.process.owner(device)

    def wanted(self, device: str) -> Wanted | None:
        """What was compiled last for the daemon of the device's collector that collects processes, and for whom."""
        return self._services.process.wanted(device)

    def runs(self, device: str, daemon: str) -> bool:
        """Whether the daemon of the collector of a device runs it."""
        distributor = self._services.of(daemon)
        return distributor is not None and distributor.runs(device)

    def reads(self, device: str, daemon: str) -> bool:
        """Whether a daemon is to read something of a device, by the model."""
        return daemon in sources_wanted(self._services, device)

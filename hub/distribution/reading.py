"""Which daemons are to read what of a device, by the configs that are compiled for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from common.configs import SERVICE_MODELER
from hub.distribution.services import Services

PROCESS_SOURCE = "process"
"""Of the series of process sets."""


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

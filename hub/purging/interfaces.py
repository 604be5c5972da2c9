"""Devices of which files lie at collectors although they have left the model, and the seam to the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct
from zope.interface import Interface

from common.configs import SERVICE_PROCESS

Key = tuple[str, str, str]
"""Of what a device left behind: device, collector and daemon."""


class Remnant(Struct, frozen=True, kw_only=True):
    """Files of a device that has left, at a daemon of a collector.

    Attributes:
        since: epoch second of when the hub was told of them first.
        purge_by: who wants them deleted, which could not be done yet; empty when nobody does.
    """

    device: str
    collector: str
    since: float
    purge_by: str = ""
    daemon: str = SERVICE_PROCESS

    @property
    def key(self) -> Key:
        """Device, collector and daemon; there is one of each."""
        return self.device, self.collector, self.daemon


class IRemnantStore(Interface):
    """What a restart of the hub must not forget of such files."""

    async def remnants() -> list[Remnant]:
        """All that are known, in order of device, collector and daemon."""

    async def record(remnants: Iterable[Remnant], gone: Iterable[Key] = ()) -> None:
        """Remember some as they are now, and forget others by their keys, in one transaction.

        Raises:
            TransientError: the database refused; nothing is changed.
        """

    async def left(devices: Collection[str]) -> Mapping[str, float]:
        """When devices were removed from the model last, in epoch seconds; only of those of which that is known."""

"""Devices of which files lie at collectors although they have left the model, and the seam to the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct
from zope.interface import Interface


class Remnant(Struct, frozen=True, kw_only=True):
    """Files of a device that has left, at a collector.

    Attributes:
        since: epoch second of when the hub was told of them first.
        purge_by: who wants them deleted, which could not be done yet; empty when nobody does.
    """

    device: str
    collector: str
    since: float
    purge_by: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Device and collector; there is one of each."""
        return self.device, self.collector


class IRemnantStore(Interface):
    """What a restart of the hub must not forget of such files."""

    async def remnants() -> list[Remnant]:
        """All that are known, in order of device and collector."""

    async def record(remnants: Iterable[Remnant], gone: Iterable[tuple[str, str]] = ()) -> None:
        """Remember some as they are now, and forget others by device and collector, in one transaction.

        Raises:
            TransientError: the database refused; nothing is changed.
        """

    async def left(devices: Collection[str]) -> Mapping[str, float]:
        """When devices were removed from the model last, in epoch seconds; only of those of which that is known."""

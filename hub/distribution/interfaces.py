"""The seams of config distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from zope.interface import Attribute, Interface

from common.configs import DeviceConfig


class IModelView(Interface):
    """The model as distribution needs it: cheap, in memory, always the newest revision."""

    revision: int = Attribute("Number of the newest revision.")

    def devices() -> list[str]:
        """Ids of all devices."""

    def owner(device: str) -> str | None:
        """The collector that a device belongs to; None when there is no such device."""

    def compile(device: str) -> DeviceConfig:
        """Make the config of a device.

        Raises:
            TocsinError: the sentence says what in the model is wrong.
        """


class IConfigReports(Interface):
    """Where it is told that a config is in trouble, and that it is not any more; calls return at once."""

    def trouble(device: str, key: str, summary: str, message: str) -> None:
        """Open an event, or keep it open; `key` is `config_error` or `config_refused`."""

    def well(device: str, key: str) -> None:
        """Close the event, if one is open."""


class Leases(Protocol):
    """Who may still collect a device that is another's now: one waits until it has let go, or its lease is over."""

    def may_collect(self, collector: str, device_id: str) -> bool:
        """Whether a collector that holds the device may collect it, and will stop before long."""

    def is_over(self, collector: str, device_id: str) -> bool:
        """Whether the collector, which is away, collects the device no more, even if it had it."""

    def rivals(self, device_id: str) -> Sequence[str]:
        """Collectors that may hold it without having said so yet."""


class NoLeases:
    """Every device belongs to one collector."""

    def may_collect(self, _collector: str, _device_id: str) -> bool:
        """Nobody who is away is waited for."""
        return False

    def is_over(self, _collector: str, _device_id: str) -> bool:
        """Nobody who is away stops by itself."""
        return False

    def rivals(self, _device_id: str) -> Sequence[str]:
        """There are none."""
        return ()


class DaemonBook(Protocol):
    """Remembers over restarts which daemons have ever logged in."""

    async def note_daemon(self, collector: str, daemon: str, at: float) -> None:
        """A daemon was there at this epoch second.

        Raises:
            TransientError: the disk refused.
        """

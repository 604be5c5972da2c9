"""The model as distribution sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from zope.interface import implementer

from common.configs import DeviceConfig
from hub.distribution.interfaces import IModelView
from hub.model.model import Model
from hub.model.service import ModelService


class ICompiler(Protocol):
    """Makes the configs of one service."""

    def compile(self, model: Model, device_id: str) -> DeviceConfig:
        """Make the config of a device.

        Raises:
            TocsinError: the sentence says what in the model is wrong.
        """


@implementer(IModelView)
class ModelView:
    """Looks at whatever model is the newest, as the collectors of one service have it."""

    def __init__(
        self, service: ModelService, compiler: ICompiler, owner: Callable[[str], str | None] | None = None
    ) -> None:
        """Begin to look.

        Args:
            service: has the model.
            compiler: of the service.
            owner: tells who has a device now; without it, a device is that collector's which it names.
        """
        self._service = service
        self._compiler = compiler
        self._present_owner = owner

    @property
    def revision(self) -> int:
        """Number of the newest revision."""
        return self._service.model.revision

    def devices(self) -> list[str]:
        """Ids of all devices."""
        return list(self._service.model.devices)

    def owner(self, device: str) -> str | None:
        """The collector that a device belongs to now."""
        if self._present_owner is not None:
            return self._present_owner(device)
        found = self._service.model.devices.get(device)
        return None if found is None else found.collector

    def compile(self, device: str) -> DeviceConfig:
        """Make the config of a device."""
        return self._compiler.compile(self._service.model, device)

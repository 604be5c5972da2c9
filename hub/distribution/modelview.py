"""The model as distribution sees it."""

from __future__ import annotations

from zope.interface import implementer

from common.configs import DeviceConfig
from hub.compile.process import ProcessCompiler
from hub.distribution.interfaces import IModelView
from hub.model.service import ModelService


@implementer(IModelView)
class ModelView:
    """Looks at whatever model is the newest."""

    def __init__(self, service: ModelService) -> None:
        self._service = service
        self._compiler = ProcessCompiler()

    @property
    def revision(self) -> int:
        """Number of the newest revision."""
        return self._service.model.revision

    def devices(self) -> list[str]:
        """Ids of all devices."""
        return list(self._service.model.devices)

    def owner(self, device: str) -> str | None:
        """The collector of a device."""
        found = self._service.model.devices.get(device)
        return None if found is None else found.collector

    def compile(self, device: str) -> DeviceConfig:
        """Make the config of a device."""
        return self._compiler.compile(self._service.model, device)

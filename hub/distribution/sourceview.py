"""The model as the daemons of one service see it that read sources of templates."""

from __future__ import annotations

from collections.abc import Callable

from zope.interface import implementer

from common.configs import DeviceConfig
from hub.compile.sources import SourceCompiler
from hub.distribution.interfaces import IModelView, Leases
from hub.model.service import ModelService


@implementer(IModelView)
class SourceView:
    """Of a collector that never had such a daemon nothing is wanted, and of a device nothing that has no such source.

    So nobody waits for what nobody is there to do; `hub.distribution.uncollected` tells of it.
    """

    def __init__(
        self,
        service: ModelService,
        compiler: SourceCompiler,
        owner: Callable[[str], str | None],
        is_known: Callable[[str], bool],
    ) -> None:
        """Begin to look.

        Args:
            service: has the model.
            compiler: of the daemons' service.
            owner: tells who has a device now.
            is_known: whether a collector has ever had such a daemon.
        """
        self._service = service
        self._compiler = compiler
        self._owner = owner
        self._is_known = is_known

    @property
    def revision(self) -> int:
        """Number of the newest revision."""
        return self._service.model.revision

    def devices(self) -> list[str]:
        """Ids of all devices of which something is to be read."""
        return [device for device in self._service.model.devices if self.owner(device) is not None]

    def devices_of(self, collector: str) -> list[str]:
        """Ids of the devices that a collector has, whether there is something to read of them or not."""
        return [device for device in self._service.model.devices if self._owner(device) == collector]

    def owner(self, device: str) -> str | None:
        """The collector whose daemon is to read something of a device; None when there is no such thing."""
        collector = self._owner(device)
        if collector is None or not self._is_known(collector):
            return None
        model = self._service.model
        return collector if self._compiler.has(model, model.devices[device]) else None

    def compile(self, device: str) -> DeviceConfig:
        """Make the config of a device."""
        return self._compiler.compile(self._service.model, device)


class Overlapping:
    """Who reads sources need not wait until others, who are away, have ceased to: it harms nobody if both do.

    These cease by themselves when their leases are over, and are waited for no longer.
    """

    def __init__(self, leases: Leases) -> None:
        self._leases = leases

    def may_collect(self, _collector: str, _device_id: str) -> bool:
        """Nobody who is away is waited for."""
        return False

    def is_over(self, collector: str, device_id: str) -> bool:
        """Whether a collector that is away does no more with a device."""
        return self._leases.is_over(collector, device_id)

    def rivals(self, device_id: str) -> tuple[str, ...]:
        """Collectors that may hold it without having said so yet."""
        return tuple(self._leases.rivals(device_id))

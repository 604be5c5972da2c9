"""A config store in memory."""

from __future__ import annotations

from collections.abc import Sequence

from zope.interface import implementer

from collectors.framework.interfaces import IConfigStore
from common.configs import DeviceConfig
from common.errors import TransientError
from common.wire import Position


@implementer(IConfigStore)
class FakeConfigStore:
    """Keeps configs; `full` makes it refuse as a full disk does."""

    def __init__(self, *configs: DeviceConfig) -> None:
        self.configs = {config.device: config for config in configs}
        self.position = Position()
        self.full = False
        self.replaced = 0

    def load(self) -> dict[str, DeviceConfig]:
        return dict(self.configs)

    def replace(
        self, changed: Sequence[DeviceConfig], removed: Sequence[str], position: Position | None = None
    ) -> None:
        if self.full:
            raise TransientError("no space left")
        self.replaced += 1
        self.configs.update({config.device: config for config in changed})
        for device in removed:
            self.configs.pop(device, None)
        if position is not None:
            self.position = Position(position.epoch, position.revision)

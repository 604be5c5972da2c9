# mypy: allow-untyped-calls
"""Many collectors in this process: real links over real TLS, and of the daemon behind them only what a hub can see."""

from __future__ import annotations

import time
from typing import Any

from twisted.internet.task import deferLater

from collectors.framework.hublink import HubLink
from common.configs import DeviceConfig
from common.wire import ConfigBatch, ConfigsApplied, Held, HeldRequest
from tests.fakes.holding import HoldingClient
from tests.fakes.watching import until
from tests.faults.hubprocess import HubProcess


class SimCollector(HoldingClient):
    """A daemon that holds configs in memory, and notes what it is sent and asked.

    Attributes:
        asked: how often it was asked what it holds.
        pages: of what is held, asked after the first: a full comparison.
        epochs: device to the epoch that its config is of.
        arrived: device to when its newest config came, by the monotonic clock.
        apply_s: how long it takes over a message.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"spool-{name}")
        self.name = name
        self.link: HubLink | None = None
        self.asked = self.pages = 0
        self.epochs: dict[str, str] = {}
        self.arrived: dict[str, float] = {}
        self.apply_s = 0.0

    @property
    def connected(self) -> bool:
        """Whether a session stands."""
        return self.link is not None and self.link.connected

    async def held(self, request: HeldRequest) -> Held:
        """Tell what is held; pages after the first are counted."""
        self.asked += not request.after
        self.pages += bool(request.after)
        return await super().held(request)

    async def apply(self, batch: ConfigBatch) -> ConfigsApplied:
        """Hold what was sent, after a while."""
        if self.apply_s:
            from twisted.internet import reactor

            await deferLater(reactor, self.apply_s, lambda: None)
        return await super().apply(batch)

    def took(self, config: DeviceConfig, batch: ConfigBatch) -> None:
        """A config is held."""
        self.configs[config.device] = config
        self.arrived[config.device] = time.monotonic()
        self.epochs[config.device] = batch.epoch

    def let_go(self, device: str) -> None:
        """A config is held no more."""
        self.configs.pop(device, None)
        self.epochs.pop(device, None)


class Fleet:
    """Collectors by name."""

    def __init__(self, reactor: Any, hub: HubProcess) -> None:
        self._reactor = reactor
        self._hub = hub
        self.members: dict[str, SimCollector] = {}

    def add(self, name: str, port: int = 0, **settings: Any) -> SimCollector:
        """Make a collector and let it connect, directly or by a proxy; `settings` are those of `HubProcess.link`."""
        member = self.members[name] = SimCollector(name)
        member.link = self._hub.link(name, member, port, **settings)
        member.link.startService()
        return member

    async def all_attached(self, within_s: float = 60.0) -> float:
        """Wait until everybody has a session; give the seconds."""
        began = time.monotonic()
        await until(self._reactor, "all collectors are attached", lambda: not self.absent(), within_s)
        return time.monotonic() - began

    def absent(self) -> list[str]:
        """Who has no session."""
        return [name for name, member in self.members.items() if not member.connected]

    async def close(self) -> None:
        """Stop all links."""
        for member in self.members.values():
            if "apply" in member.stuck:
                stuck = member.stuck.pop("apply")
                if not stuck.called:
                    stuck.callback(None)
        for member in self.members.values():
            if member.link is not None:
                await member.link.stopService()

# mypy: allow-untyped-calls
"""Many collectors in this process: real links over real TLS, and of the daemon behind them only what a hub can see."""

from __future__ import annotations

import time
from typing import Any

import msgspec
from twisted.internet.task import deferLater

from collectors.framework.hublink import HubLink
from common.configs import digest, digest_of_all
from common.wire import Attach, ConfigBatch, ConfigsApplied, Held, HeldRequest, Position, Rejected
from tests.fakes.sessions import FakeHubClient
from tests.faults.hubprocess import HubProcess, until

MAX_PAGE = 1000


class SimCollector(FakeHubClient):
    """A daemon that holds configs in memory, and notes what it is sent and asked.

    Attributes:
        batches: messages with configs, in all.
        devices_sent: configs in them.
        asked: how often it was asked what it holds.
        pages: of what is held, asked after the first: a full comparison.
        epoch, revision: that the last batch was of.
        epochs: device to the epoch that its config is of.
        arrived: device to when its newest config came, by the monotonic clock.
        refuses: devices whose configs it rejects, and why.
        apply_s: how long it takes over a message.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.link: HubLink | None = None
        self.batches = 0
        self.devices_sent = 0
        self.asked = self.pages = 0
        self.epoch, self.revision = "", 0
        self.epochs: dict[str, str] = {}
        self.arrived: dict[str, float] = {}
        self.refuses: dict[str, str] = {}
        self.apply_s = 0.0
        self.held_digests: dict[str, str] = {}
        self._all: str | None = None

    @property
    def connected(self) -> bool:
        """Whether a session stands."""
        return self.link is not None and self.link.connected

    @property
    def all_digest(self) -> str:
        """Of everything that it holds."""
        if self._all is None:
            self._all = digest_of_all(self.held_digests)
        return self._all

    def attach_request(self) -> Attach:
        """Log in with a spool of its own, and tell how far the configs have come."""
        position = Position(epoch=self.epoch, revision=self.revision, all=self.all_digest)
        return msgspec.structs.replace(super().attach_request(), spool=f"spool-{self.name}", position=position)

    async def held(self, request: HeldRequest) -> Held:
        """Tell what is held; pages after the first are counted."""
        self.asked += not request.after
        self.pages += bool(request.after)
        order = [device for device in sorted(self.held_digests) if device > request.after]
        page = [(device, self.held_digests[device]) for device in order[:MAX_PAGE]]
        return Held(all=self.all_digest, configs=page, more=len(order) > MAX_PAGE)

    async def apply(self, batch: ConfigBatch) -> ConfigsApplied:
        """Hold what was sent, but for what is refused."""
        self.batches += 1
        self.devices_sent += len(batch.changed)
        await self._maybe("apply")
        if self.apply_s:
            from twisted.internet import reactor

            await deferLater(reactor, self.apply_s, lambda: None)
        live: dict[str, str] = {}
        rejected: list[Rejected] = []
        for config in batch.changed:
            reason = self.refuses.get(config.device)
            if reason is not None:
                rejected.append(Rejected(config.device, reason))
                continue
            live[config.device] = self.held_digests[config.device] = digest(config)
            self.configs[config.device] = config
            self.arrived[config.device] = time.monotonic()
            self.epochs[config.device] = batch.epoch
        for device in batch.removed:
            self.configs.pop(device, None)
            self.held_digests.pop(device, None)
            self.epochs.pop(device, None)
        self._all = None
        self.epoch, self.revision = batch.epoch, batch.revision
        return ConfigsApplied(live=live, rejected=rejected, all=self.all_digest)


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

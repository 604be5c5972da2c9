"""A daemon behind a hub link that holds configs by their digests, and collects nothing."""

from __future__ import annotations

import msgspec

from common.configs import DeviceConfig
from common.digests import digest, digest_of_all
from common.wire import Attach, ConfigBatch, ConfigsApplied, Held, HeldRequest, Position, Rejected
from tests.fakes.sessions import FakeHubClient

PAGE = 1000


class HoldingClient(FakeHubClient):
    """Tells in each login how far its configs have come, and notes what it is sent.

    Attributes:
        batches, devices_sent: messages with configs, and configs in them.
        epoch, revision: that the last batch was of.
        refuses: devices whose configs it rejects, and why.
    """

    def __init__(self, spool: str) -> None:
        super().__init__()
        self.spool = spool
        self.batches = self.devices_sent = 0
        self.epoch, self.revision = "", 0
        self.refuses: dict[str, str] = {}
        self.held_digests: dict[str, str] = {}
        self._all: str | None = None

    @property
    def all_digest(self) -> str:
        """Of everything that it holds."""
        if self._all is None:
            self._all = digest_of_all(self.held_digests)
        return self._all

    def forget(self) -> None:
        """Hold nothing any more."""
        self.held_digests.clear()
        self._all = None

    def attach_request(self) -> Attach:
        """Log in with a spool of its own, and tell how far the configs have come."""
        position = Position(epoch=self.epoch, revision=self.revision, all=self.all_digest)
        return msgspec.structs.replace(super().attach_request(), spool=self.spool, position=position)

    async def held(self, request: HeldRequest) -> Held:
        """Tell what is held, page by page."""
        order = [device for device in sorted(self.held_digests) if device > request.after]
        page = [(device, self.held_digests[device]) for device in order[:PAGE]]
        return Held(all=self.all_digest, configs=page, more=len(order) > PAGE)

    async def apply(self, batch: ConfigBatch) -> ConfigsApplied:
        """Hold what was sent, but for what is refused."""
        self.batches += 1
        self.devices_sent += len(batch.changed)
        await self._maybe("apply")
        live: dict[str, str] = {}
        rejected: list[Rejected] = []
        for config in batch.changed:
            if config.device in self.refuses:
                rejected.append(Rejected(config.device, self.refuses[config.device]))
            else:
                live[config.device] = self.held_digests[config.device] = digest(config)
                self.took(config, batch)
        for device in batch.removed:
            self.held_digests.pop(device, None)
            self.let_go(device)
        self._all = None
        self.epoch, self.revision = batch.epoch, batch.revision
        return ConfigsApplied(live=live, rejected=rejected, all=self.all_digest)

    def took(self, config: DeviceConfig, batch: ConfigBatch) -> None:
        """A config is held."""

    def let_go(self, device: str) -> None:
        """A config is held no more."""

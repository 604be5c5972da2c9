"""Collectors that hold configs and collect nothing, over real links with TLS; many in one process."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from collectors.framework.hublink import HubLink
from collectors.framework.linksettings import LinkSettings
from common.certificates import ensure_collector, ensure_site
from common.configs import DeviceConfig
from common.edge.broker import HardBroker
from common.wire import Attached, ConfigBatch, ConfigsApplied, TaskCounts
from tests.fakes.holding import HoldingClient


class Holder(HoldingClient):
    """A daemon that holds digests, and notes what it was sent.

    Attributes:
        pushes: how often each device was sent.
    """

    def __init__(self, spool: str) -> None:
        super().__init__(spool)
        self.pushes: dict[str, int] = {}
        self.on_change: Callable[[], None] = lambda: None

    def attached(self, answer: Attached) -> None:
        """Say that a session stands."""
        super().attached(answer)
        self.on_change()

    def counts(self) -> TaskCounts:
        """Its figures."""
        return TaskCounts(devices=len(self.held_digests))

    async def apply(self, batch: ConfigBatch) -> ConfigsApplied:
        """Take configs at once, or when it is not stuck any more."""
        applied = await super().apply(batch)
        self.on_change()
        return applied

    def took(self, config: DeviceConfig, batch: ConfigBatch) -> None:
        """Count it."""
        self.pushes[config.device] = self.pushes.get(config.device, 0) + 1


class CountedLink(HubLink):
    """A link that counts what crosses inside TLS, both ways.

    Attributes:
        crossed_bytes: since the last connection was made.
    """

    crossed_bytes = 0

    def _make_broker(self) -> HardBroker:
        broker: Any = super()._make_broker()
        received, connected = broker.dataReceived, broker.makeConnection
        self.crossed_bytes = 0

        def count(data: bytes) -> None:
            self.crossed_bytes += len(data)

        def take(data: bytes) -> None:
            count(data)
            received(data)

        def connect(transport: Any) -> None:
            write = transport.write

            def send(data: bytes) -> None:
                count(data)
                write(data)

            transport.write = send
            connected(transport)

        broker.dataReceived, broker.makeConnection = take, connect
        found: HardBroker = broker
        return found


class Fleet:
    """Many simulated collectors of one hub."""

    def __init__(self, reactor: Any, pki: Path, folder: Path, port: int) -> None:
        self._reactor = reactor
        self._site = ensure_site(pki, time.time)
        self._folder = folder
        self._port = port
        self.holders: dict[str, Holder] = {}
        self.links: dict[str, CountedLink] = {}

    def add(self, name: str) -> Holder:
        """Make a collector that has its certificate, and is not connected yet."""
        holder = self.holders[name] = Holder(f"spool-{name}")
        certificates = ensure_collector(self._site, name, self._folder / name)
        settings = LinkSettings(certificates=certificates, port=self._port)
        self.links[name] = CountedLink(self._reactor, self._reactor, random.Random(name), settings, holder)
        return holder

    @property
    def held(self) -> int:
        """How many configs all of them hold."""
        return sum(len(holder.held_digests) for holder in self.holders.values())

    @property
    def batches(self) -> int:
        """How many messages with configs all of them got."""
        return sum(holder.batches for holder in self.holders.values())

    def forget_figures(self) -> None:
        """Count from here on."""
        for holder in self.holders.values():
            holder.batches = holder.devices_sent = 0
            holder.pushes.clear()

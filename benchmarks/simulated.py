"""Collectors that hold configs and collect nothing, over real links with TLS; many in one process."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from zope.interface import implementer

from collectors.framework.hublink import HubLink, LinkSettings
from collectors.framework.interfaces import IHubClient
from common.certificates import ensure_collector, ensure_site
from common.configs import digest, digest_of_all
from common.edge.broker import HardBroker
from common.queries import Done, Query, Result
from common.wire import Attach, Attached, ConfigBatch, ConfigsApplied, Held, HeldRequest, Position, TaskCounts

PAGE = 1000


@implementer(IHubClient)
class Holder:
    """A daemon that holds digests, and notes what it was sent.

    Attributes:
        batches: how many messages with configs came, and `configs` how many configs.
        pushes: how often each device was sent.
        stuck: a call of `configs` is not answered before it fires.
    """

    def __init__(self, spool: str) -> None:
        self.spool = spool
        self.digests: dict[str, str] = {}
        self.position = Position()
        self.pushes: dict[str, int] = {}
        self.batches = self.configs = 0
        self.sessions = 0
        self.on_change: Callable[[], None] = lambda: None
        self.stuck: Deferred[None] | None = None

    def attach_request(self) -> Attach:
        """Tell who it is, and what it holds."""
        return Attach(
            daemon="process",
            host="bench",
            software="0",
            oldest=1,
            newest=1,
            spool=self.spool,
            started_at=1.0,
            position=msgspec.structs.replace(self.position, all=digest_of_all(self.digests)),
        )

    def attached(self, answer: Attached) -> None:
        """Count it."""
        self.sessions += 1
        self.on_change()

    def detached(self, reason: str) -> None:
        """Nothing is to be done."""

    def counts(self) -> TaskCounts:
        """Its figures."""
        return TaskCounts(devices=len(self.digests))

    async def held(self, request: HeldRequest) -> Held:
        """Tell what it holds."""
        names = [device for device in sorted(self.digests) if device > request.after]
        page = [(device, self.digests[device]) for device in names[:PAGE]]
        return Held(all=digest_of_all(self.digests), configs=page, more=len(names) > PAGE)

    async def apply(self, batch: ConfigBatch) -> ConfigsApplied:
        """Take configs at once, or when it is not stuck any more."""
        if self.stuck is not None:
            await self.stuck
        self.batches += 1
        self.configs += len(batch.changed)
        live = {config.device: digest(config) for config in batch.changed}
        for device in live:
            self.pushes[device] = self.pushes.get(device, 0) + 1
        self.digests.update(live)
        for device in batch.removed:
            self.digests.pop(device, None)
        self.position = Position(epoch=batch.epoch, revision=batch.revision)
        self.on_change()
        return ConfigsApplied(live=live, rejected=[], all=digest_of_all(self.digests))

    async def answer(self, query: Query) -> Result:
        """Know nothing."""
        return Done(0)


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
        return sum(len(holder.digests) for holder in self.holders.values())

    @property
    def batches(self) -> int:
        """How many messages with configs all of them got."""
        return sum(holder.batches for holder in self.holders.values())

    def forget_figures(self) -> None:
        """Count from here on."""
        for holder in self.holders.values():
            holder.batches = holder.configs = 0
            holder.pushes.clear()

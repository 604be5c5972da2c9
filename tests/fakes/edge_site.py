"""A whole edge in memory: listener, collectors' links, real TLS between them, and a clock that the test moves."""

# mypy: allow-untyped-calls
# (trial's assertions and twisted.spread have no types)
from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.task import Clock
from zope.interface import implementer

from collectors.framework.hublink import HubLink
from collectors.framework.linksettings import LinkSettings
from common.certificates import Site, ensure_site, issue_collector
from hub.broker.listener import BrokerListener, ListenerSettings
from tests.fakes.edge import Cable
from tests.fakes.sessions import FakeFrontDesk, FakeHubClient


@implementer(IStreamClientEndpoint)
class MemoryEndpoint:
    """Connects to a listener without a network; `down` refuses, `silent` never comes to an end.

    `fails` is an error that every attempt ends with; `door` another factory than that of the edge's own listener.

    Cancelled, it fails as Twisted's own endpoints do: with an error that is no CancelledError.
    """

    def __init__(self, edge: Edge, host: str) -> None:
        self.edge = edge
        self.host = host
        self.attempts: list[float] = []
        self.down = False
        self.silent = False
        self.fails: Exception | None = None
        self.door: Any = None

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        self.attempts.append(self.edge.clock.seconds())
        if self.silent:
            return Deferred(lambda waiting: waiting.errback(ConnectingCancelledError(self.host)))
        if self.down or self.fails is not None:
            return fail(self.fails or Refused())
        address = IPv4Address("TCP", self.host, 4000)
        server = (self.door or self.edge.listener._door).buildProtocol(address)
        if server is None:
            return fail(Refused())
        client = protocolFactory.buildProtocol(address)
        self.edge.cables.append(Cable(self.edge.clock, server, client, self.host))
        return succeed(client)


class Edge:
    """Owns a folder; call `close` at the end."""

    def __init__(self, **settings: Any) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tocsin-edge-")
        self.folder = Path(self._folder.name)
        self.clock = Clock()
        self.start = time.time()
        self.site = ensure_site(self.folder / "pki", self.wall)
        self.desk = FakeFrontDesk()
        self.cables: list[Cable] = []
        self.links: list[HubLink] = []
        self._endpoints: dict[HubLink, dict[str, MemoryEndpoint]] = {}
        self.settings = ListenerSettings(port=0, **settings)
        self.listener = self.make_listener(self.site)

    def wall(self) -> float:
        return self.start + self.clock.seconds()

    def make_listener(self, site: Site) -> BrokerListener:
        return BrokerListener(None, self.clock, self.wall, self.settings, site, self.desk)

    def link(
        self,
        client: FakeHubClient,
        name: str = "local",
        folder: Path | None = None,
        host: str = "192.0.2.1",
        **settings: Any,
    ) -> HubLink:
        """Make a link, with a certificate of its own unless a folder has one; each of its hubs has an endpoint."""
        certificates = folder or issue_collector(self.site, name, self.folder / "certs" / name)
        endpoints: dict[str, MemoryEndpoint] = {}
        link = HubLink(
            None,
            self.clock,
            random.Random(5),
            LinkSettings(certificates=certificates, **settings),
            client,
            wall=self.wall,
            endpoints=lambda hub: endpoints[hub.host],
        )
        endpoints.update({hub.host: MemoryEndpoint(self, host) for hub in link.hubs})
        self._endpoints[link] = endpoints
        self.links.append(link)
        return link

    def pump(self) -> None:
        for cable in list(self.cables):
            cable.pump()

    def run(self, seconds: float, step_s: float = 0.5) -> None:
        for _ in range(round(seconds / step_s)):
            self.clock.advance(step_s)
            self.pump()

    def close(self) -> None:
        for link in self.links:
            link.stopService()
        self.pump()
        self._folder.cleanup()

    def endpoint(self, link: HubLink, host: str = "127.0.0.1") -> MemoryEndpoint:
        """Where a link tries one of its hubs."""
        return self._endpoints[link][host]

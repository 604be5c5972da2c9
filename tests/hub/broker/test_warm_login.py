# mypy: allow-untyped-calls
"""What crosses when a collector comes back that has everything: over the real edge, with the real distribution."""

from __future__ import annotations

from pathlib import Path

import msgspec
from twisted.internet.address import IPv4Address
from twisted.internet.protocol import Factory
from twisted.trial.unittest import SynchronousTestCase

from common.certificates import collector_tls_options, issue_collector, with_tls
from common.digests import digest_of_all
from common.edge.broker import HardBroker
from common.wire import Attach, ConfigBatch, ConfigsApplied, Position
from tests.fakes.edge import Cable
from tests.fakes.edge_site import Edge
from tests.fakes.sessions import FakeHubClient
from tests.hub.distribution.fakes import Bench

DEVICES = 400
LIMIT_BYTES = 1024


class Holder(FakeHubClient):
    """A daemon that tells its position."""

    epoch = ""
    revision = 0
    batches = 0
    asked = 0

    def attach_request(self) -> Attach:
        position = Position(self.epoch, self.revision, digest_of_all(self._digests()))
        return msgspec.structs.replace(super().attach_request(), spool="a" * 32, position=position)

    async def apply(self, batch: ConfigBatch) -> ConfigsApplied:
        self.batches += 1
        self.epoch, self.revision = batch.epoch, batch.revision
        return await super().apply(batch)

    async def _maybe(self, name: str) -> None:
        self.asked += name == "held"
        await super()._maybe(name)


class WarmLoginTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.edge = Edge()
        self.addCleanup(self.edge.close)
        self.bench = Bench()
        self.bench.clock = self.edge.clock
        self.bench.epoch = "e" * 32
        self.bench.make().start()
        self.edge.desk.on_attached = self.bench.distributor.attached
        self.bench.model.sets = 20
        self.bench.model.change(dict.fromkeys((f"d{number:03}" for number in range(DEVICES)), ("local", 1)))
        self.edge.run(3)

    def crossed(self) -> int:
        cable = self.edge.cables[-1]
        return cable.client.sent + cable.server.sent

    def handshake(self, folder: Path) -> int:
        """What TLS and the greetings cost, with nobody who logs in."""
        broker = HardBroker(self.edge.clock, None, is_client=True, calls="hub", title="the hub")
        options = collector_tls_options(folder, self.edge.wall)
        client = with_tls(options, Factory.forProtocol(lambda: broker), self.edge.clock, is_client=True)
        server = self.edge.listener._door.buildProtocol(IPv4Address("TCP", "192.0.2.1", 4000))
        self.edge.cables.append(Cable(self.edge.clock, server, client.buildProtocol(None)))
        self.edge.pump()
        crossed = self.crossed()
        broker.close("that was all")
        self.edge.pump()
        return crossed

    def test_it_costs_less_than_a_kibibyte_and_one_call(self) -> None:
        folder = issue_collector(self.edge.site, "local", self.edge.folder / "certs" / "local")
        holder = Holder()
        link = self.edge.link(holder, folder=folder)
        link.startService()
        self.edge.run(2)
        self.assertEqual((len(holder.configs), self.bench.distributor.behind()), (DEVICES, []))
        self.assertGreater(self.crossed(), 10 * LIMIT_BYTES)
        self.edge.run(40)
        handshake = self.handshake(folder)
        before = holder.batches, holder.asked
        (session,) = self.edge.desk.sessions.values()
        self.bench.distributor.detached(session)
        session.abort("enough")
        while len(holder.sessions) < 2:
            self.edge.run(0.5)
        self.edge.run(1)
        self.assertEqual(self.bench.distributor.behind(), [])
        self.assertEqual((holder.batches, holder.asked), before)
        self.assertLess(self.crossed() - handshake, LIMIT_BYTES)

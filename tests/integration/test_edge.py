# mypy: allow-untyped-calls
# (trial's assertions have no types)
"""The PB edge over real sockets and real TLS on loopback: who gets in, who does not, and what it costs the hub."""

from __future__ import annotations

import gc
import os
import random
import resource
import shutil
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import DNSName, UniformResourceIdentifier
from cryptography.x509.oid import ExtendedKeyUsageOID
from twisted.internet import reactor as global_reactor
from twisted.internet import ssl
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.logger import LogLevel, globalLogPublisher
from twisted.trial.unittest import TestCase

from collectors.framework.hublink import HubLink
from collectors.framework.linksettings import LinkSettings
from common.certificates import (
    HUB_NAME,
    Site,
    ensure_site,
    issue_collector,
    revoke_collector,
    with_tls,
)
from common.edge.authority import issue
from common.edge.broker import HardBroker
from common.edge.expressions import encode as expression
from common.edge.pem import Pair, load_pair
from common.errors import RemoteError, SettingsError, TransientError
from common.queries import Done, LiveConfigQuery
from common.wire import Attached, ConfigBatch, EventBatch, EventsStored, decode_answer, encode
from hub.broker.listener import BrokerListener, ListenerSettings
from tests.common.edge.test_broker import PAYLOADS
from tests.fakes.ports import held_port
from tests.fakes.sessions import FakeFrontDesk, FakeHubClient, device_config

pytestmark = pytest.mark.integration

reactor: Any = global_reactor
DAY_S = 86400.0


def rss_bytes() -> int:
    gc.collect()  # what earlier tests have left
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * resource.getpagesize()


async def until(what: Callable[[], object], limit_s: float = 60.0) -> None:
    """Wait until something is true, looking every 10 ms."""
    end = time.monotonic() + limit_s
    while not what():
        if time.monotonic() > end:
            raise AssertionError("it did not happen in time")
        await deferLater(reactor, 0.01, lambda: None)


class Ear(Protocol):
    """Keeps what it hears, and says why it ended."""

    def __init__(self, says: bytes = b"", reads: bool = True) -> None:
        self.says = says
        self.reads = reads
        self.heard = bytearray()
        self.lost = ""

    def connectionMade(self) -> None:
        if not self.reads:
            self.transport.pauseProducing()  # type: ignore[union-attr]  # a transport of TCP
        if self.says:
            self.transport.write(self.says)  # type: ignore[union-attr]  # a transport of TCP

    def dataReceived(self, data: bytes) -> None:
        self.heard += data

    def connectionLost(self, reason: Any = None) -> None:
        self.lost = str(reason.value) or "lost"


class HubCase(TestCase):
    timeout = 110

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tocsin-edge-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.site = ensure_site(self.folder / "pki", time.time)
        self.desk = FakeFrontDesk()
        self.lines: list[str] = []
        note: Any = self.note
        globalLogPublisher.addObserver(note)
        self.addCleanup(globalLogPublisher.removeObserver, note)

    def note(self, event: Any) -> None:
        if event["log_level"] >= LogLevel.warn:
            self.lines.append(str(event.get("what") or event.get("reason") or event.get("log_format")))

    def listen(self, **settings: Any) -> BrokerListener:
        listener = BrokerListener(
            reactor, reactor, time.time, ListenerSettings(**{"port": 0, **settings}), self.site, self.desk
        )
        listener.startService()
        self.addCleanup(listener.stopService)
        return listener

    def link(self, port: int, client: FakeHubClient, name: str = "local", **settings: Any) -> HubLink:
        folder = issue_collector(self.site, name, self.folder / "certs" / name)
        link = HubLink(
            reactor, reactor, random.Random(1), LinkSettings(certificates=folder, port=port, **settings), client
        )
        link.startService()
        self.addCleanup(link.stopService)
        return link

    async def connect(self, port: int, pair: Pair | None, protocol: Any, tls: Any = None) -> Any:
        """Connect with any certificate, or none: nothing is checked on our side."""
        extra = {} if pair is None else {"privateKey": pair.key, "certificate": pair.certificate}
        options = ssl.optionsForClientTLS(
            HUB_NAME,
            trustRoot=ssl.Certificate.loadPEM((self.site.pki / "ca.crt").read_bytes()),
            extraCertificateOptions=tls or extra,
        )
        factory = with_tls(options, Factory.forProtocol(lambda: protocol), reactor, is_client=True)
        return await TCP4ClientEndpoint(reactor, "127.0.0.1", port).connect(factory)

    def pair(self, name: str = "local") -> Pair:
        folder = issue_collector(self.site, name, self.folder / "certs" / name)
        return load_pair(folder / "collector.crt", folder / "collector.key")


class TogetherTests(HubCase):
    async def test_a_collector_and_a_hub_work_together(self) -> None:
        listener, client = self.listen(), FakeHubClient()
        link = self.link(listener.port, client)
        await until(lambda: link.connected)
        (session,) = self.desk.sessions.values()
        applied = await session.push(ConfigBatch(revision=1, changed=[device_config(sets=50)], removed=[]))
        self.assertEqual(set(applied.live), {"web1"})
        self.assertEqual(await session.query(LiveConfigQuery("web1")), Done(1))
        self.assertEqual(await link.send_events(EventBatch(spool="s1", events=[])), EventsStored(0))
        await Deferred.fromCoroutine(_stopped(listener))
        await until(lambda: client.ends)
        self.assertEqual(listener.connections, 0)
        self.assertEqual(self.desk.sessions, {})

    async def test_a_hub_that_comes_back_is_found(self) -> None:
        held = held_port()
        self.addCleanup(held.close)
        port, client = held.getsockname()[1], FakeHubClient()
        first = self.listen(port=port)
        link = self.link(port, client)
        await until(lambda: link.connected)
        await Deferred.fromCoroutine(_stopped(first))
        with self.assertRaises(TransientError):
            await link.send_events(EventBatch(spool="s1", events=[]))
        await until(lambda: client.ends)
        second = BrokerListener(reactor, reactor, time.time, ListenerSettings(port=port), self.site, self.desk)
        second.startService()
        self.addCleanup(second.stopService)
        await until(lambda: link.connected)
        self.assertEqual(len(client.sessions), 2)

    async def test_the_kernel_watches_both_ends(self) -> None:
        listener = self.listen()
        link = self.link(listener.port, FakeHubClient())
        await until(lambda: link.connected)
        (server,) = listener._connections.brokers
        assert link._broker is not None
        for broker in (server, link._broker):
            handle: socket.socket = broker.transport.transport.getHandle()
            self.assertEqual(handle.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), 1)
            self.assertEqual(handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE), 5)
            self.assertEqual(handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT), 20_000)

    def test_a_port_that_is_taken_is_a_sentence(self) -> None:
        port = self.listen().port
        other = BrokerListener(reactor, reactor, time.time, ListenerSettings(port=port), self.site, self.desk)
        with self.assertRaises(SettingsError) as raised:
            other.startService()
        self.assertIn(f"127.0.0.1 port {port}", raised.exception.message)

    async def test_a_line_that_swallows_everything_is_noticed_by_both(self) -> None:
        listener, client = self.listen(heartbeat_s=0.2), FakeHubClient()
        proxy = Proxy(listener.port)
        port = reactor.listenTCP(0, proxy, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.addCleanup(proxy.close)
        link = self.link(port.getHost().port, client, heartbeat_s=0.2)
        await until(lambda: link.connected)
        proxy.swallows = True
        # Not the first that is told: with so short a pulse a session ends also when all of this process is held up.
        await until(lambda: any("no sign of life" in reason for reason in client.ends))
        await until(lambda: any("no sign of life" in reason for _, reason in self.desk.gone))
        proxy.swallows = False
        await until(lambda: link.connected)


async def _stopped(listener: BrokerListener) -> None:
    await listener.stopService()


class Proxy(Factory):
    """Passes bytes both ways, until it swallows them; a swallowing line tells nobody of ends either."""

    noisy = False

    def __init__(self, port: int) -> None:
        self.port = port
        self.swallows = False
        self.ends: list[Any] = []

    def buildProtocol(self, addr: Any) -> Any:
        near, far = _Side(self), _Side(self)
        near.other, far.other = far, near
        TCP4ClientEndpoint(reactor, "127.0.0.1", self.port).connect(Factory.forProtocol(lambda: far)).addErrback(
            lambda _: near.transport.abortConnection()
        )
        return near

    def close(self) -> None:
        for end in self.ends:
            end.transport.abortConnection()


class _Side(Protocol):
    other: Any = None
    transport: Any

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.early: list[bytes] = []

    def connectionMade(self) -> None:
        self.proxy.ends.append(self)
        for data in self.other.early:
            self.transport.write(data)

    def dataReceived(self, data: bytes) -> None:
        if self.proxy.swallows:
            return
        if self.other.transport is None:
            self.early.append(data)
        else:
            self.other.transport.write(data)

    def connectionLost(self, reason: Any = None) -> None:
        self.proxy.ends.remove(self)
        if not self.proxy.swallows and self.other.transport is not None:
            self.other.transport.loseConnection()


class CertificateTests(HubCase):
    async def refused_by_tls(self, pair: Pair | None, tls: Any = None) -> list[str]:
        """Connect and speak PB; nothing must be heard, and the hub's log must say one line about it."""
        listener = self.listen()
        ear = Ear(expression(b"pb") + expression([b"version", 6]))
        await self.connect(listener.port, pair, ear, tls)
        await until(lambda: ear.lost)
        await until(lambda: listener.connections == 0)
        self.assertEqual(bytes(ear.heard), b"")
        self.assertEqual(self.desk.sessions, {})
        lines = [line for line in self.lines if "TLS" in line]
        self.assertEqual(len(lines), 1, self.lines)
        return lines

    def issued(self, site: Site, usage: Any, names: list[Any], days: int = 10) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        return Pair(issue(site.ca, key.public_key(), "local", names, usage, days, site.wall()), key)

    async def test_no_certificate(self) -> None:
        self.assertIn("did not return a certificate", (await self.refused_by_tls(None))[0])

    async def test_another_sites_certificate_for_the_same_name(self) -> None:
        other = ensure_site(self.folder / "other", time.time)
        folder = issue_collector(other, "local", self.folder / "foreign")
        pair = load_pair(folder / "collector.crt", folder / "collector.key")
        self.assertIn("certificate verify failed", (await self.refused_by_tls(pair))[0])

    async def test_an_expired_certificate(self) -> None:
        before = Site(self.site.pki, self.site.ca, self.site.hub, lambda: time.time() - 900 * DAY_S)
        folder = issue_collector(before, "local", self.folder / "old")
        pair = load_pair(folder / "collector.crt", folder / "collector.key")
        self.assertIn("certificate verify failed", (await self.refused_by_tls(pair))[0])

    async def test_a_certificate_for_servers(self) -> None:
        uri = UniformResourceIdentifier("urn:tocsin:collector:local")
        pair = self.issued(self.site, ExtendedKeyUsageOID.SERVER_AUTH, [uri])
        await self.refused_by_tls(pair)

    async def test_the_hubs_own_certificate(self) -> None:
        await self.refused_by_tls(self.site.hub)

    async def test_tls_older_than_1_3(self) -> None:
        pair = self.pair()
        older = {
            "privateKey": pair.key,
            "certificate": pair.certificate,
            "lowerMaximumSecurityTo": ssl.TLSVersion.TLSv1_2,
        }
        await self.refused_by_tls(None, older)

    async def test_no_tls_at_all(self) -> None:
        listener = self.listen()
        ear = Ear(expression(b"pb") * 20)
        await TCP4ClientEndpoint(reactor, "127.0.0.1", listener.port).connect(Factory.forProtocol(lambda: ear))
        await until(lambda: ear.lost)
        await until(lambda: listener.connections == 0)
        self.assertNotIn(b"\x82pb", bytes(ear.heard))
        self.assertEqual(len([line for line in self.lines if "TLS" in line]), 1)

    async def attach_with(self, pair: Pair) -> str:
        listener = self.listen()
        broker = HardBroker(reactor, None, is_client=True, calls="hub", title="the hub")
        await self.connect(listener.port, pair, broker)
        self.assertTrue(await broker.negotiated)
        try:
            decode_answer(await broker.call("attach", encode(FakeHubClient().attach_request()), 60), Attached)
        except RemoteError as error:
            self.assertEqual(error.code, "forbidden")
            return error.message
        finally:
            broker.close("done")
            await until(lambda: listener.connections == 0)
        return ""

    async def test_a_good_certificate(self) -> None:
        self.assertEqual(await self.attach_with(self.pair()), "")

    async def test_a_revoked_certificate(self) -> None:
        pair = self.pair()
        revoke_collector(self.site, "local")
        self.assertIn("revoked", await self.attach_with(pair))
        self.assertEqual(len([line for line in self.lines if "revoked" in line]), 1)

    async def test_a_certificate_that_another_has_replaced(self) -> None:
        pair = self.pair()
        self.pair()
        self.assertIn("replaced", await self.attach_with(pair))

    async def test_a_name_that_is_not_in_the_registry(self) -> None:
        uri = UniformResourceIdentifier("urn:tocsin:collector:stranger")
        pair = self.issued(self.site, ExtendedKeyUsageOID.CLIENT_AUTH, [uri])
        self.assertIn("collector stranger is not known here", await self.attach_with(pair))

    async def test_a_certificate_without_a_collectors_name(self) -> None:
        pair = self.issued(self.site, ExtendedKeyUsageOID.CLIENT_AUTH, [DNSName("local")])
        self.assertIn("not that of a collector", await self.attach_with(pair))


class AttackTests(HubCase):
    async def test_every_payload_from_many_connections_costs_little_and_nobody_else_anything(self) -> None:
        """All attacks on a stranger's broker, through TLS, with a collector at work beside them."""
        listener = self.listen(login_s=2.0)
        link = self.link(listener.port, FakeHubClient(), "good")
        await until(lambda: link.connected)
        pair = self.pair("bad")
        payloads = [payload() for payload in PAYLOADS.values()]
        await self.attack(listener, pair, payloads[:4])  # what is allocated once and for all
        before, lines = rss_bytes(), len(self.lines)
        for _ in range(3):
            await self.attack(listener, pair, payloads)
            self.assertEqual(await link.send_events(EventBatch(spool="s1", events=[])), EventsStored(0))
        self.assertLess(rss_bytes() - before, 50 * 1024 * 1024)
        self.assertLess(sum(len(line) for line in self.lines[lines:]), 100_000)
        self.assertLessEqual(max(len(line) for line in self.lines), 200)
        self.assertTrue(link.connected)
        self.assertEqual(len(link._client.sessions), 1)  # type: ignore[attr-defined]  # the fake counts them

    async def attack(self, listener: BrokerListener, pair: Pair, payloads: list[bytes]) -> None:
        ears = [Ear(data) for data in payloads]
        for ear in ears:
            await self.connect(listener.port, pair, ear)
        await until(lambda: all(ear.lost for ear in ears))
        await until(lambda: listener.connections == 1)

    async def test_silent_and_babbling_connections_are_dropped_by_the_timer_and_a_collector_gets_in(self) -> None:
        """As `tests/faults/test_hostile_crowds.py`, in short."""
        listener = self.listen(login_s=1.0, max_strangers=64, connections_burst=1000)
        sockets = [socket.create_connection(("127.0.0.1", listener.port)) for _ in range(200)]
        for each in sockets:
            self.addCleanup(each.close)
        for each in sockets[::3]:
            each.sendall(os.urandom(300))
        await until(lambda: 0 < listener.connections <= 64)
        link = self.link(listener.port, FakeHubClient())
        await until(lambda: link.connected)
        await until(lambda: listener.connections == 1)
        self.assertTrue(link.connected)
        self.assertLessEqual(len(self.lines), 20)  # ten of one kind, and what the link says when it was cut off too

    async def test_one_that_calls_and_never_reads_is_stopped_and_dropped(self) -> None:
        listener = self.listen(heartbeat_s=0.3)
        pair = self.pair()
        broker = HardBroker(reactor, None, is_client=True, calls="hub", title="the hub")
        await self.connect(listener.port, pair, broker)
        await broker.negotiated
        await broker.call("attach", encode(FakeHubClient().attach_request()), 60)
        broker.transport.unregisterProducer()
        broker.transport.pauseProducing()
        before = rss_bytes()
        bad = expression([b"message", 1, b"hub", b"events", 1, [b"tuple", 1, b"\x07" * 200_000], [b"dictionary"]])
        for _ in range(100):
            broker.transport.write(bad)
        await until(lambda: self.desk.gone)
        self.assertLess(rss_bytes() - before, 60 * 1024 * 1024)  # 20 MB of it lie with the attacker itself
        broker.close("done")

# mypy: allow-untyped-calls
# (trial's assertions have no types)
"""Who shows the wrong certificate is refused before a word of it is read, and the hub's log says so once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.x509 import DNSName
from cryptography.x509.oid import ExtendedKeyUsageOID
from twisted.internet import ssl as twisted_ssl
from twisted.internet.protocol import Factory
from twisted.internet.threads import deferToThread

from collectors.framework.hublink import HubLink
from common.certificates import ensure_site, revoke_collector
from common.edge.expressions import encode
from common.edge.pem import load_certificate, load_key
from tests.common.edge.test_broker import GREETING
from tests.fakes.sessions import FakeHubClient
from tests.faults.case import FaultCase, reactor
from tests.faults.chaos import Parrot
from tests.faults.figures import exactly
from tests.faults.hostile.honest import Honest
from tests.faults.hostile.papers import Authority, authority_of, collector_uri, forge, impostor_of, rsa_key, write
from tests.faults.hostile.stranger import NONSENSE, log_in, speak
from tests.faults.length import LIMIT_S

pytestmark = [pytest.mark.integration, pytest.mark.timeout(LIMIT_S)]

YEAR_S = 365 * 86400.0
READ = "a token of a kind that is not spoken here"
"""What the hub's log says when the decoder got our one byte."""


class CertificateTests(FaultCase):
    async def setUp(self) -> None:  # type: ignore[override]  # trial waits for a coroutine
        await super().setUp()
        self.pki = self.hub.folder / "pki"
        self.site = authority_of(self.pki)
        self.addresses = (f"127.13.0.{number}" for number in range(1, 250))

    def forged(self, kind: str, authority: Authority | None = None, **changes: Any) -> Path:
        names = changes.pop("names", [collector_uri("good")])
        return forge(self.folder / "forged" / kind, authority or self.site, names, **changes)

    def lines_about(self, address: str) -> list[str]:
        return [line for line in self.hub.log().splitlines() if f" {address}: " in line]

    async def settled(self, address: str) -> list[str]:
        """The lines about an address, once there is one and its connection has gone."""
        return list(await self.until(f"a line about {address}", lambda: self.lines_about(address), 60))

    async def test_every_wrong_certificate_is_refused_unread_and_said_once(self) -> None:
        good = Honest(self)
        await good.begin()
        hub_folder = self.folder / "forged" / "hub"
        hub = ensure_site(self.pki, reactor.seconds).hub
        write(hub_folder, hub.certificate, hub.key, self.site.certificate)
        between = forge(self.folder / "forged" / "between", self.site, [collector_uri("good")], signs=True)
        below = Authority(*_pair(between))
        wrong: dict[str, Path | None] = {
            "none": None,
            "of an authority of the same name": self.forged("impostor", impostor_of(self.site)),
            "expired": self.forged("expired", begins_s=-YEAR_S, ends_s=-60.0),
            "not yet valid": self.forged("early", begins_s=3600.0),
            "for servers": self.forged("server", usage=ExtendedKeyUsageOID.SERVER_AUTH),
            "the hub's own": hub_folder,
            "signed by one that may not sign": self.forged("below", below),
        }
        for what, folder in wrong.items():
            address = next(self.addresses)
            heard = await deferToThread(speak, self.hub.port, folder, NONSENSE, address)
            self.assertTrue(heard.refused_by_tls, what)
            self.assertEqual(heard.data, b"", what)
            lines = await self.settled(address)
            self.assertEqual(len(lines), 1, lines)
            self.assertIn("refused: TLS: ", lines[0], what)
            self.assertNotIn(READ, lines[0], what)

        # The same byte under a good certificate does reach the decoder: the test would see it.
        address = next(self.addresses)
        heard = await deferToThread(speak, self.hub.port, self.hub.certificates("seen"), NONSENSE, address, waits=True)
        self.assertFalse(heard.refused_by_tls)
        (line,) = await self.settled(address)
        self.assertIn(READ, line)
        exactly("kinds of certificates that TLS refused unread", len(wrong), 7)
        good.check(1.0)
        self.no_defects()

    async def test_a_certificate_of_the_site_that_counts_no_longer_is_refused_at_the_login(self) -> None:
        good = Honest(self)
        await good.begin()
        revoked, replaced = self.hub.certificates("revoked"), self.folder / "replaced"
        self.hub.certificates("replaced").rename(replaced)
        self.hub.certificates("replaced")
        revoke_collector(ensure_site(self.pki, reactor.seconds), "revoked")
        cases = {
            "revoked": (revoked, "revoked"),
            "replaced": (replaced, "replaced"),
            "of nobody that is known": (self.forged("stranger", names=[collector_uri("stranger")]), "not known"),
            "of another key than that which is known": (self.forged("twin"), "replaced"),
            "of an RSA key": (self.forged("rsa", key=rsa_key()), "replaced"),
            "without a collector's name": (self.forged("nobody", names=[DNSName("good")]), "not that of a collector"),
            "with a name that leads elsewhere": (
                self.forged("path", names=[collector_uri("../issued/good")]),
                "not that of a collector",
            ),
        }
        for what, (folder, says) in cases.items():
            address = next(self.addresses)
            self.assertIn(says, await deferToThread(log_in, self.hub.port, folder, address), what)
            lines = await self.settled(address)
            self.assertEqual(len(lines), 1, lines)
            self.assertIn("login refused", lines[0])
        exactly("kinds of certificates that were refused at the login", len(cases), 7)
        self.assertEqual(await deferToThread(log_in, self.hub.port, self.hub.certificates("seen"), "127.0.0.1"), "")
        good.check(1.0)
        self.no_defects()

    async def test_a_session_ends_when_its_certificate_is_revoked(self) -> None:
        good, other = Honest(self), self.fleet.add("other", heartbeat_s=0.5)
        await good.begin()
        await self.until("the other is attached", lambda: other.connected)
        revoke_collector(ensure_site(self.pki, reactor.seconds), "other")
        await self.until("its session ends", lambda: other.ends, 60)
        assert other.link is not None
        link = other.link
        await self.until("it is told why", lambda: "revoked" in link.reason, 90)
        good.check(1.0)


class Greeter(Parrot):
    """Greets as a hub does, and keeps what a collector says to it."""

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(encode([b"pb", b"none"]))


class FalseHub(Factory):
    """Listens with any certificate."""

    noisy = False

    def __init__(self) -> None:
        self.ends: list[Greeter] = []

    def buildProtocol(self, addr: Any) -> Greeter:
        made = Greeter()
        self.ends.append(made)
        return made


class FalseHubTests(FaultCase):
    """A collector speaks with its hub, and with nobody else."""

    def listen(self, folder: Path) -> tuple[FalseHub, int]:
        certificate, key = _pair(folder)
        make: Any = twisted_ssl.CertificateOptions
        options = make(privateKey=key, certificate=certificate, raiseMinimumTo=twisted_ssl.TLSVersion.TLSv1_3)
        false = FalseHub()
        port = reactor.listenSSL(0, false, options, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return false, port.getHost().port

    async def refused(self, folder: Path, says: str, *, unheard: bool = True) -> None:
        false, port = self.listen(folder)
        link: HubLink = self.hub.link("local", FakeHubClient(), port)
        link.startService()
        try:
            await self.until("it was tried", lambda: false.ends and link.reason not in {"", "not started"}, 60)
            self.assertIn(says, link.reason)
            heard = [bytes(end.heard) for end in false.ends]
            self.assertLessEqual(set(heard), {b""} if unheard else {b"", GREETING})
        finally:
            await link.stopService()

    async def test_a_hub_with_the_wrong_certificate_hears_nothing(self) -> None:
        site, folder = authority_of(self.hub.folder / "pki"), self.folder / "forged"
        hub_name, server = [DNSName("hub.tocsin.internal")], ExtendedKeyUsageOID.SERVER_AUTH
        await self.refused(forge(folder / "a", site, [DNSName("hub.example.org")], usage=server), "another name")
        await self.refused(forge(folder / "b", impostor_of(site), hub_name, usage=server), "TLS: certificate verify")
        await self.refused(forge(folder / "c", site, hub_name), "TLS: ")
        expired = forge(folder / "d", site, hub_name, usage=server, begins_s=-YEAR_S, ends_s=-60.0)
        await self.refused(expired, "TLS: certificate verify")
        await self.refused(self.hub.certificates("other"), "TLS: ")
        # Twisted lets names pass that it cannot read; we look at them ourselves, before the login, behind the greeting.
        nameless = forge(folder / "e", site, [collector_uri("x")], usage=server)
        await self.refused(nameless, "not that of the hub", unheard=False)
        self.flushLoggedErrors(ValueError)


def _pair(folder: Path) -> tuple[Any, Any]:
    return load_certificate(folder / "collector.crt"), load_key(folder / "collector.key")

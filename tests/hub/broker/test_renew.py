# mypy: allow-untyped-calls
"""Renewal at the hub's end: in its own name only, and not as often as one likes."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from twisted.logger import LogLevel, capturedLogs, formatEvent

from common.certificates import collector_name, ensure_site, registered, revoke_collector
from common.edge.broker import HardBroker
from common.edge.certificate import collector_uri
from common.edge.collectorfiles import store_collector
from common.edge.pem import load_certificate, new_key
from common.edge.requests import make_request
from common.wire import Attach, Renew, Renewed, encode
from hub.broker.listener import RENEWALS_BURST
from hub.broker.perspective import SessionSettings
from tests.hub.broker.test_broker_edge import EdgeCase, Ponger


def asking_for(key: Any, *names: x509.GeneralName, **extensions: x509.ExtensionType) -> str:
    """A request as no collector of ours makes it."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "far")])
    )
    for extension in (x509.SubjectAlternativeName(names), *extensions.values()):
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


class RenewTests(EdgeCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = self.certificates("far")
        self.first = load_certificate(self.folder / "collector.crt")
        self.broker = self.connect(self.folder)

    def renew(self, broker: HardBroker, request: str) -> x509.Certificate:
        answer: Renewed = self.answer(broker, "renew", encode(Renew(request)), Renewed)
        return x509.load_pem_x509_certificate(answer.certificate.encode())

    def newest(self, name: str = "far") -> x509.Certificate | None:
        entry = registered(self.edge.site, name)
        return entry.newest if entry is not None else None

    def test_a_new_key_gets_a_certificate_in_the_name_of_the_old_one(self) -> None:
        self.attach(self.broker)
        key = new_key()
        certificate = self.renew(self.broker, make_request(key, "far"))
        self.assertEqual(certificate.public_key(), key.public_key())
        self.assertEqual(collector_name(self.edge.site, certificate), "far")
        self.assertEqual(collector_name(self.edge.site, self.first), "far")
        self.assertEqual(self.broker.lost, "")

    def test_before_the_login_nothing_is_signed(self) -> None:
        found = self.refusal(self.broker, "renew", encode(Renew(make_request(new_key(), "far"))))
        self.assertEqual(found.code, "not_attached")
        self.assertEqual(self.newest(), self.first)

    def test_what_asks_for_another_name_or_for_more_gets_nothing_and_the_session_stands(self) -> None:
        self.certificates("near")
        near = self.newest("near")
        good, uri = new_key(), collector_uri("far")
        for request, says in (
            (make_request(good, "near"), "names others"),
            (asking_for(good, uri, collector_uri("near")), "names others"),
            (asking_for(good, uri, x509.DNSName("hub.tocsin.internal")), "names others"),
            (asking_for(good, uri, more=x509.BasicConstraints(ca=True, path_length=None)), "asks for 2.5.29.19"),
            (asking_for(rsa.generate_private_key(65537, 1024), uri), "P-256"),
            (asking_for(ec.generate_private_key(ec.SECP192R1()), uri), "P-256"),
            ("x" * 4000, "cannot be read"),
        ):
            self.edge.run(60, step_s=5)  # as often as it may
            broker = self.connect(self.folder)
            self.attach(broker)
            found = self.refusal(broker, "renew", encode(Renew(request)))
            self.assertEqual(found.code, "forbidden")
            self.assertIn(says, found.message)
            self.assertEqual(broker.lost, "")
        self.assertEqual((self.newest(), self.newest("near")), (self.first, near))

    def test_a_giant_request_is_refused_by_its_length(self) -> None:
        self.attach(self.broker)
        found = self.refusal(self.broker, "renew", encode(Renew("x" * 1_000_000)))
        self.assertEqual(found.code, "bad_request")
        self.assertIn("4096", found.message)

    def test_a_certificate_before_the_last_cannot_be_renewed_from(self) -> None:
        second, third = self.connect(self.folder), self.connect(self.folder)
        self.attach(self.broker)
        self.attach(second, daemon="modeler")
        self.attach(third, daemon="snmp")
        self.renew(self.broker, make_request(new_key(), "far"))
        after_loss = self.renew(second, make_request(new_key(), "far"))
        self.assertEqual(self.newest(), after_loss)
        revoke_collector(self.edge.site, "far")
        found = self.refusal(third, "renew", encode(Renew(make_request(new_key(), "far"))))
        self.assertEqual(found.code, "forbidden")
        self.assertIn("revoked", found.message)
        self.assertIsNone(self.newest())

    def test_who_asks_too_often_is_told_to_wait_and_others_are_served(self) -> None:
        self.attach(self.broker)
        for _ in range(RENEWALS_BURST):
            self.renew(self.broker, make_request(new_key(), "far"))
        found = self.refusal(self.broker, "renew", encode(Renew(make_request(new_key(), "far"))))
        self.assertEqual(found.code, "busy")
        again = self.connect(self.folder)
        self.attach(again)
        self.assertEqual(self.refusal(again, "renew", encode(Renew("x"))).code, "busy")
        other = self.connect(self.certificates("near"))
        self.attach(other)
        self.renew(other, make_request(new_key(), "near"))

    def test_a_disk_that_refuses_is_told_without_naming_files(self) -> None:
        self.attach(self.broker)
        path = self.edge.site.pki / "issued"
        blocked = path / ".far.crt.new"
        blocked.mkdir()
        found = self.refusal(self.broker, "renew", encode(Renew(make_request(new_key(), "far"))))
        self.assertEqual(found.code, "unavailable")
        self.assertNotIn(str(self.edge.folder), found.message)
        blocked.rmdir()
        self.assertEqual(self.newest(), self.first)

    def test_a_disk_that_refuses_keeps_nobody_out_who_comes_with_a_renewed_certificate(self) -> None:
        self.attach(self.broker)
        key = new_key()
        store_collector(
            self.folder, self.edge.site.ca.certificate, key, self.renew(self.broker, make_request(key, "far"))
        )
        blocked = self.edge.site.pki / "issued" / ".far.crt.new"
        blocked.mkdir()
        second = self.connect(self.folder)
        with capturedLogs() as lines:
            self.assertEqual(self.attach(second, daemon="modeler").collector, "far")
        self.assertEqual(second.lost, "")
        ours = [line for line in lines if not line["log_namespace"].startswith("twisted")]
        told = [formatEvent(line) for line in ours if line["log_level"] is not LogLevel.info]
        self.assertEqual(len(told), 1, told)
        self.assertIn("cannot be written", told[0])
        entry = registered(self.edge.site, "far")
        assert entry is not None
        self.assertIsNone(entry.in_use_since)
        blocked.rmdir()
        self.attach(self.connect(self.folder))
        entry = registered(self.edge.site, "far")
        assert entry is not None
        self.assertIsNotNone(entry.in_use_since, "it is noted at the next login")

    def test_a_registry_that_cannot_be_read_is_told_without_naming_files(self) -> None:
        (self.edge.site.pki / "issued" / "far.crt").write_bytes(b"-----BEGIN")
        request = Attach(daemon="process", host="box", software="0.1", oldest=1, newest=1, spool="s1", started_at=1.0)
        with capturedLogs() as lines:
            found = self.refusal(self.broker, "attach", encode(request))
        self.assertEqual(found.code, "unavailable")
        self.assertNotIn(str(self.edge.folder), found.message)
        self.assertTrue(any("holds no certificate" in formatEvent(line) for line in lines))

    def test_a_session_that_was_opened_with_the_certificate_before_goes_on(self) -> None:
        other = self.connect(self.folder)
        other.serve("collector", Ponger())
        self.attach(self.broker)
        self.attach(other, daemon="modeler")
        self.renew(self.broker, make_request(new_key(), "far"))
        self.edge.run(60)
        self.assertEqual(other.lost, "")

    def test_an_enrolment_anew_ends_the_session_soon(self) -> None:
        self.attach(self.broker)
        self.certificates("far")
        self.edge.run(SessionSettings().heartbeat_s + 1)
        self.assertIn("replaced", self.desk.gone[0][1])


class HubTests(EdgeCase):
    def test_the_hubs_own_certificate_is_renewed_under_sessions_that_stand(self) -> None:
        folder = self.certificates("far")
        before = self.connect(folder)
        self.attach(before)
        site = ensure_site(self.edge.site.pki, self.edge.wall, ["hub.example.org"])
        self.assertNotEqual(site.hub.certificate, self.edge.site.hub.certificate)
        self.edge.listener.renew(site)
        after = self.connect(folder)
        self.attach(after, daemon="modeler")
        self.assertEqual(before.peer_certificate(), self.edge.site.hub.certificate)
        self.assertEqual(after.peer_certificate(), site.hub.certificate)
        self.assertEqual(before.lost, "")

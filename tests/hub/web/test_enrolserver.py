# mypy: allow-untyped-calls
"""The door for hosts without a certificate: what it answers, and what it does not let a stranger do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography import x509
from twisted.internet.error import CannotListenError
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from common.certificates import registered
from common.edge.pem import new_key
from common.edge.requests import make_request
from common.edge.tokens import read_token
from hub.enrol.settings import EnrolSettings
from hub.web.enrolfront import MAX_BODY_BYTES
from hub.web.enrolserver import EnrolServer
from tests.fakes.enrolment import START, EnrolHub

PATH = "/api/v1/enrol"


class DoorCase(SynchronousTestCase):
    settings: dict[str, Any] = {}  # noqa: RUF012 - read only

    def setUp(self) -> None:
        self.hub = EnrolHub(**self.settings)
        self.addCleanup(self.hub.close)

    def body(self, token: str, name: str = "far", **changes: Any) -> dict[str, Any]:
        return {"token": token, "request": make_request(new_key(), name), **changes}

    def refusal(self, status: int, code: str, *arguments: Any, **named: Any) -> str:
        found, answer = self.hub.stranger().ask(*arguments, **named)
        self.assertEqual((found, answer["error"]["code"]), (status, code))
        return str(answer["error"]["message"])


class AnswerTests(DoorCase):
    def test_a_stranger_learns_the_authority_and_the_time(self) -> None:
        status, answer = self.hub.stranger().ask("GET", PATH)
        self.assertEqual(status, 200)
        self.assertEqual(x509.load_pem_x509_certificate(answer["ca"].encode()), self.hub.site.ca.certificate)
        self.assertEqual((answer["at"], answer["broker_port"]), (START, 8789))
        self.assertEqual(set(answer), {"ca", "at", "broker_port"})

    def test_a_token_brings_a_certificate_and_a_line_without_the_secret(self) -> None:
        token = self.hub.token()
        with capturedLogs() as logs:
            status, answer = self.hub.stranger().ask("POST", PATH, self.body(token))
        self.assertEqual((status, answer["collector"], answer["broker_port"]), (200, "far", 8789))
        entry = registered(self.hub.site, "far")
        assert entry is not None
        self.assertEqual(x509.load_pem_x509_certificate(answer["certificate"].encode()), entry.newest)
        self.assertIn("enrolled", str(logs))
        self.assertNotIn(token, str(logs))

    def test_tokens_that_do_not_count_are_refused_and_noted_without_the_secret(self) -> None:
        used = self.hub.token()
        self.hub.enrol(used)
        other = EnrolHub()
        self.addCleanup(other.close)
        for token, says in (
            (used, "used already"),
            (other.token(), "another hub"),
            (self.hub.token("gone", 60), "expired"),
        ):
            if says == "expired":
                self.hub.clock.advance(60)
            with capturedLogs() as logs:
                name = read_token(token).name
                self.assertIn(says, self.refusal(401, "unauthorized", "POST", PATH, self.body(token, name)))
            lines = [event for event in logs if event["log_level"] is LogLevel.warn]
            self.assertEqual(len(lines), 1)
            self.assertIn(f"collector {name}", lines[0]["what"])
            self.assertNotIn(token, str(logs))
            self.assertNotIn(read_token(token).secret.hex(), str(logs))

    def test_bodies_that_do_not_fit_are_refused_without_repeating_them(self) -> None:
        token = self.hub.token()
        for body in (
            b"",
            b"{}",
            b"[" * 8000,
            b'{"token": 1, "request": 2}',
            b"\xff\xfe",
            json.dumps({**self.body(token), "more": 1}).encode(),
            json.dumps(self.body("x" * 401)).encode(),
        ):
            message = self.refusal(400, "bad_request", "POST", PATH, raw=body)
            self.assertNotIn(token, message)
        self.assertEqual(self.hub.stranger().ask("POST", PATH, self.body(token))[0], 200)

    def test_nothing_else_is_served_here(self) -> None:
        for path in ("/", "/api/v1/status", "/api/v1/enrol/", "/static/app.js", "/api/v1/../v1/enrol"):
            self.refusal(404, "not_found", "GET", path)
        for method in ("PUT", "DELETE", "HEADS"):
            self.refusal(405, "method_not_allowed", method, PATH)

    def test_a_connection_is_for_one_request(self) -> None:
        stranger = self.hub.stranger()
        stranger.ask("GET", PATH)
        self.assertTrue(stranger.is_gone)
        two = self.hub.stranger()
        two.say(b"GET /api/v1/enrol HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
        self.assertEqual(bytes(two.raw.heard).count(b"HTTP/1.1 200"), 1)

    def test_what_the_disk_refuses_is_told_without_naming_files(self) -> None:
        token = self.hub.token()
        (self.hub.site.pki / "issued").rmdir()
        message = self.refusal(503, "unavailable", "POST", PATH, self.body(token))
        self.assertNotIn(str(self.hub.folder), message)
        (self.hub.site.pki / "issued").mkdir()
        self.assertEqual(self.hub.stranger().ask("POST", PATH, self.body(token))[0], 200)

    def test_two_that_show_one_token_at_once_one_wins(self) -> None:
        token = self.hub.token()
        bodies = [json.dumps(self.body(token)).encode() for _ in range(2)]
        pair = [self.hub.stranger(), self.hub.stranger("192.0.2.67")]
        requests = [
            b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (PATH.encode(), len(body), body)
            for body in bodies
        ]
        for stranger, request in zip(pair, requests, strict=True):
            stranger.say(request[:-1])
        for stranger, request in zip(pair, requests, strict=True):
            stranger.say(request[-1:])
        self.assertEqual(sorted(stranger.answer()[0] for stranger in pair), [200, 401])


class LimitTests(DoorCase):
    settings = {"max_connections": 4, "connections_burst": 12, "connections_per_s": 1.0, "answer_s": 10.0}  # noqa: RUF012

    def test_a_body_that_announces_too_much_ends_the_connection_at_once(self) -> None:
        stranger = self.hub.stranger()
        stranger.say(b"POST /api/v1/enrol HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
        self.assertTrue(stranger.is_gone)

    def test_a_flood_in_chunks_ends_with_the_limit(self) -> None:
        stranger = self.hub.stranger()
        stranger.say(b"POST /api/v1/enrol HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(MAX_BODY_BYTES // 1024):
            stranger.say(b"400\r\n" + b"x" * 1024 + b"\r\n")
            self.assertFalse(stranger.is_gone)
        stranger.say(b"400\r\n" + b"x" * 1024 + b"\r\n")
        self.assertTrue(stranger.is_gone)

    def test_headers_without_end_end_the_connection(self) -> None:
        stranger = self.hub.stranger()
        stranger.say(b"GET /api/v1/enrol HTTP/1.1\r\n")
        for _ in range(300):
            stranger.say(b"X-%d: %s\r\n" % (1, b"y" * 500))
        self.assertTrue(stranger.is_gone)

    def test_a_slow_one_is_ended_however_busy_it_looks(self) -> None:
        slow, silent, bare = self.hub.stranger(), self.hub.stranger(), self.hub.stranger(tls=False)
        slow.say(b"POST /api/v1/enrol HTTP/1.1\r\nHost: x\r\nContent-Length: 8000\r\n\r\n")
        for _ in range(19):
            self.hub.run(0.5)
            slow.say(b"x")
        self.assertFalse(slow.is_gone)
        self.hub.run(0.5)
        self.assertEqual([one.is_gone for one in (slow, silent, bare)], [True] * 3)
        self.assertEqual(self.hub.door.connections, 0)

    def test_one_more_than_may_be_drops_the_eldest(self) -> None:
        silent = [self.hub.stranger(f"192.0.2.{n}", tls=False) for n in range(6)]
        self.hub.run(0.5)
        self.assertEqual([one.is_gone for one in silent], [True, True, False, False, False, False])
        status, _ = self.hub.stranger().ask("GET", PATH)
        self.assertEqual(status, 200)

    def test_who_connects_too_often_is_turned_away_and_another_is_not(self) -> None:
        with capturedLogs() as logs:
            let_in = [self.hub.stranger(tls=False).is_let_in for _ in range(200)]
        self.assertEqual(sum(let_in), 12)
        self.assertLessEqual(len([event for event in logs if event["log_level"] is LogLevel.warn]), 12)
        self.assertEqual(self.hub.stranger("192.0.2.1").ask("GET", PATH)[0], 200)

    def test_all_addresses_together_have_a_limit_too(self) -> None:
        let_in = [self.hub.stranger(f"10.0.{n // 250}.{n % 250}", tls=False).is_let_in for n in range(300)]
        self.assertEqual(sum(let_in), 120)

    def test_no_tls_no_word(self) -> None:
        plain = self.hub.stranger(tls=False)
        plain.say(b"GET /api/v1/enrol HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertNotIn(b"HTTP", bytes(plain.raw.heard))


class FullReactor:
    """Has no port to give."""

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> Any:
        raise CannotListenError(interface, port, OSError(98, "Address already in use"))


def test_a_port_that_is_taken_keeps_the_hub_from_nothing_else() -> None:
    server = EnrolServer(FullReactor(), EnrolSettings(port=8790), object())  # type: ignore[arg-type]  # not used
    with capturedLogs() as logs:
        server.startService()
    assert "127.0.0.1 port 8790" in server.problem
    assert "in use" in server.problem
    ours = [event for event in logs if event["log_namespace"].startswith("hub.")]
    assert [event["log_level"] for event in ours] == [LogLevel.error]
    assert server.port == 0


def test_turned_off_it_listens_to_nobody() -> None:
    server = EnrolServer(FullReactor(), EnrolSettings(enabled=False), None)
    server.startService()
    assert "turned off" in server.problem


@pytest.mark.parametrize("days", [0.0, 826, -1])
def test_lifetimes_of_certificates_have_bounds(days: float) -> None:
    import msgspec

    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"certificate_days": days}, EnrolSettings)

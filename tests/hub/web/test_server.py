# mypy: allow-untyped-calls
from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from common.errors import NotFoundError, PermanentError, RemoteError, SettingsError, TransientError
from hub.data.asking import CollectorAwayError, TooSlowError
from hub.web import server as server_module
from hub.web.call import Call, File
from hub.web.longpolls import LongPolls
from hub.web.refusals import RefusalError, refusal_of
from hub.web.router import Route, Router
from hub.web.server import MAX_BODY_BYTES, Connections, WebServer
from hub.web.tokens import Tokens, ensure_token
from tests.hub.web.http import PUSH_TOKEN, STATIC, TOKEN, Client, Connection, site_of


class Said(Struct):
    said: str


class Body(Struct, forbid_unknown_fields=True):
    number: int


class Topic:
    """Answers for the tests of the edge."""

    def __init__(self) -> None:
        self.raises: BaseException | None = None
        self.waits: list[Deferred[str]] = []
        self.cancelled = 0

    async def say(self, call: Call) -> Said:
        return Said(call.names["word"])

    async def fixed(self, call: Call) -> Said:
        call.only("a")
        return Said(f"fixed {call.all('a')}")

    async def read(self, call: Call) -> Said:
        return Said(str(call.body(Body).number))

    async def fail(self, call: Call) -> Said:
        assert self.raises is not None
        raise self.raises

    async def wait(self, call: Call) -> Said:
        waiting: Deferred[str] = Deferred()
        self.waits.append(waiting)
        try:
            return Said(await waiting)
        except CancelledError:
            self.cancelled += 1
            raise

    async def file(self, call: Call) -> File:
        return File("image/png", b"\x89PNG")

    async def health(self, call: Call) -> Said:
        return Said("well")


class EdgeCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.topic = topic = Topic()
        routes = [
            Route("GET", "say/{word}", topic.say),
            Route("GET", "say/fixed", topic.fixed),
            Route("PUT", "read", topic.read),
            Route("POST", "fail", topic.fail),
            Route("GET", "wait", topic.wait),
            Route("GET", "file", topic.file),
            Route("GET", "health", topic.health, is_open=True),
        ]
        self.site = site_of(Clock(), routes)
        self.client = Client(self.site)


class EdgeTests(EdgeCase):
    def test_a_path_finds_its_answer_and_a_fixed_part_goes_first(self) -> None:
        self.assertEqual(self.client.get("say/hello").json, {"said": "hello"})
        self.assertEqual(self.client.get("say/fixed?a=1&a=").json, {"said": "fixed ['1', '']"})
        self.assertEqual(self.client.get("say/a%2Fb%20%C3%A9").json, {"said": "a/b é"})

    def test_every_answer_bears_the_headers_that_keep_browsers_safe(self) -> None:
        for path in ("/", "/static/app.js", "/api/v1/say/x", "/api/v1/nothing", "/nothing"):
            headers = self.client.ask("GET", path).headers
            self.assertIn("default-src 'self'", headers["content-security-policy"])
            self.assertIn("frame-ancestors 'none'", headers["content-security-policy"])
            self.assertEqual(headers["x-content-type-options"], "nosniff")
            self.assertIn(
                headers["cache-control"], {"no-store"} if path.startswith("/api") else {"no-store", "no-cache"}
            )
            self.assertNotIn("twisted", str(headers).lower())

    def test_without_the_right_token_nothing_is_told(self) -> None:
        for token in (None, "", "wrong", TOKEN[:-1], TOKEN + "x", "é"):
            for path in ("say/hello", "nothing", "fail"):
                answer = self.client.get(path, token=token)
                self.assertEqual((answer.status, answer.error[0]), (401, "unauthorized"))
                self.assertEqual(answer.headers["www-authenticate"], "Bearer")
        basic = self.client.get("say/x", token=None, headers=f"Authorization: Basic {TOKEN}\r\n")
        self.assertEqual(basic.status, 401)

    def test_health_and_the_page_need_no_token(self) -> None:
        self.assertEqual(self.client.get("health", token=None).json, {"said": "well"})
        page = self.client.ask("GET", "/", token=None)
        self.assertEqual((page.status, page.headers["content-type"]), (200, "text/html; charset=utf-8"))
        self.assertEqual(self.client.ask("HEAD", "/", token=None).content, b"")

    def test_what_is_not_there_is_said_in_the_error_shape(self) -> None:
        for method, path, status, code in (
            ("GET", "/api/v1/nothing", 404, "not_found"),
            ("GET", "/api/v1/say/", 404, "not_found"),
            ("GET", "/api/v1/say/%ff", 404, "not_found"),
            ("GET", "/api/v2/say/x", 404, "not_found"),
            ("DELETE", "/api/v1/say/x", 405, "method_not_allowed"),
            ("POST", "/", 405, "method_not_allowed"),
            ("GET", "/static/../server.py", 404, "not_found"),
            ("GET", "/static/%2e%2e/server.py", 404, "not_found"),
            ("GET", "/static/", 404, "not_found"),
            ("GET", "/static/.hidden.js", 404, "not_found"),
            ("GET", "/static/missing.js", 404, "not_found"),
            ("GET", "/etc/passwd", 404, "not_found"),
            ("GET", "/api/v1/say/fixed?b=1", 400, "bad_request"),
            ("GET", "/api/v1/say/fixed?" + "&a=" * 2100, 400, "bad_request"),
        ):
            answer = self.client.ask(method, path)
            self.assertEqual((answer.status, answer.error[0]), (status, code), path)

    def test_bodies_are_read_strictly(self) -> None:
        self.assertEqual(self.client.ask("PUT", "/api/v1/read", {"number": 7}).json, {"said": "7"})
        for raw in (b"{", b'{"number": "7"}', b'{"number": 7, "x": 1}', b"[" * 100_000, b"\xff", b"7"):
            answer = self.client.ask("PUT", "/api/v1/read", raw=raw)
            self.assertEqual((answer.status, answer.error[0]), (400, "bad_request"), raw[:20])

    def test_a_body_that_is_too_large_is_thrown_away_and_refused(self) -> None:
        connection = Connection(self.site)
        connection.send("PUT", "/api/v1/read", headers=f"Content-Length: {MAX_BODY_BYTES + 1}\r\n")
        chunk = b"x" * 65536
        for _ in range(MAX_BODY_BYTES // len(chunk)):
            connection.protocol.dataReceived(chunk)
        connection.protocol.dataReceived(b"x")
        answer = connection.answer()
        self.assertEqual((answer.status, answer.error[0]), (413, "too_large"))

    def test_a_stranger_may_send_far_less_and_chunks_count_too(self) -> None:
        connection = Connection(self.site)
        connection.send("PUT", "/api/v1/read", token=None, headers="Transfer-Encoding: chunked\r\n")
        for _ in range(100):
            connection.protocol.dataReceived(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        (request,) = connection.protocol._channel.requests
        self.assertLessEqual(request.content.tell(), 65536)
        connection.protocol.dataReceived(b"0\r\n\r\n")
        self.assertEqual(connection.answer().status, 401)

    def test_errors_of_ours_have_their_status(self) -> None:
        for error, status, code in (
            (NotFoundError("no such device"), 404, "not_found"),
            (SettingsError("3 mistakes", ["a.yaml:3: x"]), 422, "invalid"),
            (PermanentError("event 3 is closed"), 409, "conflict"),
            (CollectorAwayError("collector x is away"), 503, "collector_unavailable"),
            (TooSlowError("too slow"), 504, "timeout"),
            (TransientError("the disk is full"), 503, "unavailable"),
            (RemoteError("bad_request", "no"), 400, "bad_request"),
            (RemoteError("too_large", "no"), 413, "too_large"),
            (RemoteError("internal", "no"), 500, "internal"),
            (RefusalError("busy", "no"), 503, "busy"),
        ):
            self.topic.raises = error
            answer = self.client.post("fail")
            self.assertEqual((answer.status, answer.error), (status, (code, error.message)))
        self.assertEqual(refusal_of(SettingsError("x", ["a", "b"])).details, ("a", "b"))

    def test_a_header_of_any_bytes_is_no_token(self) -> None:
        connection = Connection(self.site)
        connection.protocol.dataReceived(
            b"GET /api/v1/say/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xe9\xff\r\nContent-Length: 0\r\n\r\n"
        )
        self.assertEqual(connection.answer().status, 401)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_when_there_are_too_many_connections_the_eldest_stranger_makes_room(self) -> None:
        self.patch(server_module, "MAX_CONNECTIONS", 3)
        door = Connections(self.site)
        known, eldest, younger = (Connection(door) for _ in range(3))
        known.send("GET", "/api/v1/say/hello")
        newest = Connection(door)
        self.assertEqual(
            [one.transport.disconnecting for one in (known, eldest, younger, newest)], [False, True, False, False]
        )

    def test_a_defect_ends_one_request_tells_an_id_and_no_secret(self) -> None:
        self.topic.raises = ZeroDivisionError("/home/secret")
        answer = self.client.post("fail")
        self.assertEqual((answer.status, answer.error[0]), (500, "internal"))
        self.assertNotIn("secret", answer.content.decode())
        self.assertNotIn("Traceback", answer.content.decode())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.client.get("say/x").status, 200)

    def test_a_file_is_sent_as_it_is(self) -> None:
        answer = self.client.get("file")
        self.assertEqual((answer.headers["content-type"], answer.content), ("image/png", b"\x89PNG"))
        self.assertEqual(answer.headers["cache-control"], "no-store")

    def test_a_client_that_goes_away_ends_the_work_for_it(self) -> None:
        connection = Connection(self.site)
        connection.send("GET", "/api/v1/wait")
        self.assertFalse(connection.answered)
        connection.lose()
        self.assertEqual(self.topic.cancelled, 1)

    def test_requests_of_one_connection_are_answered_in_order(self) -> None:
        connection = Connection(self.site)
        connection.send("GET", "/api/v1/wait")
        connection.send("GET", "/api/v1/say/second")
        self.assertFalse(connection.answered)
        self.topic.waits[0].callback("first")
        self.assertIn(b"second", connection.transport.value())


class PollTests(SynchronousTestCase):
    def test_only_so_many_wait_and_who_does_not_wait_is_not_counted(self) -> None:
        polls = LongPolls(limit=2)
        with polls.one(5), polls.one(5):
            with pytest.raises(RefusalError, match="wait already"), polls.one(5):
                pass
            with polls.one(0):
                self.assertEqual(polls.waiting, 2)
        self.assertEqual(polls.waiting, 0)


def test_the_token_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "operator.token"
    token = ensure_token(path)
    assert len(token) > 30
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ensure_token(path) == token
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        ensure_token(path)


@pytest.mark.parametrize("content", ["", "short", "with blanks in the middle of it", "é" * 40])
def test_a_file_without_a_token_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "operator.token"
    path.write_text(content, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="token file"):
        ensure_token(path)


def test_a_token_file_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be made"):
        ensure_token(tmp_path / "missing" / "operator.token")
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_is_a_sentence() -> None:
    from twisted.internet.error import CannotListenError

    class Reactor:
        def listenTCP(self, port: int, factory: Any, backlog: int, interface: str) -> None:
            raise CannotListenError(interface, port, OSError(98, "Address already in use"))

    server = WebServer(Reactor(), "127.0.0.1", 8080, Tokens(operator=TOKEN, push=PUSH_TOKEN), Router([]), STATIC)
    with pytest.raises(SettingsError, match=r"port 8080: .*Address already in use"):
        server.startService()
    assert server.url == "http://127.0.0.1:8080"

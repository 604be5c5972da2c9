"""The status tree over HTTP, as an odin-control server would answer: first as values, then through a door."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collectors.framework.outlets.pagedoor import MAX_CONNECTIONS
from collectors.framework.outlets.pageport import AGAIN_S
from collectors.status.api import Reply, Request, is_own, reply
from collectors.status.live import Live
from collectors.status.tree import Branch, tree_of
from collectors.status.treeserver import TreeServer
from common.errors import TransientError
from tests.collectors.status.passes_made import a_pass
from tests.collectors.status.test_live import Watcher
from tests.fakes.pages import PageReactor

META = "application/json;metadata=true"


def ask(path: str, method: str = "GET", **headers: Any) -> Reply:
    def tree() -> Branch:
        return tree_of(a_pass(), None, inodes=True)

    return reply(Request(method=method, path=path, **headers), tree, 100.25, "1.2.3")


def told(path: str, **headers: Any) -> tuple[int, Any]:
    found = ask(path, **headers)
    assert found.content_type == "application/json"
    return found.status, json.loads(found.data)


@pytest.mark.parametrize("root", ["/api/0.1/status", "/api/status"])
def test_the_tree_is_found_as_servers_with_and_without_a_version_have_it(root: str) -> None:
    for whole in (root, f"{root}/"):
        status, tree = told(whole)
        assert (status, set(tree)) == (200, {"disk", "network", "process", "inodes"})
    assert told(f"{root}/disk/_/percent") == (200, {"value": 26.3})
    assert told(f"{root}/disk/_/percent/") == (200, {"value": 26.3})
    assert told(f"{root}/process/nginx") == (200, {})


@pytest.mark.parametrize("path", ["disk/_/total/foo", "nothing", "disk//_", "/disk", "disk/_/percent//"])
def test_a_path_that_leads_nowhere_is_a_bad_request(path: str) -> None:
    assert told(f"/api/0.1/status/{path}") == (400, {"error": f"Invalid path: {path}"})


@pytest.mark.parametrize("accept", [META, "text/html, application/json; Metadata = TRUE", META.upper()])
def test_metadata_is_asked_for_by_a_parameter_of_the_accept_header(accept: str) -> None:
    status, leaf = told("/api/0.1/status/disk/_/percent", accepted=[accept])
    assert (status, leaf["value"], leaf["writeable"], leaf["type"]) == (200, 26.3, False, "float")
    assert leaf["age_s"] == 0.25


@pytest.mark.parametrize("accept", ["application/json", "*/*", "application/json;metadata=false", "*/*;q=0.1, text/x"])
def test_other_ways_to_ask_for_json_get_the_plain_form(accept: str) -> None:
    assert told("/api/0.1/status/disk/_/percent", accepted=[accept]) == (200, {"value": 26.3})


@pytest.mark.parametrize("accept", ["text/plain", "image/png, text/html", ""])
def test_who_takes_no_json_gets_none(accept: str) -> None:
    found = ask("/api/0.1/status/disk", accepted=[accept])
    assert (found.status, found.data) == (406, b"Requested content types not supported\n")


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH", "OPTIONS", "BREW"])
def test_nothing_can_be_changed(method: str) -> None:
    status, error = told("/api/0.1/status/disk", method=method, content_types=["application/json; charset=utf-8"])
    assert (status, error) == (405, {"error": f"SystemStatusAdapter does not support {method} requests"})
    assert ask("/api/0.1/status/disk", method=method).status == 405


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_body_that_is_not_json_is_refused_by_its_type(method: str) -> None:
    found = ask("/api/0.1/status/disk", method=method, content_types=["text/plain"])
    assert (found.status, found.data) == (415, b"Request content type (text/plain) not supported\n")


def test_clients_are_told_the_version_and_the_adapter() -> None:
    for path in ("/api", "/api/"):
        assert told(path) == (200, {"version": "0.1"})
    adapters = {"adapters": {"status": {"version": "1.2.3", "module": "collectors.status"}}}
    for path in ("/api/0.1/adapters", "/api/0.1/adapters/", "/api/adapters"):
        assert told(path) == (200, adapters)


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("/api/9/status/disk", 400, "API version 9 is not supported"),
        ("/api/0.1/system_info", 400, "No API adapter registered for subsystem system_info"),
        ("/api/0.1/", 400, "No API adapter registered for subsystem "),
        ("/", 404, "There is nothing at /; the tree is at /api/0.1/status/"),
        ("/apis", 404, "There is nothing at /apis"),
        ("*", 404, "There is nothing at *"),
    ],
)
def test_other_paths_are_told_what_is_wrong(path: str, status: int, sentence: str) -> None:
    found = ask(path)
    assert found.status == status
    assert found.data.decode().startswith(sentence)


@pytest.mark.parametrize("host", ["127.0.0.1:8792", "localhost", "LOCALHOST.:1", "[::1]:8792", "127.8.8.8"])
def test_this_host_is_asked_by_its_loopback(host: str) -> None:
    assert is_own(host)
    assert ask("/api", hosts=[host]).status == 200


@pytest.mark.parametrize("host", ["evil.example:8792", "192.0.2.1", "localhost.evil.example", "", "[2001:db8::1]"])
def test_a_name_of_somebody_else_is_refused(host: str) -> None:
    found = ask("/api/0.1/status/disk", hosts=[host])
    assert found.status == 403
    assert b"_home" not in found.data


def test_before_the_first_pass_there_is_nothing_yet() -> None:
    def none_yet() -> Branch:
        raise TransientError("not yet")

    found = reply(Request(method="GET", path="/api/0.1/status/"), none_yet, 0.0, "1")
    assert (found.status, json.loads(found.data)) == (503, {"error": "not yet"})


# --- through a door ---------------------------------------------------------------------------------------------------


class Bench:
    def __init__(self) -> None:
        self.reactor = PageReactor()
        self.watcher = Watcher(self.reactor)
        self.said: list[str] = []
        self.live = Live(self.reactor, self.watcher, 1.0, lambda _: None)
        self.server = TreeServer(self.reactor, self.reactor, lambda: 100.0, self.live, 8792, "1.2.3", self.said.append)

    def start(self) -> None:
        self.live.startService()
        self.server.startService()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_nobody_can_ask_before_there_is_a_pass(bench: Bench) -> None:
    bench.watcher.lasts_s = 1.0
    bench.start()
    assert (bench.reactor.door, bench.server.address) == (None, "")
    bench.reactor.advance(1.1)
    assert bench.server.address == "http://127.0.0.1:8792/api/0.1/status/"


def test_a_request_is_answered_at_once_and_head_without_its_body(bench: Bench) -> None:
    bench.start()
    got = bench.reactor.send(b"GET /api/0.1/status/disk/_/total?x=1 HTTP/1.1\r\nHost: 127.0.0.1:8792\r\n\r\n")
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert b"content-type: application/json" in head.lower()
    assert (body, bench.said) == (b'{"value":1000}', [""])
    got = bench.reactor.send(b"HEAD /api/0.1/status/disk/_/total HTTP/1.1\r\nHost: 127.0.0.1:8792\r\n\r\n")
    head, _, body = got.partition(b"\r\n\r\n")
    assert b"content-length: 14" in head.lower()
    assert body == b""


def test_a_change_is_refused_over_http_with_what_is_allowed(bench: Bench) -> None:
    bench.start()
    got = bench.reactor.send(
        b"PUT /api/0.1/status/disk HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 2\r\n\r\n{}"
    )
    assert got.startswith(b"HTTP/1.1 405")
    assert b"allow: get, head" in got.lower()
    assert got.endswith(b'{"error":"SystemStatusAdapter does not support PUT requests"}')


def test_a_page_of_somebody_else_that_has_its_name_lead_here_learns_nothing(bench: Bench) -> None:
    bench.start()
    got = bench.reactor.send(b"GET /api/0.1/status/ HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 403")


def test_a_path_of_any_length_costs_a_line_and_thousands_of_requests_one_connection(bench: Bench) -> None:
    bench.start()
    protocol, eldest = bench.reactor.connect()
    ask_once = b"GET /api/0.1/status/disk/_/free HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for _ in range(2000):
        protocol.dataReceived(ask_once)
    assert eldest.told.count(b'{"value":700}') == 2000
    got = bench.reactor.send(b"GET /api/0.1/status/" + b"a/" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 400")
    protocol, transport = bench.reactor.connect()
    protocol.dataReceived(b"GET /" + b"a" * 70_000)
    assert transport.disconnecting or transport.aborted
    assert not eldest.aborted
    for _ in range(MAX_CONNECTIONS):
        bench.reactor.connect()
    assert eldest.aborted


def test_a_port_that_is_taken_is_told_and_tried_again(bench: Bench) -> None:
    bench.reactor.taken = True
    bench.start()
    assert len(bench.said) == 1
    assert "127.0.0.1 port 8792" in bench.said[0]
    assert "change [status] http_port" in bench.said[0]
    bench.reactor.taken = False
    bench.reactor.advance(AGAIN_S)
    assert bench.said[1:] == [""]
    assert bench.server.address


def test_when_it_is_stopped_nobody_listens_and_nothing_waits(bench: Bench) -> None:
    bench.start()
    bench.server.stopService()
    assert bench.reactor.door is None
    bench.live.stopService()
    taken = Bench()
    taken.reactor.taken = True
    taken.start()
    taken.server.stopService()
    taken.live.stopService()
    assert taken.reactor.getDelayedCalls() == []

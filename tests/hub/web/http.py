# mypy: allow-untyped-calls
"""HTTP in memory: requests in, answers out, no port."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from hub.web.router import Route, Router
from hub.web.server import Connections, Root, WebSite
from hub.web.tokens import Tokens

TOKEN = "a-token-that-is-long-enough"
PUSH_TOKEN = "another-token-that-is-long-enough"


STATIC = Path(__file__).parents[3] / "hub" / "web" / "static"


def site_of(clock: Any, routes: Iterable[Route]) -> WebSite:
    """A site that answers some routes."""
    tokens = Tokens(operator=TOKEN, push=PUSH_TOKEN)
    return WebSite(clock, Root(Router(routes), STATIC, tokens), tokens)


class Answer:
    """A parsed answer."""

    def __init__(self, data: bytes) -> None:
        head, _, self.content = data.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def error(self) -> tuple[str, str]:
        error = self.json["error"]
        assert set(error) == {"code", "message", "details"}
        return error["code"], error["message"]


class Transport(StringTransport):
    """A transport that notes being closed."""

    def loseConnection(self) -> None:
        self.disconnecting = True

    def abortConnection(self) -> None:
        self.disconnecting = True


class Connection:
    """One connection of a client."""

    def __init__(self, site: WebSite | Connections) -> None:
        self.transport = Transport(peerAddress=IPv4Address("TCP", "127.0.0.1", 4000))
        self.protocol: Any = site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 4000))
        self.protocol.makeConnection(self.transport)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = TOKEN,
        headers: str = "",
        raw: bytes = b"",
    ) -> None:
        content = raw if body is None else json.dumps(body).encode()
        lines = f"{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}"
        if token is not None:
            lines += f"Authorization: Bearer {token}\r\n"
        if content:
            lines += f"Content-Length: {len(content)}\r\n"
        self.protocol.dataReceived(lines.encode() + b"\r\n" + content)

    @property
    def answered(self) -> bool:
        return bool(self.transport.value())

    def answer(self) -> Answer:
        data = self.transport.value()
        self.transport.clear()
        assert data, "no answer"
        return Answer(data)

    def lose(self) -> None:
        self.protocol.connectionLost(Failure(ConnectionDone()))


class Client:
    """Asks, each time over a connection of its own."""

    def __init__(self, site: WebSite) -> None:
        self.site = site

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        connection = Connection(self.site)
        connection.send(method, path, body, **options)
        answer = connection.answer()
        connection.lose()
        return answer

    def get(self, path: str, **options: Any) -> Answer:
        return self.ask("GET", f"/api/v1/{path}", **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.ask("POST", f"/api/v1/{path}", {} if body is None else body, **options)


class Bridge(httpx.BaseTransport):
    """Takes what httpx sends to a site in memory."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._client.ask(request.method, request.url.raw_path.decode(), raw=request.read())
        return httpx.Response(answer.status, headers=answer.headers, content=answer.content)

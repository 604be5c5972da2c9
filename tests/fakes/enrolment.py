# mypy: allow-untyped-calls
"""A hub that enrols, in memory: authority, tokens, the HTTPS door, and strangers that knock."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet import ssl
from twisted.internet.address import IPv4Address
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock

from common.certificates import ensure_site, open_tls_options, with_tls
from common.edge.pem import Key, new_key
from common.edge.quota import LineQuota
from common.edge.requests import make_request
from common.edge.tokens import read_token
from hub.enrol.desk import EnrolDesk
from hub.enrol.settings import EnrolSettings
from hub.enrol.tokenbook import TokenBook
from hub.web.enrolfront import EnrolSite, Front
from hub.web.enrolserver import EnrolDoor
from tests.fakes.edge import Cable, Raw

START = 1_900_000_000.0


class FakeSession:
    """A session that can be cut."""

    def __init__(self, collector: str, daemon: str) -> None:
        self.collector = collector
        self.daemon = daemon
        self.aborted = ""

    def abort(self, reason: str) -> None:
        self.aborted = reason


class Stranger:
    """One connection to the door; says what it is told to, over TLS or not."""

    def __init__(self, hub: EnrolHub, host: str, tls: bool) -> None:
        self.raw = Raw()
        self.hub = hub
        server = hub.door.buildProtocol(IPv4Address("TCP", host, 4000))
        self.is_let_in = server is not None
        if server is None:
            return
        client: Any = self.raw
        if tls:
            make: Any = ssl.CertificateOptions
            options = make(verify=False, raiseMinimumTo=ssl.TLSVersion.TLSv1_3)
            client = with_tls(options, Factory.forProtocol(lambda: self.raw), hub.clock, is_client=True)
            client = client.buildProtocol(None)
        self.cable = Cable(hub.clock, server, client, host)
        hub.strangers.append(self)
        self.cable.pump()

    def say(self, data: bytes) -> None:
        self.raw.transport.write(data)
        self.cable.pump()

    def ask(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None) -> tuple[int, Any]:
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        self.say(f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
        return self.answer()

    def answer(self) -> tuple[int, Any]:
        head, _, content = bytes(self.raw.heard).partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(content)

    @property
    def is_gone(self) -> bool:
        return bool(self.raw.lost)


class EnrolHub:
    """Owns a folder; call `close` at the end."""

    def __init__(self, start: float = START, **settings: Any) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tocsin-enrol-")
        self._start = start
        self.folder = Path(self._folder.name)
        self.clock = Clock()
        self.site = ensure_site(self.folder / "pki", self.wall)
        self.sessions: list[FakeSession] = []
        self.pools: set[str] = set()
        self.strangers: list[Stranger] = []
        self.settings = EnrolSettings(**settings)
        self.desk = self.make_desk()
        self.front = Front(self.desk, LineQuota(self.clock), self.wall, lambda: 8789)
        site = EnrolSite(self.clock, self.front, self.settings.answer_s)
        self.door = EnrolDoor(site, open_tls_options(self.site), self.clock, self.settings)

    def wall(self) -> float:
        return self._start + self.clock.seconds()

    def make_desk(self) -> EnrolDesk:
        """A desk as after a start of the hub."""
        tokens = TokenBook(self.folder / "pki" / "tokens.json", self.wall)
        return EnrolDesk(self.site, tokens, self.sessions_of, self.pools.__contains__)

    def sessions_of(self, name: str) -> list[Any]:
        return [one for one in self.sessions if one.collector == name and not one.aborted]

    def token(self, name: str = "far", lifetime_s: float = 3600.0, *, again: bool = False) -> str:
        return self.desk.make_token(name, lifetime_s, again=again).text

    def enrol(self, token: str, key: Key | None = None) -> Any:
        read = read_token(token)
        return self.desk.enrol(read, make_request(key or new_key(), read.name))

    def stranger(self, host: str = "192.0.2.66", *, tls: bool = True) -> Stranger:
        return Stranger(self, host, tls)

    def run(self, seconds: float) -> None:
        """Let time pass, and bytes flow."""
        for _ in range(round(seconds / 0.5)):
            self.clock.advance(0.5)
            for one in self.strangers:
                one.cable.pump()

    def close(self) -> None:
        for one in self.strangers:
            one.cable.client.abortConnection()
            one.cable.pump()
        self._folder.cleanup()

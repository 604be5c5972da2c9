# mypy: allow-untyped-calls
"""A whole hub in this process, on ports the kernel chose, with collectors that connect to it over TLS."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.internet.task import deferLater
from twisted.web.client import Agent, HTTPConnectionPool
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer
from zope.interface import implementer

from collectors.framework.hublink import HubLink
from collectors.framework.linksettings import LinkSettings
from common.certificates import ensure_collector, ensure_site
from common.wire import Attach, ConfigBatch, ConfigsApplied
from hub.app import make_service
from hub.broker.listener import ListenerSettings
from hub.enrol.settings import EnrolSettings
from hub.life import Life
from hub.settings import HttpSettings, HubSettings
from tests.fakes.ports import held_port
from tests.fakes.sessions import FakeHubClient
from tests.fakes.watching import until

WITHIN_S = 60.0


@implementer(IBodyProducer)
class Body:
    """A request body from bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.length = len(data)

    def startProducing(self, consumer: Any) -> Deferred[None]:
        consumer.write(self.data)
        done: Deferred[None] = Deferred()
        done.callback(None)
        return done

    def stopProducing(self) -> None: ...
    def pauseProducing(self) -> None: ...
    def resumeProducing(self) -> None: ...


class Content(Protocol):
    """Gathers the body of an answer."""

    def __init__(self) -> None:
        self.done: Deferred[bytes] = Deferred()
        self._data = bytearray()

    def dataReceived(self, data: bytes) -> None:
        self._data += data

    def connectionLost(self, reason: Any = None) -> None:
        self.done.callback(bytes(self._data))


class Answer:
    """Status, headers and JSON of an answer."""

    def __init__(self, status: int, content: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.headers = headers or {}
        self.content = content
        self.json: Any = json.loads(content) if kind == "application/json" else None


class Collector(FakeHubClient):
    """A collector daemon without anything to collect."""

    def __init__(self, spool: str = "s1") -> None:
        super().__init__()
        self.spool = spool
        self.batches: list[ConfigBatch] = []

    async def apply(self, batch: ConfigBatch) -> ConfigsApplied:
        self.batches.append(batch)
        return await super().apply(batch)

    def attach_request(self) -> Attach:
        return msgspec.structs.replace(super().attach_request(), spool=self.spool)


class TestHub:
    """A hub that can be stopped and started again on the same folder."""

    __test__ = False

    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor
        self.folder = Path(tempfile.mkdtemp(prefix="tocsin-hub-"))
        # It keeps its ports over a restart, so that collectors find it again.
        self.ports = [held_port(), held_port()]
        http, broker = (port.getsockname()[1] for port in self.ports)
        self.settings = HubSettings(
            folder=self.folder / "hub",
            http=HttpSettings(port=http),
            broker=ListenerSettings(port=broker),
            enrol=EnrolSettings(port=0),
        )
        self.links: list[HubLink] = []
        self.service: Life | None = None
        self.pool: Any = HTTPConnectionPool(reactor, persistent=True)
        self.pool.maxPersistentPerHost = 10
        self.run: dict[str, Any] = {}

    async def start(self) -> None:
        self.service = make_service(self.settings, self.reactor)
        self.service.startService()
        await self.service.ready()
        self.run = json.loads(self.settings.run_file.read_text())

    async def stop(self) -> None:
        if self.service is not None:
            service, self.service = self.service, None
            await service.stopService()

    async def close(self) -> None:
        for link in self.links:
            await link.stopService()
        await self.stop()
        await self.pool.closeCachedConnections()
        for port in self.ports:
            port.close()
        shutil.rmtree(self.folder)

    def link(self, name: str, client: Any) -> HubLink:
        """Connect a collector with a certificate of its own."""
        site = ensure_site(self.settings.pki, time.time)
        certificates = ensure_collector(site, name, self.folder / "certs" / name)
        settings = LinkSettings(certificates=certificates, port=self.run["broker_port"])
        link = HubLink(self.reactor, self.reactor, random.Random(1), settings, client)
        link.startService()
        self.links.append(link)
        return link

    async def ask(self, method: str, path: str, body: Any = None, *, token: bool = True) -> Answer:
        headers = Headers({"Content-Type": ["application/json"]})
        if token:
            headers.addRawHeader("Authorization", f"Bearer {self.settings.token_file.read_text().strip()}")
        agent = Agent(self.reactor, connectTimeout=60, pool=self.pool)
        url = f"{self.run['url']}/api/v1/{path}".encode()
        sent = None if body is None else Body(json.dumps(body).encode())
        response = await agent.request(method.encode(), url, headers, sent)
        kind = response.headers.getRawHeaders("content-type", [""])[0]
        content = Content()
        response.deliverBody(content)
        told = {name.decode().lower(): values[-1].decode() for name, values in response.headers.getAllRawHeaders()}
        return Answer(response.code, await content.done, kind, told)

    async def until(self, what: str, check: Any, within_s: float = WITHIN_S) -> Any:
        """Look again and again until something is so."""
        return await until(self.reactor, what, check, within_s)

    async def until_told(self, what: str, path: str, check: Callable[[Any], Any], within_s: float = WITHIN_S) -> Any:
        """Ask for the JSON of a path again and again until something is so of it; return that."""
        deadline = time.monotonic() + within_s
        while True:
            told = (await self.ask("GET", path)).json
            if check(told):
                return told
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}: not within {within_s} s; last answer: {told}")
            await deferLater(self.reactor, 0.1, lambda: None)

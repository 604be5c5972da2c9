# mypy: allow-untyped-calls
"""A hub with the site's own certificates, that lies to whoever logs in."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import msgspec
import zstandard
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.spread import pb

from common.certificates import Site, hub_tls_options, with_tls
from common.edge.broker import HardBroker
from common.errors import TocsinError
from common.wire import Alive, Attached, ConfigBatch, EventBatch, EventsStored, HeldRequest, decode, encode
from tests.fakes.sessions import device_config
from tests.faults.case import reactor

CALL_S = 20.0


class FalseHub(pb.Referenceable):
    """Answers one connection by its owner's mood."""

    def __init__(self, door: FalseDoor, broker: HardBroker) -> None:
        self.door = door
        self.broker = broker

    async def remote_attach(self, _version: int, _payload: bytes) -> bytes:
        """Let everybody in, or say something that is none."""
        door = self.door
        door.logins += 1
        mood = door.mood
        if mood == "its answer to the login is junk":
            return b"\x00" + os.urandom(200)
        if mood == "it never answers the login":
            await Deferred()
        self.broker.trust()
        if mood in PUSHES:
            reactor.callLater(0.05, lambda: Deferred.fromCoroutine(self.push(PUSHES[mood])))
        if mood == "a megabyte of junk":
            reactor.callLater(0.05, self.broker.transport.write, b"\x7f" * 1_000_000)
        if mood == "a million open lists":
            reactor.callLater(0.05, self.broker.transport.write, b"\x01\x80" * 1_000_000)
        epoch = os.urandom(8).hex() if mood == "another epoch each time" else "false"
        stored = {"it holds more than there ever was": 10**15, "it holds less than nothing": -5}.get(mood, 0)
        return encode(Attached(collector="edge", version=1, epoch=epoch, stored_seq=stored))

    async def remote_events(self, _version: int, payload: bytes) -> bytes:
        """Say that events are stored that are not, but never of those that were sent."""
        batch = decode(payload, EventBatch)
        first, last = batch.events[0].seq, batch.events[-1].seq
        self.door.batches += 1
        mood = self.door.mood
        if mood == "it never answers events":
            await Deferred()
        if mood == "its answers are junk":
            return os.urandom(50)
        return encode(EventsStored({"it stores events of the future": last + 10**12}.get(mood, first - 1)))

    async def remote_heartbeat(self, _version: int, _payload: bytes) -> bytes:
        """Live."""
        return encode(Alive())

    async def push(self, payloads: Callable[[], list[tuple[str, bytes]]]) -> None:
        """Call the collector, and note what became of it."""
        for method, payload in payloads():
            try:
                await self.broker.call(method, payload, CALL_S)
            except TocsinError as error:
                self.door.errors.append(error.message)
            self.door.pushes += 1


class FalseDoor(Factory):
    """Listens where the hub did.

    Attributes:
        mood: one of `MOODS`; those who have logged in keep theirs as far as pushes go.
        logins, batches, pushes: what has happened.
    """

    noisy = False

    def __init__(self, site: Site) -> None:
        self._site = site
        self._brokers: list[HardBroker] = []
        self._port: Any = None
        self.mood = ""
        self.logins = self.batches = self.pushes = 0
        self.errors: list[str] = []

    def more_than(self, logins: int) -> bool:
        """Whether somebody has logged in since."""
        return self.logins > logins

    def has_pushed(self, pushes: int) -> bool:
        """Whether a call to a collector has ended since."""
        return self.pushes > pushes

    def listen(self, port: int) -> None:
        """Open the door."""
        factory = with_tls(hub_tls_options(self._site), self, reactor, is_client=False)
        self._port = reactor.listenTCP(port, factory, interface="127.0.0.1")

    def buildProtocol(self, addr: Any) -> Any:
        """Make the broker of a connection."""
        broker = HardBroker(reactor, None, is_client=False, calls="collector", title="the collector")
        broker.serve("hub", FalseHub(self, broker))
        self._brokers.append(broker)
        broker.on_lost(lambda _: self._brokers.remove(broker))
        return broker

    def cut(self) -> None:
        """End all sessions."""
        for broker in list(self._brokers):
            broker.close("the false hub has another mood")

    async def close(self) -> None:
        """Go away."""
        port, self._port = self._port, None
        if port is not None:
            await port.stopListening()
        self.cut()
        while self._brokers:
            gone: Deferred[None] = Deferred()
            self._brokers[0].on_lost(lambda _, gone=gone: gone.callback(None))  # type: ignore[misc]  # it is bound
            await gone


def _junk() -> list[tuple[str, bytes]]:
    methods = ("configs", "held", "query", "ping", "applied", "__init__")
    return [(method, payload) for method in methods for payload in (b"", b"\xff" * 50, b"\x00" + os.urandom(5000))]


def _half() -> list[tuple[str, bytes]]:
    """Batches that are right in part: a hundred devices of which one cannot be decoded."""
    raw = msgspec.msgpack.encode(
        {
            "type": "ConfigBatch",
            "revision": 10**9,
            "changed": [*(msgspec.to_builtins(device_config(f"x{n}")) for n in range(99)), {"device": 7}],
            "removed": [],
        }
    )
    return [("configs", b"\x00" + raw)]


def _too_many_sets() -> list[tuple[str, bytes]]:
    head = {"type": "ConfigBatch", "revision": 1, "removed": []}
    each = {"id": "s", "title": "", "order": 1, "include": "a", "name": "x"}
    config = {**msgspec.to_builtins(device_config("web1")), "process_sets": [each] * 100_000}
    raw = msgspec.msgpack.encode({**head, "changed": [config]})
    return [("configs", b"\x01" + zstandard.ZstdCompressor().compress(raw))]


def _back_and_forth() -> list[tuple[str, bytes]]:
    """The past, and the far future, with nothing in them."""
    numbers = (10**15, 0, -1, 7, 5)
    return [("configs", encode(ConfigBatch(revision=n, changed=[], removed=["nobody"]))) for n in numbers]


def _questions() -> list[tuple[str, bytes]]:
    return [("held", encode(HeldRequest(after="x" * 100_000))) for _ in range(200)]


PUSHES: dict[str, Callable[[], list[tuple[str, bytes]]]] = {
    "calls that are none": _junk,
    "a batch of which the last config is none": _half,
    "a config of a hundred thousand sets": _too_many_sets,
    "revisions that go back": _back_and_forth,
    "questions without end": _questions,
}
MOODS = (
    *PUSHES,
    "its answer to the login is junk",
    "it never answers the login",
    "another epoch each time",
    "it holds more than there ever was",
    "it holds less than nothing",
    "a megabyte of junk",
    "a million open lists",
    "it never answers events",
    "its answers are junk",
    "it stores events of the future",
    "it stores nothing",
)

"""A network cable in memory, for the tests of the PB edge: it can be cut, stalled and listened to."""

# mypy: allow-untyped-calls
# (trial's assertions and twisted.spread have no types)
from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IConsumer, ITransport
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

BUFFER_BYTES = 65536
KERNEL_BYTES = 131072


@implementer(ITransport, IConsumer)
class End:
    """One end of a cable, a transport for a protocol; `sent` counts what was ever written.

    What is written lies with the writer while the other end does not read, as behind a full socket.
    """

    def __init__(self, host: str) -> None:
        self.host = host
        self.protocol: Any = None
        self.other: End | None = None
        self.outbox = bytearray()
        self.sent = 0
        self.reading = True
        self.swallows = False
        self.closing: str = ""
        self.closed = False
        self.producer: Any = None
        self.producer_paused = False

    def write(self, data: bytes) -> None:
        if self.closing:
            return
        self.sent += len(data)
        self.outbox += data
        if self.producer is not None and len(self.outbox) > BUFFER_BYTES + KERNEL_BYTES and not self.producer_paused:
            self.producer_paused = True
            self.producer.pauseProducing()

    def writeSequence(self, data: Any) -> None:
        self.write(b"".join(data))

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None

    def pauseProducing(self) -> None:
        self.reading = False

    def resumeProducing(self) -> None:
        self.reading = True

    def stopProducing(self) -> None:
        self.loseConnection()

    def setTcpNoDelay(self, enabled: bool) -> None: ...

    def loseConnection(self) -> None:
        self.closing = self.closing or "done"

    def abortConnection(self) -> None:
        self.outbox.clear()
        self.closing = "abort"

    def getPeer(self) -> IPv4Address:
        return IPv4Address("TCP", self.host, 4000)

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", "192.0.2.254", 8787)

    def deliver(self) -> bool:
        """Hand the other end what waits; True when something moved."""
        assert self.other is not None
        data = bytes(self.outbox)
        if not data or (not self.swallows and not self.other.reading):
            return False
        self.outbox.clear()
        if self.producer_paused:
            self.producer_paused = False
            self.producer.resumeProducing()
        if not self.swallows and not self.other.closed and not self.other.closing:
            self.other.protocol.dataReceived(data)
        return True

    def finish(self) -> bool:
        """Do what closing asks for; True when something happened."""
        assert self.other is not None
        if not self.closing or self.closed or (self.closing == "done" and self.outbox):
            return False
        self.closed = True
        self.protocol.connectionLost(Failure(ConnectionLost() if self.closing == "abort" else ConnectionDone()))
        if not self.swallows and not self.other.closing:
            self.other.closing = self.closing
        return True


class Cable:
    """Joins two protocols; `pump` moves all bytes there are."""

    def __init__(self, clock: Clock, server: Any, client: Any, host: str = "192.0.2.1") -> None:
        self.clock = clock
        self.server = End(host)
        self.client = End("192.0.2.254")
        self.server.other, self.client.other = self.client, self.server
        self.server.protocol, self.client.protocol = server, client
        server.makeConnection(self.server)
        client.makeConnection(self.client)

    def pump(self) -> None:
        for _ in range(10_000):
            self.clock.advance(0)
            moved = [end.deliver() for end in (self.server, self.client)]
            moved += [end.finish() for end in (self.server, self.client)]
            if not any(moved):
                return
        raise AssertionError("the two sides never come to rest")

    def cut(self) -> None:
        """From now on bytes vanish, and no side hears of the other's end."""
        self.server.swallows = self.client.swallows = True

    def run(self, seconds: float, step_s: float = 0.5) -> None:
        """Let time pass, and bytes flow."""
        for _ in range(round(seconds / step_s)):
            self.clock.advance(step_s)
            self.pump()


class Raw:
    """A peer that says exactly the bytes it is told to, and keeps what it hears."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.lost: str = ""
        self.transport: Any = None

    def makeConnection(self, transport: Any) -> None:
        self.transport = transport

    def dataReceived(self, data: bytes) -> None:
        self.heard += data

    def connectionLost(self, reason: Failure) -> None:
        self.lost = str(reason.value)

"""A reactor at which pages are served, and connections to them that are made by hand."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import CannotListenError
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport


class PageTransport(StringTransport):
    """A connection whose other end reads as much as it is let."""

    aborted = False

    def fill(self) -> None:
        """Its buffers are full: the other end does not read."""
        producer: Any = self.producer
        producer.pauseProducing()

    @property
    def told(self) -> bytes:
        """What was written to it."""
        return bytes(self.value())  # type: ignore[no-untyped-call]  # Twisted has no types here

    def abortConnection(self) -> None:
        """See Twisted."""
        self.aborted = True


class PageReactor(Clock):
    """Keeps who listens.

    Attributes:
        taken: somebody else has the port.
    """

    door: Any = None
    taken = False
    host, port = "", 0

    def listenTCP(self, port: int, factory: Any, interface: str) -> Any:
        """See Twisted; the kernel of this one chooses port 9999."""
        if self.taken:
            taken: Any = CannotListenError
            raise taken(interface, port, OSError(98, "Address already in use"))
        self.door, self.host, self.port = factory, interface, port or 9999
        return self

    def getHost(self) -> Any:
        """See Twisted."""
        return self

    def stopListening(self) -> None:
        """See Twisted."""
        self.door = None

    def connect(self) -> tuple[Any, PageTransport]:
        """Somebody comes."""
        protocol, transport = self.door.buildProtocol(None), PageTransport()  # type: ignore[no-untyped-call]  # as above
        protocol.makeConnection(transport)
        return protocol, transport

    def send(self, data: bytes) -> bytes:
        """Somebody comes and says something; the answer."""
        protocol, transport = self.connect()
        protocol.dataReceived(data)
        return transport.told

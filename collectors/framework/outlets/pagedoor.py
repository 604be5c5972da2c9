"""The door of the metrics page: how many may stand in it, and what they may bring."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

MAX_CONNECTIONS = 64
IDLE_S = 60.0
MAX_WASTE_BYTES = 65_536
MAX_AT_ONCE = 5
"""Requests that come in one piece: who sends more without waiting for answers is cut off, or all else would wait."""


class _Connection(ProtocolWrapper):
    """Counts the requests of a piece of what comes."""

    asked = 0

    def dataReceived(self, data: bytes) -> None:
        """See Protocol."""
        self.asked = 0
        stock: Any = super()
        stock.dataReceived(data)


class Door(WrappingFactory):
    """Bounds how many connections there are: the eldest makes room, so that idle ones keep nobody out.

    Args:
        root: what is behind it.
        clock: monotonic.
    """

    noisy = False
    protocol = _Connection
    protocols: dict[Any, Any]

    def __init__(self, root: Resource, clock: IReactorTime) -> None:
        site: Any = _Site(root, requestFactory=_Bodiless, timeout=IDLE_S, reactor=clock, parsePOSTFormSubmission=False)  # type: ignore[no-untyped-call]  # Twisted has no types here
        site.displayTracebacks = False
        stock: Any = super()
        stock.__init__(site)

    def buildProtocol(self, addr: Any) -> Any:
        """Admit a connection."""
        if len(self.protocols) >= MAX_CONNECTIONS:
            next(iter(self.protocols)).transport.abortConnection()
        stock: Any = super()
        return stock.buildProtocol(addr)


class _Site(Site):
    """Keeps no log of those who ask: a line for each of them tells nothing."""

    noisy = False

    def log(self, request: Any) -> None:
        """See Site."""


class _Bodiless(Request):
    """A request whose body is thrown away: nobody asks for one."""

    wasted_bytes = 0

    def process(self) -> None:
        """See Request."""
        channel: Any = self.channel
        channel.transport.asked += 1
        if channel.transport.asked > MAX_AT_ONCE:
            channel.forceAbortClient()
            return
        stock: Any = super()
        stock.process()

    def gotLength(self, _length: int | None) -> None:
        """See Request."""
        stock: Any = super()
        stock.gotLength(0)

    def handleContentChunk(self, data: bytes) -> None:
        """See Request."""
        self.wasted_bytes += len(data)
        if self.wasted_bytes > MAX_WASTE_BYTES:
            channel: Any = self.channel
            channel.forceAbortClient()

"""Back-pressure: who does not read what we send is not read either, and who says too much is read more slowly.

Both sides may have a full message under way at once, so reading goes on while the buffer is merely full; it stops when
`unread_bytes` more than that have piled up, which no well-meaning peer lets happen.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from zope.interface import implementer


@implementer(IPushProducer)
class ReadGate:
    """Stands at a transport as its producer, and stops its reading.

    Attributes:
        closed: reading is stopped now.
    """

    def __init__(self, transport: Any, clock: IReactorTime, unread_bytes: int) -> None:
        self._transport = transport
        self._clock = clock
        self._unread_bytes = unread_bytes
        self._full = False
        self._unread = 0
        self._hold: IDelayedCall | None = None
        self.closed = False

    def wrote(self, size_bytes: int) -> None:
        """Count what was written."""
        if not self._full:
            return
        self._unread += size_bytes
        self._decide()

    def hold(self, seconds: float) -> None:
        """Stop reading for a while, counted from the end of a while that still lasts."""
        if self._hold is None:
            self._hold = self._clock.callLater(seconds, self._held)
        else:
            self._hold.delay(seconds)
        self._decide()

    def pauseProducing(self) -> None:
        """The transport's buffer is full."""
        self._full = True

    def resumeProducing(self) -> None:
        """The transport's buffer is empty."""
        self._full = False
        self._unread = 0
        self._decide()

    def stopProducing(self) -> None:
        """The connection is gone."""
        if self._hold is not None:
            self._hold.cancel()
            self._hold = None

    def _held(self) -> None:
        self._hold = None
        self._decide()

    def _decide(self) -> None:
        """Stop or begin to read, if that has changed."""
        closed = self._hold is not None or self._unread > self._unread_bytes
        if closed == self.closed:
            return
        self.closed = closed
        if closed:
            self._transport.pauseProducing()
        else:
            self._transport.resumeProducing()

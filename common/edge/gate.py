"""Back-pressure: who does not read what we send is not read either.

Both sides may have a full message under way at once, so reading goes on while the buffer is merely full; it stops when
`unread_bytes` more than that have piled up, which no well-meaning peer lets happen.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer


@implementer(IPushProducer)
class ReadGate:
    """Stands at a transport as its producer, and stops its reading.

    Attributes:
        closed: reading is stopped now.
    """

    def __init__(self, transport: Any, unread_bytes: int) -> None:
        self._transport = transport
        self._unread_bytes = unread_bytes
        self._full = False
        self._unread = 0
        self.closed = False

    def wrote(self, size_bytes: int) -> None:
        """Count what was written."""
        if not self._full:
            return
        self._unread += size_bytes
        if self._unread > self._unread_bytes and not self.closed:
            self.closed = True
            self._transport.pauseProducing()

    def pauseProducing(self) -> None:
        """The transport's buffer is full."""
        self._full = True

    def resumeProducing(self) -> None:
        """The transport's buffer is empty."""
        self._full = False
        self._unread = 0
        if self.closed:
            self.closed = False
            self._transport.resumeProducing()

    def stopProducing(self) -> None:
        """The connection is gone."""

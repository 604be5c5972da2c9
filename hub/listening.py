"""A port of TCP that one of the hub's services listens on while it runs, and the end of its connections."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort


class Listening:
    """One address and port.

    Attributes:
        host: the address.
    """

    def __init__(self, reactor: Any, host: str, port: int) -> None:
        """Prepare; 0 lets the kernel choose the port."""
        self._reactor = reactor
        self._wanted = port
        self._listening: IListeningPort | None = None
        self.host = host

    @property
    def is_open(self) -> bool:
        """Whether it is listened on."""
        return self._listening is not None

    @property
    def port(self) -> int:
        """The real port while it is listened on, before and after that the one that was asked for."""
        if self._listening is None:
            return self._wanted
        port: int = self._listening.getHost().port  # type: ignore[attr-defined]  # an address of TCP
        return port

    def open(self, factory: Any, backlog: int = 50) -> None:
        """Listen.

        Raises:
            CannotListenError: the port is taken, or the address is not this machine's.
        """
        self._listening = self._reactor.listenTCP(self._wanted, factory, backlog=backlog, interface=self.host)

    async def close(self) -> None:
        """Listen no more; connections that stand are not concerned."""
        listening, self._listening = self._listening, None
        if listening is not None:
            closed = listening.stopListening()
            if isinstance(closed, Deferred):
                await closed


class Leaving:
    """Those who wait until the last connection of a service is gone."""

    def __init__(self) -> None:
        self._waiting: list[Deferred[None]] = []

    async def wait(self) -> None:
        """Wait until there is none any more; there is one now."""
        gone: Deferred[None] = Deferred()
        self._waiting.append(gone)
        await gone

    def over(self) -> None:
        """The last one is gone."""
        waiting, self._waiting = self._waiting, []
        for gone in waiting:
            gone.callback(None)

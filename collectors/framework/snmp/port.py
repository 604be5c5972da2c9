"""A UDP socket that speaks with one agent alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.protocol import DatagramProtocol

MAX_DATAGRAM_BYTES = 65_535


class AgentPort(DatagramProtocol):
    """Passes on what comes from the agent's address, and says at once when the network refuses.

    The socket is connected: the kernel drops what comes from elsewhere, and reports ICMP errors.

    Args:
        host: IP address.
        received: gets each datagram.
        refused: is called when the agent's host says that nobody listens there.
    """

    noisy = False

    def __init__(self, host: str, port: int, received: Callable[[bytes], None], refused: Callable[[], None]) -> None:
        self._agent = (host.partition("%")[0], port)
        self._host = host
        self._received = received
        self._refused = refused
        self._listening: Any = None
        self.strays = 0

    def open(self, reactor: Any) -> None:
        """Bind to a port that the kernel chooses, and connect.

        Raises:
            OSError, CannotListenError: no socket, or no route.
        """
        interface = "::" if ":" in self._host else ""
        self._listening = reactor.listenUDP(0, self, interface=interface, maxPacketSize=MAX_DATAGRAM_BYTES)
        self._listening.connect(self._host, self._agent[1])
        self._listening.maxThroughput = 1  # one request has one answer: no second read that finds nothing

    @property
    def is_open(self) -> bool:
        """Whether the socket still stands."""
        return self._listening is not None

    def send(self, datagram: bytes) -> None:
        """Send to the agent.

        Raises:
            OSError: the network does not take it.
        """
        self._listening.write(datagram)

    def close(self) -> None:
        """Close the socket; nothing is passed on any more."""
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.stopListening()

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        """Twisted: a datagram came."""
        if self._listening is None or addr[1] != self._agent[1] or addr[0].partition("%")[0] != self._agent[0]:
            self.strays += 1
            return
        self._received(datagram)

    def connectionRefused(self) -> None:
        """Twisted: an ICMP port unreachable came."""
        self._refused()

    def stopProtocol(self) -> None:
        """Twisted: the socket is gone, by `close` or by an error of the network."""
        if self._listening is not None:
            self._listening = None
            self._refused()

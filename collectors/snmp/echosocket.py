"""A socket for ICMP echoes: the kernel's own for pings where its group may have one, else a raw one."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import time
from typing import NamedTuple, Protocol

from collectors.snmp.echo import V4_REPLY, V4_REQUEST, V6_REPLY, V6_REQUEST
from common.errors import PermanentError

SO_TIMESTAMPNS = 35
"""asm-generic/socket.h; Python has no name for it. Where it is another number, nothing is stamped."""
_ICMP_FILTER = 1
_ICMP6_FILTER = 1
_SOL_RAW = 255
_STAMP = struct.Struct("@ll")
_BUFFER_BYTES = 1 << 20
_LONGEST_WAIT_S = 60.0
_PACKET_BYTES = 2048
_FORBIDDEN = (
    "This daemon may send no ICMP echoes. Either allow it sockets for pings, with the id of its group in place of GID: "
    "sysctl -w net.ipv4.ping_group_range='GID GID' (to keep it, write that into a file of /etc/sysctl.d), or give it "
    "the capability CAP_NET_RAW (systemd: CapabilityBoundingSet=CAP_NET_RAW and AmbientCapabilities=CAP_NET_RAW), and "
    "start it anew."
)


class PingImpossibleError(PermanentError):
    """No echoes can be sent from here; the message says what to set."""


class Came(NamedTuple):
    """A packet, from where, and how many seconds it has waited to be read."""

    packet: bytes
    source: str
    waited_s: float


class IEchoSocket(Protocol):
    """What the pinger wants of a socket.

    Attributes:
        identifier: of the echoes that are sent by it.
        request, reply: types of its ICMP messages.
    """

    identifier: int
    request: int
    reply: int

    def fileno(self) -> int:
        """Of the file that becomes readable."""

    def send(self, packet: bytes, address: str) -> None:
        """Send to an IP address.

        Raises:
            OSError: the network does not take it; EAGAIN, ENOBUFS: it may take it later.
        """

    def receive(self) -> Came | None:
        """The next packet that has come; None when there is none."""

    def close(self) -> None:
        """Release it."""


class EchoSocket:
    """A socket of this host; see `IEchoSocket`.

    Raises:
        PingImpossibleError: the kernel gives none.
    """

    def __init__(self, *, six: bool, rng: random.Random) -> None:
        self.request, self.reply = (V6_REQUEST, V6_REPLY) if six else (V4_REQUEST, V4_REPLY)
        self._six = six
        family = socket.AF_INET6 if six else socket.AF_INET
        protocol = socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP
        try:
            self._socket = self._datagrams(family, protocol)
            self.identifier = int(self._socket.getsockname()[1])
        except OSError:
            self._socket = self._raw(family, protocol)
            self.identifier = rng.randrange(1, 1 << 16)
        self._socket.setblocking(False)  # noqa: FBT003 - it has no other form
        for option, value in (
            (SO_TIMESTAMPNS, 1),
            (socket.SO_RCVBUF, _BUFFER_BYTES),
            (socket.SO_SNDBUF, _BUFFER_BYTES),
        ):
            with contextlib.suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, option, value)

    @staticmethod
    def _datagrams(family: int, protocol: int) -> socket.socket:
        """Of the kind that only brings answers to what it has sent itself (icmp(7))."""
        made = socket.socket(family, socket.SOCK_DGRAM, protocol)
        try:
            made.bind(("", 0))  # so that the identifier, which is its port, is known
        except OSError:
            made.close()
            raise
        return made

    def _raw(self, family: int, protocol: int) -> socket.socket:
        try:
            made = socket.socket(family, socket.SOCK_RAW, protocol)
        except PermissionError:
            raise PingImpossibleError(_FORBIDDEN) from None
        except OSError as error:
            raise PingImpossibleError(
                f"This host gives no socket for {'ICMPv6' if self._six else 'ICMP'} echoes: {error.strerror or error}. "
                "Check that it has this protocol, or take the source of type ping from the device."
            ) from None
        with contextlib.suppress(OSError):  # without it more packets come, which are passed over
            if self._six:
                passed = bytearray(b"\xff" * 32)  # a bit that is set keeps a type away
                passed[4 * (V6_REPLY // 32) : 4 * (V6_REPLY // 32) + 4] = struct.pack(
                    "=I", 0xFFFFFFFF & ~(1 << V6_REPLY % 32)
                )
                made.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, bytes(passed))
            else:
                made.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", 0xFFFFFFFF & ~(1 << V4_REPLY)))
        return made

    def fileno(self) -> int:
        """See IEchoSocket."""
        return self._socket.fileno()

    def send(self, packet: bytes, address: str) -> None:
        """See IEchoSocket."""
        host, _, zone = address.partition("%")
        if not self._six:
            self._socket.sendto(packet, (host, 0))
        else:
            scope = 0 if not zone else int(zone) if zone.isdigit() else socket.if_nametoindex(zone)
            self._socket.sendto(packet, (host, 0, 0, scope))

    def receive(self) -> Came | None:
        """See IEchoSocket."""
        try:
            packet, notes, _, source = self._socket.recvmsg(_PACKET_BYTES, 64)
        except OSError:  # there is none, or one of ours came back with an error: its time will run out
            return None
        return Came(packet, source[0].partition("%")[0], _waited_s(notes))

    def close(self) -> None:
        """See IEchoSocket."""
        self._socket.close()


def _waited_s(notes: list[tuple[int, int, bytes]]) -> float:
    """How long ago the kernel has stamped a packet; 0 when it has not, or somebody set the clock meanwhile."""
    for level, kind, data in notes:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(data) >= _STAMP.size:
            seconds, nanoseconds = _STAMP.unpack_from(data)
            waited = (time.time_ns() - seconds * 1_000_000_000 - nanoseconds) / 1e9
            return waited if 0 <= waited <= _LONGEST_WAIT_S else 0.0
    return 0.0

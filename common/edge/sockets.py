"""What the kernel does for a connection: it notices a dead peer too, and counts what has come and gone."""

from __future__ import annotations

import socket
import struct
from typing import Any

from msgspec import Struct

KEEPALIVE_IDLE_S = 5
KEEPALIVE_INTERVAL_S = 5
KEEPALIVE_PROBES = 3
USER_TIMEOUT_MS = 20_000

# Source: struct tcp_info of linux/tcp.h; these are there since Linux 4.6.
_INFO_BYTES = 148
_IN_FLIGHT, _COUNTS, _NOT_SENT = (("=I", 24), ("=QQ", 120), ("=I", 144))


class Traffic(Struct, frozen=True):
    """Bytes of a connection as the kernels at both ends count them, beneath TLS.

    Attributes:
        acked: that have left, and that the other machine has confirmed.
        received: that have come.
        leaving: whether some wait to be sent or confirmed.
    """

    acked: int
    received: int
    leaving: bool


def watch_over(transport: Any) -> bool:
    """Set keepalive and TCP_USER_TIMEOUT on the socket under a transport, through TLS; False when there is none.

    Source: tcp(7). Without them a cut wire is noticed after two hours, or never by a side that only listens.
    """
    handle = _socket(transport)
    if handle is None:
        return False
    handle.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, value in (
        ("TCP_KEEPIDLE", KEEPALIVE_IDLE_S),
        ("TCP_KEEPINTVL", KEEPALIVE_INTERVAL_S),
        ("TCP_KEEPCNT", KEEPALIVE_PROBES),
        ("TCP_USER_TIMEOUT", USER_TIMEOUT_MS),
    ):
        option = getattr(socket, name, None)  # not every system has them all
        if option is not None:
            handle.setsockopt(socket.IPPROTO_TCP, option, value)
    return True


def traffic(transport: Any) -> Traffic | None:
    """Count what has come and gone on the socket under a transport, through TLS; None where nobody counts."""
    handle, option = _socket(transport), getattr(socket, "TCP_INFO", None)
    if handle is None or option is None:
        return None
    try:
        info = handle.getsockopt(socket.IPPROTO_TCP, option, _INFO_BYTES)
    except OSError:
        return None
    if len(info) < _INFO_BYTES:
        return None
    (in_flight,), (not_sent,) = (struct.unpack_from(form, info, at) for form, at in (_IN_FLIGHT, _NOT_SENT))
    acked, received = struct.unpack_from(_COUNTS[0], info, _COUNTS[1])
    return Traffic(acked, received, bool(in_flight or not_sent))


def _socket(transport: Any) -> socket.socket | None:
    while transport is not None:
        handle = transport.getHandle() if hasattr(transport, "getHandle") else None
        if isinstance(handle, socket.socket):
            return handle
        transport = getattr(transport, "transport", None)
    return None

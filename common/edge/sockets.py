"""Options of a TCP socket that let the kernel notice a dead peer too."""

from __future__ import annotations

import socket
from typing import Any

KEEPALIVE_IDLE_S = 5
KEEPALIVE_INTERVAL_S = 5
KEEPALIVE_PROBES = 3
USER_TIMEOUT_MS = 20_000


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


def _socket(transport: Any) -> socket.socket | None:
    while transport is not None:
        handle = transport.getHandle() if hasattr(transport, "getHandle") else None
        if isinstance(handle, socket.socket):
            return handle
        transport = getattr(transport, "transport", None)
    return None

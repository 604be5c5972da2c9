"""Ports that nobody else gets."""

from __future__ import annotations

import socket


def held_port() -> socket.socket:
    """A TCP port of 127.0.0.1 that the kernel gives to nobody who asks for any, until this socket is closed.

    A listener that names it gets it, again and again, for it sets SO_REUSEADDR as this does, which does not listen.
    While nobody listens there, connections are refused.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held

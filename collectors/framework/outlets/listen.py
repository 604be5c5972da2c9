"""Where to listen, as settings say it (pure)."""

from __future__ import annotations

import ipaddress


def read_listen(listen: str, example: str) -> tuple[str, int]:
    """Host and port of an address such as `127.0.0.1:9470`, `[::1]:9470` or `localhost:9470`.

    Args:
        listen: what the setting of that name says.
        example: one that would be right, for who reads the sentence.

    Raises:
        ValueError: it is none; the sentence says why.
    """
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"listen = {listen!r} is no address and port such as {example!r}")
    if host == "localhost":
        return "127.0.0.1", int(port)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise ValueError(f"listen = {listen!r}: {host!r} is no IP address") from None
    return host, int(port)

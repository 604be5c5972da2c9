"""TCP ports of the loopback: which is free."""

from __future__ import annotations

import errno
import socket

from hub.cli.exits import CommandError

LOOPBACK = "127.0.0.1"


def usable_port(wanted: int, purpose: str, option: str) -> int:
    """The port itself if it is free, or any free one for 0.

    A port of the kernel's choice is named here, before the daemon starts, so that it stays the same when the daemon is
    started again.

    Raises:
        CommandError: it is taken or forbidden; says how to choose another.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if wanted:
            # As Twisted binds: connections of an earlier run that are still closing do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, wanted))
            probe.listen(1)
        except OSError as error:
            raise CommandError(_sentence(error, wanted, purpose, option)) from None
        return int(probe.getsockname()[1])


def _sentence(error: OSError, port: int, purpose: str, option: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} of {LOOPBACK}, for {purpose}, is in use by another program "
            f"(`ss -ltnp sport = :{port}` shows which). Choose another port with {option}"
        )
    return f"Port {port} of {LOOPBACK}, for {purpose}, cannot be used: {error.strerror}. Choose another with {option}"

"""TCP ports of the loopback: which is free."""

from __future__ import annotations

import errno
import random
import socket
from collections.abc import Collection
from pathlib import Path

from hub.cli.exits import CommandError

LOOPBACK = "127.0.0.1"
FIRST = 20_000
TRIES = 50
KERNELS = Path("/proc/sys/net/ipv4/ip_local_port_range")


def usable_port(wanted: int, purpose: str, option: str, others: Collection[int] = ()) -> int:
    """The port itself if it is free, or any free one for 0.

    Any port is named here, before the daemon starts, so that it stays the same when the daemon is started again.

    Args:
        wanted: by number, or 0.
        purpose: what it is for, as people say.
        option: that chooses another one.
        others: that were given away already, and on which nobody listens yet.

    Raises:
        CommandError: it is taken or forbidden; says how to choose another.
    """
    if not wanted and (found := unasked_port(others, random.SystemRandom())):
        return found
    try:
        return _bound(wanted)
    except OSError as error:
        raise CommandError(_sentence(error, wanted, purpose, option)) from None


def unasked_port(others: Collection[int], chance: random.Random, kernels: Path = KERNELS) -> int:
    """A free port below those that the kernel gives to whoever wants any; 0 where there is none.

    One of the kernel's may be somebody's, of a connection even, before the daemon listens on it, or while it is down.

    Args:
        others: none of these.
        chance: so that two that look at once find two.
        kernels: the file that says where those of the kernel begin.
    """
    try:
        end = int(kernels.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        end = 32768
    below = range(FIRST, max(FIRST, end))
    for port in chance.sample(below, min(TRIES, len(below))):
        try:
            if port not in others:
                return _bound(port)
        except OSError:
            continue
    return 0


def _bound(wanted: int) -> int:
    """The port that a daemon would listen on.

    Raises:
        OSError: it cannot.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if wanted:
            # As Twisted binds: connections of an earlier run that are still closing do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((LOOPBACK, wanted))
        probe.listen(1)
        return int(probe.getsockname()[1])


def _sentence(error: OSError, port: int, purpose: str, option: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} of {LOOPBACK}, for {purpose}, is in use by another program "
            f"(`ss -ltnp sport = :{port}` shows which). Choose another port with {option}"
        )
    return f"Port {port} of {LOOPBACK}, for {purpose}, cannot be used: {error.strerror}. Choose another with {option}"

"""Telling systemd how the daemon fares (sd_notify(3)); without systemd nothing is told."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping


class SystemdNotifier:
    """Sends states to the socket that the service manager has named.

    Args:
        environ: where NOTIFY_SOCKET and WATCHDOG_USEC stand.

    Attributes:
        watchdog_s: how often the manager wants a sign of life, halved as it recommends; None when it wants none.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self.watchdog_s = _watchdog_s(environ) if self._address else None

    def tell(self, *states: str) -> None:
        """Send states such as `READY=1`; a manager that does not listen is no error."""
        if not self._address.startswith(("/", "@")):
            return
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(0)
            sender.sendto("\n".join(states).encode(), address)


def _watchdog_s(environ: Mapping[str, str]) -> float | None:
    wanted_by = environ.get("WATCHDOG_PID", str(os.getpid()))
    microseconds = environ.get("WATCHDOG_USEC", "")
    if not microseconds.isdigit() or int(microseconds) <= 0 or wanted_by != str(os.getpid()):
        return None
    return int(microseconds) / 2_000_000

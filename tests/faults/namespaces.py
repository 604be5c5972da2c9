"""Networks of our own: two namespaces with a router between them, that can be told to lose what goes one way.

What is lost goes into a blackhole route of the router, so that no side is told: neither by an ICMP message nor by a
reset.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
from pathlib import Path

_CLONE_NEWNET = 0x40000000
HUB, EDGE = "10.91.1.2", "10.91.2.2"
_HUB_ROUTER, _EDGE_ROUTER = "10.91.1.1", "10.91.2.1"


def why_not() -> str:
    """Why there can be no namespaces here; empty when there can."""
    if shutil.which("ip") is None:
        return "there is no program `ip` here (Debian: iproute2)"
    if os.geteuid() != 0:
        return "namespaces of the network want root"
    name = f"tocsin-try-{os.getpid()}"
    tried = _ip("netns", "add", name, check=False)
    if tried.returncode:
        return f"namespaces of the network cannot be made: {tried.stderr.strip()}"
    _ip("netns", "del", name)
    return ""


def _ip(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise AssertionError(f"ip {' '.join(arguments)}: {done.stderr}")
    return done


class Network:
    """A hub's network, a collector's, and a router; gone after `close`."""

    def __init__(self) -> None:
        self._hub, self._edge, self._router = (f"tocsin-{os.getpid()}-{part}" for part in ("hub", "edge", "router"))
        for name in (self._hub, self._edge, self._router):
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        self._join(self._hub, "hub", HUB, _HUB_ROUTER)
        self._join(self._edge, "edge", EDGE, _EDGE_ROUTER)
        subprocess.run(
            ["ip", "netns", "exec", self._router, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"], check=True
        )

    def _join(self, namespace: str, device: str, address: str, router: str) -> None:
        _ip("link", "add", device, "netns", namespace, "type", "veth", "peer", "name", device, "netns", self._router)
        for name, its in ((namespace, address), (self._router, router)):
            _ip("-n", name, "addr", "add", f"{its}/24", "dev", device)
            _ip("-n", name, "link", "set", device, "up")
        _ip("-n", namespace, "route", "add", "default", "via", router)

    @property
    def at_hub(self) -> list[str]:
        """What a command line begins with, to run in the hub's network."""
        return ["ip", "netns", "exec", self._hub]

    @property
    def at_edge(self) -> list[str]:
        """The same for the collector's."""
        return ["ip", "netns", "exec", self._edge]

    def lose(self, address: str) -> None:
        """Lose all that goes to an address."""
        _ip("-n", self._router, "route", "add", "blackhole", f"{address}/32")

    def heal(self) -> None:
        """Lose nothing any more."""
        for address in (HUB, EDGE):
            _ip("-n", self._router, "route", "del", "blackhole", f"{address}/32", check=False)

    def throttle(self, bits_per_s: int) -> None:
        """Let so much pass to the collector."""
        tc = ["tc", "-n", self._router, "qdisc", "add", "dev", "edge", "root", "tbf"]
        subprocess.run([*tc, "rate", str(bits_per_s), "burst", "4kb", "latency", "2s"], check=True)

    def connect_at_hub(self, port: int) -> socket.socket:
        """A connection to a port of the hub's own loopback; to be called in a thread, which is elsewhere meanwhile."""
        return _inside(self._hub, port)

    def close(self) -> None:
        """Take it all down; processes in it have ended."""
        for name in (self._hub, self._edge, self._router):
            _ip("netns", "del", name, check=False)


def _inside(namespace: str, port: int) -> socket.socket:
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open() as here, Path(f"/run/netns/{namespace}").open() as there:
        if libc.setns(there.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=30)
        finally:
            libc.setns(here.fileno(), _CLONE_NEWNET)

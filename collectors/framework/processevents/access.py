"""Why process events cannot be had here, in a sentence (no state of ours)."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

CAP_NET_ADMIN = 12
_FIRST_NAMESPACES = {"pid": 0xEFFFFFFC, "user": 0xEFFFFFFD}
"""Inode numbers that the kernel gives the first namespaces of a host (linux/proc_ns.h)."""

REMEDY = "give it with AmbientCapabilities=CAP_NET_ADMIN in the daemon's unit"


def obstacle(root: Path = Path("/proc")) -> str:
    """What is in the way before anything is asked of the kernel; empty when nothing is known to be."""
    if not sys.platform.startswith("linux"):
        return "only Linux tells of processes as it happens"
    if not (root / "self" / "stat").exists():
        return f"{root} is not mounted"
    for kind, number in _FIRST_NAMESPACES.items():
        try:
            held = os.stat(root / "self" / "ns" / kind).st_ino  # noqa: PTH116 - what the link leads to is no path
        except OSError:
            continue
        if held != number:
            return f"the daemon runs in a {kind} namespace (a container), and the kernel tells only the host's own"
    return ""


def may_listen(root: Path = Path("/proc")) -> bool:
    """Whether this process has CAP_NET_ADMIN; kernels from 6.6 on tell others, too."""
    try:
        for line in (root / "self" / "status").read_text(encoding="ascii", errors="replace").splitlines():
            name, _, mask = line.partition(":")
            if name == "CapEff":
                return bool(int(mask, 16) >> CAP_NET_ADMIN & 1)
    except (OSError, ValueError):
        pass
    return False


def refusal(error: OSError, root: Path = Path("/proc")) -> str:
    """Why the kernel did not let us listen."""
    if error.errno in {errno.EPERM, errno.EACCES} and not may_listen(root):
        return f"without CAP_NET_ADMIN this kernel tells nothing; {REMEDY}"
    if error.errno in {errno.EAFNOSUPPORT, errno.EPERM, errno.EACCES}:
        return "sockets of AF_NETLINK are refused; allow them with RestrictAddressFamilies=AF_NETLINK in the unit"
    if error.errno == errno.EPROTONOSUPPORT:
        return "the kernel was built without the connector (CONFIG_CONNECTOR)"
    if error.errno == errno.ECONNREFUSED:
        return "nobody answers; the daemon runs in a network namespace other than the host's own (a container)"
    return f"the socket failed: {os.strerror(error.errno) if error.errno else error}"


def silence(root: Path = Path("/proc")) -> str:
    """Why the kernel did not answer."""
    if not may_listen(root):
        return f"without CAP_NET_ADMIN this kernel does not answer; {REMEDY}"
    return (
        "the kernel does not answer: it was built without process events (CONFIG_PROC_EVENTS), or the daemon runs in "
        "another network namespace than the host's own (a container)"
    )

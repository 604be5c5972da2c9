"""What this host tells of itself: psutil, and the files in which Linux says more."""

from __future__ import annotations

import contextlib
import os
import platform
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from collectors.framework.local.mounts import shows_room
from collectors.modeler.plugins.filesystems import FilesystemRow
from collectors.modeler.plugins.hardware import Hardware
from collectors.modeler.plugins.identity import Identity
from collectors.modeler.plugins.interfaces import InterfaceRow
from collectors.modeler.words import name, phrase

NETWORK = frozenset(
    ["9p", "afs", "ceph", "cifs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs", "virtiofs"]
)
"""Types that are not asked for their size: when the server is away, the question never returns."""
HARDWARE_TYPES = {1: "ethernet", 512: "ppp", 768: "tunnel", 772: "loopback", 776: "tunnel", 801: "wireless"}
"""What Linux calls interfaces (ARPHRD), as `plugins.interfaces.TYPES` does."""
NET = Path("/sys/class/net")


def identity() -> Identity:
    """Name and system of this host."""
    distribution = ""
    with contextlib.suppress(OSError):
        distribution = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    return {
        "hostname": platform.node(),
        "system": platform.system(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "distribution": distribution,
        "booted_at": int(psutil.boot_time()),
    }


def interfaces() -> list[InterfaceRow]:
    """The interfaces of the network namespace that this process is in."""
    indexes = {called: index for index, called in socket.if_nameindex()}
    addresses = psutil.net_if_addrs()
    rows: list[InterfaceRow] = []
    for called, stats in psutil.net_if_stats().items():
        macs = [one.address for one in addresses.get(called, ()) if one.family == psutil.AF_LINK]
        kind = _line(NET / called / "type")
        rows.append(
            InterfaceRow(
                name=name(called),
                index=indexes.get(called),
                alias=phrase(_line(NET / called / "ifalias")),
                type=HARDWARE_TYPES.get(int(kind), kind) if kind.isdecimal() else "",
                mtu=stats.mtu,
                speed_bps=stats.speed * 1_000_000 or None,
                mac=next((mac.lower() for mac in macs if mac.strip("0:-")), ""),
                admin="up" if "up" in stats.flags.split(",") else "down",
                oper=_line(NET / called / "operstate") or ("up" if stats.isup else "down"),
            )
        )
    return rows


def filesystems() -> list[FilesystemRow]:
    """What is mounted and has room; a device that is mounted in several places counts once, at the shortest."""
    found: dict[str, FilesystemRow] = {}
    for part in sorted(psutil.disk_partitions(all=True), key=lambda part: (len(part.mountpoint), part.mountpoint)):
        is_network = part.fstype in NETWORK or part.fstype.startswith("fuse.")
        if not shows_room(part.mountpoint, part.fstype):
            continue
        key = part.device if part.device.startswith("/") else part.mountpoint
        if key in found:
            continue
        size = None if is_network and part.mountpoint != "/" else _size_bytes(part.mountpoint)
        if size == 0:
            continue
        found[key] = FilesystemRow(
            name=name(part.mountpoint),
            total_bytes=size,
            medium="network disk" if is_network else "RAM disk" if part.fstype == "tmpfs" else "fixed disk",
            type=phrase(part.fstype),
            remote=phrase(part.device) if is_network else "",
        )
    return list(found.values())


def hardware() -> Hardware:
    """Processors and memory."""
    descriptions = [
        line.partition(":")[2] for line in _text(Path("/proc/cpuinfo")).splitlines() if line.startswith("model name")
    ]
    count = psutil.cpu_count() or len(descriptions)
    return Hardware(
        cpus=tuple(phrase(descriptions[n]) if n < len(descriptions) else "" for n in range(count)),
        memory_bytes=psutil.virtual_memory().total,
        swap_bytes=psutil.swap_memory().total,
    )


READERS: Mapping[str, Callable[[], object]] = {
    "identity": identity,
    "interfaces": interfaces,
    "filesystems": filesystems,
    "hardware": hardware,
}
"""By name of the plugin that begins with what they give. They block, most of all `filesystems`."""


def _size_bytes(mountpoint: str) -> int:
    """Room of a filesystem; 0 for one that is not there for us, or mounted over a single file."""
    try:
        return psutil.disk_usage(mountpoint).total if os.path.isdir(mountpoint) else 0  # noqa: PTH112 - bytes of any kind
    except OSError:
        return 0


def _line(path: Path) -> str:
    return _text(path).strip()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""

"""Room of a filesystem. What is here may never return, and is asked beside the reactor."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable

import psutil

from collectors.framework.local.mounts import shows_room

Figures = dict[str, float | int | None]


def usage(
    path: str,
    look: Callable[[str], os.stat_result] = os.stat,
    ask: Callable[[str], os.statvfs_result] = os.statvfs,
) -> Figures:
    """Room and inodes of the filesystem that holds a folder.

    `free` is what users other than root may use, and percent is `used / (used + free)`. What has no inodes that are
    counted (btrfs, for example) has no figures of them.

    Raises:
        OSError: it is not there, is no folder, or belongs to others.
        ValueError: it is no path.
    """
    if not stat.S_ISDIR(look(path).st_mode):
        raise NotADirectoryError(20, "it is not a folder", path)
    room = ask(path)
    unit = room.f_frsize
    used, free = (room.f_blocks - room.f_bfree) * unit, room.f_bavail * unit
    inodes_used = room.f_files - room.f_ffree
    counted = room.f_files > 0
    return {
        "total": room.f_blocks * unit,
        "used": used,
        "free": free,
        "percent": _percent(used, free),
        "inodes_total": room.f_files if counted else None,
        "inodes_used": inodes_used if counted else None,
        "inodes_free": room.f_favail if counted else None,
        "inodes_percent": _percent(inodes_used, room.f_favail) if counted else None,
    }


def mounted() -> list[str]:
    """Where filesystems are mounted that have room; of a device that is mounted in several places, the shortest."""
    parts = [(one.mountpoint, one.device, one.fstype) for one in psutil.disk_partitions(all=True)]
    return list(places(parts))


def places(parts: Iterable[tuple[str, str, str]]) -> Iterable[str]:
    """Of (place, device, type) the places that count."""
    devices = set()
    for place, device, kind in sorted(parts, key=lambda part: (len(part[0]), part[0])):
        key = device if device.startswith("/") else place
        if shows_room(place, kind) and key not in devices:
            devices.add(key)
            yield place


def _percent(used: int, free: int) -> float | None:
    """None where there is no room at all."""
    return 100.0 * used / (used + free) if used + free > 0 else None

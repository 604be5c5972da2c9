"""Which of the filesystems that are mounted have room that is worth a figure."""

from __future__ import annotations

PSEUDO = frozenset(
    [
        *("autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devfs", "devpts", "devtmpfs"),
        *("efivarfs", "fuse.gvfsd-fuse", "fuse.lxcfs", "fuse.portal", "fuse.snapfuse", "fusectl", "hugetlbfs"),
        *("mqueue", "none", "nsfs", "overlay", "proc", "pstore", "ramfs", "rpc_pipefs", "securityfs", "selinuxfs"),
        *("squashfs", "sysfs", "tracefs"),
    ]
)
"""Types whose room says nothing; an overlay, a container's, counts only as the root."""


def shows_room(place: str, kind: str) -> bool:
    """Whether a filesystem of a type, mounted at a place, has room of its own."""
    if kind in PSEUDO and not (kind == "overlay" and place == "/"):
        return False
    return place != "/dev" and not place.startswith(("/proc/", "/sys/"))

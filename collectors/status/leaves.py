"""What the leaves of the status tree are: names, units, and what they say, in words (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from common.series import Kind, Point
from common.statuspoints import ITEMS


class LeafKind(Struct, frozen=True, kw_only=True):
    """What is said of a leaf.

    Attributes:
        figure: its name in a pass, or of the point that it shows.
        minimum, maximum: between which its values lie; None for no bound.
        decimals: that are shown; None for all.
    """

    figure: str
    units: str = ""
    description: str = ""
    minimum: float | None = None
    maximum: float | None = None
    decimals: int | None = None


def _point(point: Point, description: str = "", units: str | None = None) -> LeafKind:
    return LeafKind(
        figure=point.name,
        units=point.unit if units is None else units,
        description=description,
        minimum=point.minimum,
        maximum=point.maximum if point.kind is Kind.GAUGE else None,
        decimals=1 if point.unit == "percent" else None,
    )


def _of(item: str, words: Mapping[str, str], prefix: str = "", **other_units: str) -> Mapping[str, LeafKind]:
    """The leaves of an item: its points under their names, without what these begin with for its sake."""
    points = ((point.name.removeprefix(prefix), point) for point in ITEMS[item].points)
    return MappingProxyType(
        {name: _point(point, words[name], other_units.get(name)) for name, point in points if name in words}
    )


_ROOM = {
    "total": "size of the filesystem",
    "used": "what is used of it",
    "free": "what everybody may still use",
    "percent": "used, of what is used and free",
}
_INODES = {"total": "of the filesystem", "used": "used", "free": "free", "percent": "used, of all"}
_TRAFFIC = {
    "bytes_sent": "sent since the interface is there",
    "bytes_recv": "received since the interface is there",
    "packets_sent": "packets sent",
    "packets_recv": "packets received",
    "errin": "errors while receiving",
    "errout": "errors while sending",
    "dropin": "packets that came in and were dropped",
    "dropout": "packets that were to go out and were dropped",
}
_CPU = {
    "busy": "all but idle and waiting for disks",
    "user": "programs",
    "nice": "programs of low priority",
    "system": "the kernel",
    "idle": "nothing to do",
    "iowait": "idle, while disks are waited for",
    "irq": "interrupts",
    "softirq": "soft interrupts",
    "steal": "taken by other virtual machines",
    "guest": "virtual machines here",
    "guest_nice": "virtual machines here, of low priority",
}
_MEMORY = {
    "total": "of the host",
    "used": "used by programs and kernel",
    "free": "used by nobody",
    "available": "what programs can have without swapping",
    "buffers": "of files' metadata",
    "cached": "of files",
    "percent": "not available, of all",
}
_SWAP = {
    "total": "room to swap to",
    "used": "used of it",
    "free": "free of it",
    "percent": "used, of all",
    "in": "read back since the start",
    "out": "written since the start",
}
_DISK_IO = {
    "reads": "read operations since the start",
    "writes": "write operations since the start",
    "read_bytes": "read since the start",
    "write_bytes": "written since the start",
    "busy": "time with something to do since the start",
}

DISK = _of("disks", _ROOM)
INODES = _of("disks", _INODES, "inodes_")
NETWORK = _of("interfaces", _TRAFFIC)
PROCESS: Mapping[str, LeafKind] = MappingProxyType(
    {
        "cpu_percent": LeafKind(
            figure="cpu_percent",
            units="percent",
            description="of one processor, since the pass before",
            minimum=0.0,
            decimals=1,
        ),
        "cpu_affinity": LeafKind(figure="cpu_affinity", description="numbers of the processors that it may use"),
        "memory_percent": LeafKind(
            figure="memory_percent",
            units="percent",
            description="of the host's memory",
            minimum=0.0,
            maximum=100.0,
            decimals=3,
        ),
        "memory_rss": LeafKind(figure="rss", units="bytes", description="in memory", minimum=0.0),
        "memory_vms": LeafKind(figure="vms", units="bytes", description="of address space", minimum=0.0),
        "memory_shared": LeafKind(figure="shared", units="bytes", description="that others may have, too", minimum=0.0),
    }
)
"""Of one process: the names are those of odin-control."""
FURTHER: Mapping[str, Mapping[str, LeafKind]] = MappingProxyType(
    {
        "load": _of("load", {f"load{time}": f"waiting or running, mean of {time} min" for time in (1, 5, 15)}),
        "cpu": _of("cpu", _CPU, "cpu_"),
        "cpus": _of("cpus", _CPU, "cpu_"),
        "memory": _of("memory", _MEMORY, "mem_"),
        "swap": _of("swap", _SWAP, "swap_"),
        "disk_io": _of("disk_io", _DISK_IO, busy="ms"),
        "sensors": _of("sensors", {"temperature": "as the sensor tells it", "fan": "turns a minute"}),
        "uptime": _of("uptime", {"uptime": "since the host was started", "boot": "when the host was started"}),
        "users": _of("users", {"users": "sessions of logged-in users"}),
        "units": _of("units", {"units_failed": "units of systemd that have failed"}),
    }
)
"""By item, which is also the key in the tree."""

"""What the status collector reads of its own host: items, the kind of component that each has, and their points.

Points of the device itself begin with a word for their item, because one template may have several of these items, and
a point has one name in a template.
"""

from __future__ import annotations

from types import MappingProxyType

from msgspec import Struct

from common.components import ComponentKind
from common.series import Kind, Point
from common.sources import DEVICE


class Item(Struct, frozen=True, kw_only=True):
    """Something of a host that is read in one go.

    Attributes:
        component: kind of the components that it is read for, or `device`.
        names: what the names are that `only` of a source has; empty where there is nothing to choose from.
        must_name: without names nothing is read; otherwise no names are all that there is.
    """

    name: str
    component: str
    points: tuple[Point, ...]
    names: str = ""
    must_name: bool = False


def _gauge(name: str, unit: str, maximum: float | None = None) -> Point:
    return Point(name=name, unit=unit, minimum=0.0, maximum=maximum)


def _counter(name: str, unit: str, *, scale: float = 1.0, maximum: float | None = None) -> Point:
    return Point(name=name, kind=Kind.COUNTER, unit=unit, minimum=0.0, scale=scale, maximum=maximum)


def _percent(name: str, maximum: float | None = 100.0) -> Point:
    return _gauge(name, "percent", maximum)


CPU_STATES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest", "guest_nice")
"""In the order of /proc/stat; time of guests is also time of `user`, that of niced ones of `nice` (proc(5))."""
_CPU = (_percent("cpu_busy"), *(_percent(f"cpu_{state}") for state in CPU_STATES))

_ITEMS = (
    Item(
        name="disks",
        component=ComponentKind.FILESYSTEM.value,
        names="folders",
        points=(
            _gauge("total", "bytes"),
            _gauge("used", "bytes"),
            _gauge("free", "bytes"),
            _percent("percent"),
            _gauge("inodes_total", "inodes"),
            _gauge("inodes_used", "inodes"),
            _gauge("inodes_free", "inodes"),
            _percent("inodes_percent"),
        ),
    ),
    Item(
        name="interfaces",
        component=ComponentKind.INTERFACE.value,
        names="interfaces",
        points=(
            _counter("bytes_sent", "bytes"),
            _counter("bytes_recv", "bytes"),
            _counter("packets_sent", "packets"),
            _counter("packets_recv", "packets"),
            _counter("errin", "errors"),
            _counter("errout", "errors"),
            _counter("dropin", "packets"),
            _counter("dropout", "packets"),
        ),
    ),
    Item(
        name="processes",
        component="process",
        names="names of processes",
        must_name=True,
        points=(
            _gauge("count", "processes"),
            _percent("cpu_sum", None),
            _percent("cpu_max", None),
            _gauge("rss_sum", "bytes"),
            _gauge("rss_max", "bytes"),
            _gauge("vms_sum", "bytes"),
            _gauge("vms_max", "bytes"),
            _gauge("shared_sum", "bytes"),
            _percent("memory_percent", None),  # memory that processes share counts for each of them
        ),
    ),
    Item(name="load", component=DEVICE, points=tuple(_gauge(f"load{minutes}", "processes") for minutes in (1, 5, 15))),
    Item(name="cpu", component=DEVICE, points=_CPU),
    Item(name="cpus", component=ComponentKind.CPU.value, names="processors, for example cpu 0", points=_CPU),
    Item(
        name="memory",
        component=DEVICE,
        points=(
            _gauge("mem_total", "bytes"),
            _gauge("mem_used", "bytes"),
            _gauge("mem_free", "bytes"),
            _gauge("mem_available", "bytes"),
            _gauge("mem_buffers", "bytes"),
            _gauge("mem_cached", "bytes"),
            _percent("mem_percent"),
        ),
    ),
    Item(
        name="swap",
        component=DEVICE,
        points=(
            _gauge("swap_total", "bytes"),
            _gauge("swap_used", "bytes"),
            _gauge("swap_free", "bytes"),
            _percent("swap_percent"),
            _counter("swap_in", "bytes"),
            _counter("swap_out", "bytes"),
        ),
    ),
    Item(
        name="disk_io",
        component="disk",
        names="block devices",
        points=(
            _counter("reads", "operations"),
            _counter("writes", "operations"),
            _counter("read_bytes", "bytes"),
            _counter("write_bytes", "bytes"),
            _counter("busy", "percent", scale=0.1),  # a count of milliseconds: 1,000 a second are 100 %
        ),
    ),
    Item(
        name="sensors",
        component="sensor",
        names="sensors",
        points=(Point(name="temperature", unit="celsius", minimum=-273.15), _gauge("fan", "rpm")),
    ),
    Item(name="uptime", component=DEVICE, points=(_gauge("uptime", "s"), _gauge("boot", "epoch s"))),
    Item(name="users", component=DEVICE, points=(_gauge("users", "sessions"),)),
    Item(name="units", component=DEVICE, points=(_gauge("units_failed", "units"),)),
)

ITEMS = MappingProxyType({item.name: item for item in _ITEMS})
"""By name."""

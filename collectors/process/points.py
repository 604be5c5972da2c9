"""The data points of a process set, and what they are measured in."""

from __future__ import annotations

from functools import lru_cache

from common.configs import SourceKind
from common.series import Kind, Layout, Point

SOURCE = "process"

_COMMON = (
    Point(name="count", unit="processes", minimum=0.0),
    Point(name="cpu", unit="percent", minimum=0.0),
    Point(name="memory", unit="bytes", minimum=0.0),
    Point(name="restarts", kind=Kind.DERIVE, unit="restarts", minimum=0.0),
    Point(name="oldest_s", unit="s", minimum=0.0),
    Point(name="youngest_s", unit="s", minimum=0.0),
)
_LOCAL = (
    Point(name="threads", unit="threads", minimum=0.0),
    Point(name="fds", unit="files", minimum=0.0),
    Point(name="vms", unit="bytes", minimum=0.0),
    Point(name="shared", unit="bytes", minimum=0.0),
    Point(name="data", unit="bytes", minimum=0.0),
    Point(name="stack", unit="bytes", minimum=0.0),
    Point(name="used", unit="bytes", minimum=0.0),
    Point(name="read_bytes", kind=Kind.DERIVE, unit="bytes", minimum=0.0),
    Point(name="write_bytes", kind=Kind.DERIVE, unit="bytes", minimum=0.0),
)


@lru_cache(maxsize=64)
def layout(source: SourceKind, step_s: int) -> Layout:
    """What a set's file holds."""
    return Layout(points=_COMMON + (_LOCAL if source is SourceKind.LOCAL else ()), step_s=step_s)

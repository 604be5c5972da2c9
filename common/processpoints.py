"""The data points of a process set: what the process collector measures, and what templates of the hub may name."""

from __future__ import annotations

from types import MappingProxyType

from common.series import Kind, Point

PROCESS_SOURCE = "process"
"""Id of the source that is the series of a process set."""
ALWAYS = (
    Point(name="count", unit="processes", minimum=0.0),
    Point(name="cpu", unit="percent", minimum=0.0),
    Point(name="memory", unit="bytes", minimum=0.0),
    Point(name="restarts", kind=Kind.DERIVE, unit="restarts", minimum=0.0),
    Point(name="oldest_s", unit="s", minimum=0.0),
    Point(name="youngest_s", unit="s", minimum=0.0),
)
LOCAL = (
    Point(name="threads", unit="threads", minimum=0.0),
    Point(name="fds", unit="files", minimum=0.0),
    Point(name="vms", unit="bytes", minimum=0.0),
    Point(name="shared", unit="bytes", minimum=0.0),
    Point(name="data", unit="bytes", minimum=0.0),
    Point(name="stack", unit="bytes", minimum=0.0),
    Point(name="used", unit="bytes", minimum=0.0),
    Point(name="read_bytes", kind=Kind.DERIVE, unit="bytes", minimum=0.0),
    Point(name="write_bytes", kind=Kind.DERIVE, unit="bytes", minimum=0.0),
    Point(name="runs", kind=Kind.DERIVE, unit="runs", minimum=0.0),
    Point(name="failed_runs", kind=Kind.DERIVE, unit="runs", minimum=0.0),
)
"""Those that only the collector's own host shows."""

POINTS = MappingProxyType({point.name: point for point in (*ALWAYS, *LOCAL)})

"""Which graphs there are to draw of a source, by the points that it has (pure)."""

from __future__ import annotations

import enum
from collections.abc import Sequence

from msgspec import Struct

from common.graphunits import plain_unit
from common.series import Point


class Style(enum.Enum):
    """How a series is drawn."""

    AREA = "area"
    LINE = "line"
    BARS = "bars"


class Unit(enum.Enum):
    """What numbers mean, and so how they are scaled and written."""

    PERCENT = "percent"
    BYTES = "bytes"
    BYTES_PER_S = "bytes/s"
    COUNT = "count"
    SECONDS = "seconds"
    EVENTS = "events"
    PLAIN = ""


class Graph(Struct, frozen=True, kw_only=True):
    """One kind of picture.

    Attributes:
        name: what users ask for.
        points: those it draws, as far as the source has them; each with its word for the legend.
        axis: unit in words, for the axis; empty where the unit itself says enough.
        stack: with several components, put them on top of each other: the sum means something.
    """

    name: str
    title: str
    points: tuple[tuple[str, str], ...]
    unit: Unit
    axis: str = ""
    style: Style = Style.LINE
    stack: bool = False


_AREA, _BARS = Style.AREA, Style.BARS
GRAPHS = (
    Graph(
        name="cpu", title="CPU", points=(("cpu", "CPU"),), unit=Unit.PERCENT, axis="% of one CPU", style=_AREA,
        stack=True,
    ),
    Graph(name="memory", title="Memory", points=(("memory", "resident"),), unit=Unit.BYTES, style=_AREA, stack=True),
    Graph(name="count", title="Processes", points=(("count", "processes"),), unit=Unit.COUNT, axis="processes"),
    Graph(
        name="restarts", title="Restarts", points=(("restarts", "restarts"),), unit=Unit.EVENTS, axis="restarts",
        style=_BARS, stack=True,
    ),
    Graph(
        name="runs", title="Runs that ended", points=(("runs", "all"), ("failed_runs", "failed")), unit=Unit.EVENTS,
        axis="runs",
    ),
    Graph(
        name="threads", title="Threads", points=(("threads", "threads"),), unit=Unit.COUNT, axis="threads",
        style=_AREA, stack=True,
    ),
    Graph(
        name="fds", title="Open files", points=(("fds", "open files"),), unit=Unit.COUNT, axis="open files",
        style=_AREA, stack=True,
    ),
    Graph(
        name="io", title="Input and output", points=(("read_bytes", "read"), ("write_bytes", "written")),
        unit=Unit.BYTES_PER_S,
    ),
    Graph(name="age", title="Age", points=(("oldest_s", "oldest"), ("youngest_s", "youngest")), unit=Unit.SECONDS),
)  # fmt: skip

_UNITS = {
    "percent": Unit.PERCENT,
    "%": Unit.PERCENT,
    "bytes": Unit.BYTES,
    "B": Unit.BYTES,
    "bytes/s": Unit.BYTES_PER_S,
    "B/s": Unit.BYTES_PER_S,
    "s": Unit.SECONDS,
    "seconds": Unit.SECONDS,
    "processes": Unit.COUNT,
    "restarts": Unit.EVENTS,
    "runs": Unit.EVENTS,
    "threads": Unit.COUNT,
    "files": Unit.COUNT,
}


def unit_of(text: str) -> tuple[Unit, str]:
    """What a point's unit means, and the word for the axis where the unit has none of its own."""
    unit = _UNITS.get(text, Unit.PLAIN)
    if unit is Unit.EVENTS:
        unit = Unit.PLAIN  # so many at a moment; what is counted over a time has a graph of its own
    return unit, text if unit in (Unit.PLAIN, Unit.COUNT) else ""


def graphs_for(points: Sequence[Point]) -> tuple[Graph, ...]:
    """All graphs that a source with these points has: the known ones first, then one for each point left over."""
    names = {point.name for point in points}
    known = [graph for graph in GRAPHS if any(name in names for name, _ in graph.points)]
    drawn = {name for graph in known for name, _ in graph.points}
    taken = {graph.name for graph in known}
    rest = [point for point in points if point.name not in drawn and point.name not in taken]
    return (*known, *(_default(point) for point in rest))


def _default(point: Point) -> Graph:
    plain = plain_unit(point.unit).unit
    unit = _UNITS.get(plain, Unit.PLAIN)
    if point.stored_unit != point.unit:  # the file holds a rate
        unit = {Unit.BYTES: Unit.BYTES_PER_S, Unit.EVENTS: Unit.EVENTS}.get(unit, Unit.PLAIN)
    per = "" if point.stored_unit == point.unit or unit is not Unit.PLAIN else "/s"
    axis = (plain + per).strip() if unit in (Unit.PLAIN, Unit.COUNT, Unit.EVENTS) else ""
    return Graph(name=point.name, title=point.name, points=((point.name, point.name),), unit=unit, axis=axis)

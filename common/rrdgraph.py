"""Graphs: what there is to draw of a source, and the picture as arguments of `rrdtool graph` (pure).

Numbers are brought into a readable unit (MiB, %, kB/s) before rrdtool sees them, so that axis and legend agree. Colours
tell series apart for colour-blind readers too (Okabe and Ito; Tol). What is unknown stays a gap.
"""

from __future__ import annotations

import enum
import math
import unicodedata
from collections.abc import Sequence

from msgspec import Struct

from common.series import Point

MAX_SERIES = 20
LABEL_COLUMNS = 32
FONT = "DejaVu Sans"
LEGEND_FONT = "DejaVu Sans Mono"

PALETTE = (
    "0072B2", "E69F00", "009E73", "CC79A7", "56B4E9", "D55E00", "332288", "999933", "882255", "44AA99",
    "6699CC", "DDCC77", "117733", "AA4499", "88CCEE", "CC6677", "661100", "BBBBBB", "225555", "997700",
)  # fmt: skip
_CHROME = (
    ("BACK", "FFFFFF"), ("CANVAS", "FFFFFF"), ("SHADEA", "FFFFFF"), ("SHADEB", "FFFFFF"), ("GRID", "E4E4E4"),
    ("MGRID", "CFCFCF"), ("FRAME", "B0B0B0"), ("AXIS", "707070"), ("ARROW", "FFFFFF00"), ("FONT", "303030"),
)  # fmt: skip


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
    "s": Unit.SECONDS,
    "seconds": Unit.SECONDS,
    "processes": Unit.COUNT,
    "restarts": Unit.EVENTS,
    "runs": Unit.EVENTS,
    "threads": Unit.COUNT,
    "files": Unit.COUNT,
}


def graphs_for(points: Sequence[Point]) -> tuple[Graph, ...]:
    """All graphs that a source with these points has: the known ones first, then one for each point left over."""
    names = {point.name for point in points}
    known = [graph for graph in GRAPHS if any(name in names for name, _ in graph.points)]
    drawn = {name for graph in known for name, _ in graph.points}
    taken = {graph.name for graph in known}
    rest = [point for point in points if point.name not in drawn and point.name not in taken]
    return (*known, *(_default(point) for point in rest))


def _default(point: Point) -> Graph:
    unit = _UNITS.get(point.unit, Unit.PLAIN)
    if point.kind.value != "gauge":  # the file holds a rate
        unit = {Unit.BYTES: Unit.BYTES_PER_S, Unit.EVENTS: Unit.EVENTS}.get(unit, Unit.PLAIN)
    per = "" if point.kind.value == "gauge" or unit is not Unit.PLAIN else "/s"
    axis = (point.unit + per).strip() if unit in (Unit.PLAIN, Unit.COUNT, Unit.EVENTS) else ""
    return Graph(name=point.name, title=point.name, points=((point.name, point.name),), unit=unit, axis=axis)


# --- texts ------------------------------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """A text that keeps to its place: what could move or hide other text becomes a space, what no font has a box."""
    return "".join(_plain_character(character) for character in text).strip()


def _plain_character(character: str) -> str:
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
        return " "
    return "▯" if ord(character) > 0xFFFF else character


def columns(text: str) -> int:
    """How many columns of a fixed-width font a text takes."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def fit(text: str, width: int) -> str:
    """A text in exactly this many columns: cut with an ellipsis, or filled with spaces."""
    if columns(text) > width:
        while columns(text) > width - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (width - columns(text))


def escape(text: str) -> str:
    r"""A text as part of an argument of `rrdtool graph`.

    A colon is escaped as rrdtool wants it. A backslash cannot be: rrdtool shows `\\\\` as two, and takes one before an
    `l` for a line break; so it becomes the character that looks like it (U+2216).
    """
    return text.replace("\\", "\u2216").replace(":", "\\:")


def duration(seconds: int) -> str:
    """A time in the largest unit that it is a whole number of."""
    for size, word in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {word}"
    return f"{seconds} s"


# --- scale ------------------------------------------------------------------------------------------------------------


class Scale(Struct, frozen=True):
    """How raw numbers are written.

    Attributes:
        factor: raw numbers are divided by it.
        unit: for axis and legend.
        decimals: digits after the point, so that three are significant.
    """

    factor: float
    unit: str
    decimals: int


_STEPS: dict[Unit, tuple[tuple[float, str], ...]] = {
    Unit.BYTES: tuple((1024.0**i, unit) for i, unit in enumerate(("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"))),
    Unit.BYTES_PER_S: tuple(
        (1024.0**i, unit + "/s") for i, unit in enumerate(("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"))
    ),
    Unit.SECONDS: ((1.0, "s"), (60.0, "min"), (3600.0, "h"), (86400.0, "days")),
    Unit.PERCENT: ((1.0, "%"),),
}
_SI = ((1e-9, "n"), (1e-6, "µ"), (1e-3, "m"), (1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T"), (1e15, "P"))


def scale_for(unit: Unit, peak: float | None, axis: str = "") -> Scale:
    """The scale in which the largest number of a picture reads best."""
    size = abs(peak) if peak is not None and math.isfinite(peak) else 0.0
    if unit in _STEPS:
        factor, word = max((step for step in _STEPS[unit] if step[0] <= size), default=_STEPS[unit][0])
    elif unit is Unit.PLAIN or size >= 1e5:
        steps = [step for step in _SI if step[0] <= size and (unit is Unit.PLAIN or step[0] >= 1)]
        factor, prefix = max(steps, default=(1.0, ""))
        word = f"{prefix}{axis}" if len(axis) <= 3 else f"{prefix} {axis}".strip()
    else:
        factor, word = 1.0, axis
    return Scale(factor, word, _decimals(size / factor))


def _decimals(size: float) -> int:
    if size <= 0:
        return 2
    return min(9, max(0 if size >= 1000 else 1, 2 - math.floor(math.log10(size))))


# --- picture ----------------------------------------------------------------------------------------------------------


class Drawn(Struct, frozen=True, kw_only=True):
    """One line of the legend: some points of one file, added up.

    Attributes:
        path: of the RRD file, without colon or backslash.
        label: any text.
        known: False when there is no value in the whole picture.
    """

    path: str
    label: str
    points: tuple[str, ...]
    known: bool = True


class Picture(Struct, frozen=True, kw_only=True):
    """All that a picture is made of.

    Attributes:
        width, height: pixels; height is that of the plot, the legend adds to it.
        peak: about the largest raw number in it; None when nothing is known.
        bar_s: how many seconds a bar of `Style.BARS` counts; a multiple of the resolution of the rows.
        note: a last line below the legend.
    """

    graph: Graph
    title: str
    drawn: tuple[Drawn, ...]
    start: int
    end: int
    width: int = 720
    height: int = 200
    form: str = "png"
    peak: float | None = None
    bar_s: int = 0
    note: str = ""


LINE_PIXELS = 15
FRAME_PIXELS = 40
FIGURE_COLUMNS = 9


def graph_arguments(picture: Picture) -> list[str]:
    """Arguments of `rrdtool graph` (or `graphv`), without the file name."""
    graph = picture.graph
    scale = scale_for(graph.unit, picture.peak, graph.axis)
    width = min(LABEL_COLUMNS, max([12, *(columns(plain(drawn.label)) for drawn in picture.drawn)]))
    return [
        *_frame(picture, scale),
        *(argument for i, drawn in enumerate(picture.drawn) for argument in _definitions(i, drawn, picture, scale)),
        *_heading(graph, _suffix(scale), width),
        *(argument for i, drawn in enumerate(picture.drawn) for argument in _series(i, drawn, picture, scale, width)),
        *([f"COMMENT:{escape(fit(plain(picture.note), 90).rstrip())} \\l"] if picture.note else []),
    ]


def _frame(picture: Picture, scale: Scale) -> list[str]:
    graph = picture.graph
    lines = len(picture.drawn) + 1 + bool(picture.note)
    axis = graph.axis if graph.unit is Unit.PERCENT and graph.axis else scale.unit
    if picture.bar_s:
        axis = f"{axis} in {duration(picture.bar_s)}"
    arguments = [
        "--imgformat", picture.form.upper(), "--start", str(picture.start), "--end", str(picture.end),
        "--title", fit(plain(picture.title), max(20, picture.width // 8)).rstrip() or " ",
        "--full-size-mode", "--width", str(picture.width),
        "--height", str(picture.height + lines * LINE_PIXELS + FRAME_PIXELS),
        "--disable-rrdtool-tag", "--border", "0", "--font", f"DEFAULT:8:{FONT}", "--font", f"TITLE:11:{FONT}",
        "--font", f"LEGEND:8:{LEGEND_FONT}", "--units-exponent", "0", "--lower-limit", "0",
    ]  # fmt: skip
    arguments += _upright(picture, scale)
    if axis:
        arguments += ["--vertical-label", axis]
    if graph.style is not Style.BARS and graph.unit is not Unit.COUNT:
        arguments.append("--slope-mode")
    for name, colour in _CHROME:
        arguments += ["--color", f"{name}#{colour}"]
    return arguments


def _upright(picture: Picture, scale: Scale) -> list[str]:
    """Options of the upright axis: whole numbers where there are only whole ones, and never a range of nothing."""
    peak = (picture.peak or 0.0) / scale.factor
    if picture.graph.unit in (Unit.COUNT, Unit.EVENTS) and scale.factor == 1:
        if peak <= 10:
            return [
                "--upper-limit",
                str(max(2, math.floor(peak) + 1)),
                "--y-grid",
                "1:1",
                "--left-axis-format",
                "%.0lf",
            ]
        return ["--alt-y-grid", "--alt-autoscale-max"]
    if peak <= 0:
        return ["--upper-limit", "1"]
    return ["--alt-autoscale-max"]


def _definitions(i: int, drawn: Drawn, picture: Picture, scale: Scale) -> list[str]:
    """The series as `v{i}` (drawn) and `m{i}` (its highest values), in the picture's unit."""
    arguments = []
    # Rows of this width: narrower ones than a pixel would be left out of the picture, each with what it counted.
    bars = f":step={picture.bar_s}:reduce=AVERAGE" if picture.bar_s else ""
    for name, cf in (("v", "AVERAGE"), ("m", "MAX")):
        for j, point in enumerate(drawn.points):
            arguments.append(f"DEF:{name}{i}r{j}={drawn.path}:{point}:{cf}{bars}")
        total = f"{name}{i}r0" + "".join(f",{name}{i}r{j},ADDNAN" for j in range(1, len(drawn.points)))
        each = ",STEPWIDTH,*" if picture.graph.unit is Unit.EVENTS else ""
        arguments.append(f"CDEF:{name}{i}={total}{each},{scale.factor!r},/")
    total = ",".join([f"v{i}r0", *(f"v{i}r{j},ADDNAN" for j in range(1, len(drawn.points)))])
    arguments.append(f"CDEF:t{i}={total}")
    arguments += [f"VDEF:{to}{i}={name}{i},{how}" for to, name, how in _columns(picture.graph)]
    return arguments


def _columns(graph: Graph) -> tuple[tuple[str, str, str], ...]:
    second = ("b", "t", "TOTAL") if graph.unit is Unit.EVENTS else ("b", "v", "AVERAGE")
    # The highest rate of a coarse row says nothing of how many events there were in it.
    return (("a", "v", "LAST"), second, ("c", "v" if graph.unit is Unit.EVENTS else "m", "MAXIMUM"))


def _suffix(scale: Scale) -> str:
    """The unit beside each figure of the legend, where it is short."""
    return f" {scale.unit}" if 0 < len(scale.unit) <= 6 else ""


def _heading(graph: Graph, suffix: str, width: int) -> list[str]:
    # One item for each column, as below it: rrdtool puts its own space between items.
    words = ("Last", "Total" if graph.unit is Unit.EVENTS else "Average", "Max")
    texts = [f"{word:>{FIGURE_COLUMNS}}{' ' * len(suffix)}" for word in words]
    return [f"COMMENT:{' ' * (width + 2)}", *(f"COMMENT:{text}" for text in texts[:2]), f"COMMENT:{texts[2]}\\l"]


def _series(i: int, drawn: Drawn, picture: Picture, scale: Scale, width: int) -> list[str]:
    graph = picture.graph
    several = len(picture.drawn) > 1
    colour = PALETTE[i % len(PALETTE)]
    label = escape(fit(plain(drawn.label), width))
    arguments = []
    if several and graph.stack:
        arguments.append(f"AREA:v{i}#{colour}:{label}" + (":STACK" if i else ""))
    elif graph.style is Style.BARS:
        arguments.append(f"AREA:v{i}#{colour}:{label}")
    else:
        if graph.style is Style.AREA and not several:
            arguments.append(f"AREA:v{i}#{colour}30")
        arguments.append(f"LINE1.5:v{i}#{colour}:{label}")
    whole = graph.unit in (Unit.COUNT, Unit.EVENTS) and scale.factor == 1
    decimals = [0 if whole else scale.decimals] * 3
    if graph.unit is Unit.COUNT:
        decimals[1] = scale.decimals
    if not drawn.known:
        return [*arguments, f"COMMENT:{'no data':>{FIGURE_COLUMNS}}\\l"]
    suffix = escape(_suffix(scale)).replace("%", "%%")
    for column, digits in zip("abc", decimals, strict=True):
        arguments.append(f"GPRINT:{column}{i}:%{FIGURE_COLUMNS}.{digits}lf{suffix}")
    arguments[-1] += "\\l"
    return arguments

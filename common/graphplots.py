"""The curves that a picture is made of, from the series that are in it (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from common.errors import NotFoundError, PermanentError
from common.expressions import ExpressionError, parse
from common.graphdefs import OWN, File, Term
from common.graphkinds import GRAPHS, Graph, Style, Unit, graphs_for, unit_of
from common.graphpicture import Plot
from common.graphs import Curve, Draw, Drawing
from common.graphtexts import plain
from common.graphunits import Plain, Units, plain_unit
from common.queries import GraphQuery
from common.series import Layout, Point, SeriesKey

MAX_NAMED = 20
_SUMS = frozenset({Unit.BYTES, Unit.PERCENT, Unit.COUNT, Unit.BYTES_PER_S})
"""Units of which the sum over several components means something."""


class Series(Protocol):
    """A source of a component, and where its figures are."""

    @property
    def key(self) -> SeriesKey:
        """Whose it is, and what it is called."""

    @property
    def layout(self) -> Layout:
        """Its points."""

    @property
    def file(self) -> str:
        """What rrdtool reads; without colon or backslash."""


class Files(Protocol):
    """Knows the files of a picture."""

    @property
    def paths(self) -> dict[str, int]:
        """Those that were looked at, with the newest sample of each."""

    def of(self, series: Series) -> tuple[File, int]:
        """The file of a series, and the seconds of the rows that are drawn."""


class Whose(Struct, frozen=True):
    """A component whose curves are drawn."""

    device: str
    component: str
    label: str
    series: Sequence[Series]


class Plots(Struct, frozen=True, kw_only=True):
    """The curves of a picture, before any is measured or left out.

    Attributes:
        unit, axis: of the numbers.
        units: by which thresholds and the ends of the axis are brought to that unit.
        stacked: the sum of the curves means something.
        steps: of each plot the seconds between two samples.
        rows: of each plot the seconds of the rows that it is drawn from.
        paths: of the files, with the newest sample of each.
    """

    title: str
    plots: list[Plot]
    unit: Unit
    axis: str
    stacked: bool
    steps: list[int]
    rows: list[int]
    paths: dict[str, int]
    units: Units = Units(Plain(""))


def plots_from(query: GraphQuery, whose: Sequence[Whose], files: Files) -> Plots:
    """What is to be drawn of these components.

    Raises:
        NotFoundError: none of them has the graph, or a point of it.
        PermanentError: an expression that is none.
    """
    drawing = query.drawing or Drawing()
    return _of_curves(query, drawing, whose, files) if drawing.curves else _of_graph(query, whose, files)


# --- curves -----------------------------------------------------------------------------------------------------------


def _of_curves(query: GraphQuery, drawing: Drawing, whose: Sequence[Whose], files: Files) -> Plots:
    whose = _alone(whose, drawing)
    single = len(whose) == 1
    units = _units_of_curves(drawing, whose)
    unit, axis = unit_of(units.picture.unit)
    alike = len(drawing.curves) == 1 and drawing.curves[0].draw is Draw.AREA
    summed = not single and alike and unit in _SUMS and drawing.maximum is None
    plots: list[Plot] = []
    steps: list[int] = []
    rows: list[int] = []
    for one in whose:
        first = True
        for curve in drawing.curves:
            series = _series_with(one, curve)
            if series is None:
                continue
            file, row_s = files.of(series)
            if curve.point not in file.names:
                continue
            label = curve.label or curve.point
            if not single:
                label = one.label if len(drawing.curves) == 1 else f"{one.label} {label}"
            plots.append(
                Plot(
                    label=label,
                    terms=(_term(file, curve, units.factor("" if curve.transform else _unit(series, curve.point))),),
                    draw=Draw.LINE if not single and not summed and curve.draw is Draw.AREA else curve.draw,
                    stack=(single and curve.stack and not first) or (summed and bool(plots)),
                    colour=curve.colour.removeprefix("#") if single else "",
                )
            )
            first = False
            steps.append(series.layout.step_s)
            rows.append(row_s)
    if not plots:
        raise _nothing(query, [curve.point for curve in drawing.curves], whose)
    stacked = summed or any(plot.stack for plot in plots)
    title = drawing.title or _title(query, whose, query.graph or drawing.curves[0].point)
    return Plots(
        title=title, plots=plots, unit=unit, axis=drawing.axis or axis, stacked=stacked, steps=steps, rows=rows,
        paths=files.paths, units=units,
    )  # fmt: skip


def _alone(whose: Sequence[Whose], drawing: Drawing) -> Sequence[Whose]:
    """The device itself, where nothing else of that device has any of the curves."""
    having = [one for one in whose if any(_series_with(one, curve) is not None for curve in drawing.curves)]
    of_one = len(having) == 1 and not having[0].component and len({one.device for one in whose}) == 1
    return having if of_one else whose


def _series_with(one: Whose, curve: Curve) -> Series | None:
    for series in one.series:
        if curve.source in {"", series.key.source} and _point(series, curve.point) is not None:
            return series
    return None


def _point(series: Series, name: str) -> Point | None:
    return next((point for point in series.layout.points if point.name == name), None)


def _term(file: File, curve: Curve, factor: float) -> Term:
    if not curve.transform:
        return Term(file=file, point=curve.point, factor=factor)
    try:
        names = parse(curve.transform).names
    except ExpressionError as error:
        raise PermanentError(f"The transform of {curve.point} is no expression: {error}") from None
    needs = names - {OWN, curve.point}
    return Term(file=file, point=curve.point, transform=curve.transform, needs=needs, factor=factor)


def _units_of_curves(drawing: Drawing, whose: Sequence[Whose]) -> Units:
    if drawing.unit:
        return Units(plain_unit(drawing.unit), is_said=True)
    curve = drawing.curves[0]
    series = (_series_with(one, curve) for one in whose)
    first = next((one for one in series if one is not None), None)
    return Units(plain_unit(_unit(first, curve.point) if first is not None and not curve.transform else ""))


def _unit(series: Series, name: str) -> str:
    """The unit of what a file holds of a point: of what counts, the rate."""
    point = _point(series, name)
    if point is None:
        return ""
    return point.stored_unit if point.unit else ""


# --- graphs by name ---------------------------------------------------------------------------------------------------


def _of_graph(query: GraphQuery, whose: Sequence[Whose], files: Files) -> Plots:
    graph = _choose(query, whose)
    single = len(whose) == 1 and (query.component is not None or bool(query.drawing and query.drawing.subjects))
    stacked = graph.stack and len(whose) > 1
    plots: list[Plot] = []
    steps: list[int] = []
    rows: list[int] = []
    units = Units(Plain(""))
    for one in whose:
        having = [series for series in one.series if graph in graphs_for(series.layout.points)]
        for series in having:
            file, row_s = files.of(series)
            words = [(name, word) for name, word in graph.points if name in file.names]
            several = f"{series.key.source} " if len(having) > 1 else ""
            groups: list[tuple[tuple[str, ...], str]]
            if single:
                groups = [((name,), f"{several}{word}") for name, word in words]
            elif graph.stack or len(words) == 1:
                groups = [(tuple(name for name, _ in words), f"{one.label} {several}".strip())] if words else []
            else:
                groups = [((name,), f"{one.label} {several}{word}") for name, word in words]
            for names, label in groups:
                units = units if plots else Units(plain_unit(_unit(series, names[0])))
                draw = _DRAWS[graph.style]
                if plots and not stacked and draw is Draw.AREA:
                    draw = Draw.LINE
                plots.append(
                    Plot(
                        label=label,
                        terms=tuple(_named_term(file, series, name, graph) for name in names),
                        draw=draw,
                        stack=stacked and bool(plots),
                    )
                )
                steps.append(series.layout.step_s)
                rows.append(row_s)
    if not plots:
        raise _nothing(query, [name for name, _ in graph.points], whose)
    title = (query.drawing.title if query.drawing else "") or _title(query, whose, graph.title)
    axis = (query.drawing.axis if query.drawing else "") or graph.axis
    return Plots(
        title=title, plots=plots, unit=graph.unit, axis=axis, stacked=stacked, steps=steps, rows=rows,
        paths=files.paths, units=units,
    )  # fmt: skip


def _named_term(file: File, series: Series, name: str, graph: Graph) -> Term:
    plain = plain_unit(_unit(series, name))
    return Term(file=file, point=name, factor=plain.factor if unit_of(plain.unit)[0] is graph.unit else 1.0)


_DRAWS: Mapping[Style, Draw] = {Style.AREA: Draw.AREA, Style.LINE: Draw.LINE, Style.BARS: Draw.BARS}


def _choose(query: GraphQuery, whose: Sequence[Whose]) -> Graph:
    known: dict[str, Graph] = {}
    for one in whose:
        for series in one.series:
            for graph in graphs_for(series.layout.points):
                known.setdefault(graph.name, graph)
    order = [graph.name for graph in GRAPHS if graph.name in known]
    order += [name for name in known if name not in order]
    name = query.graph or order[0]
    if name not in known:
        raise NotFoundError(f"{_owner(query, whose)} has no graph {name!r}; it has: {named(order)}")
    return known[name]


def _owner(query: GraphQuery, whose: Sequence[Whose]) -> str:
    if query.component is not None:
        return f"Component {query.component!r} of {query.device!r}"
    if len({one.device for one in whose}) > 1:
        return "None of the devices"
    return f"Device {query.device!r}"


def _nothing(query: GraphQuery, points: Sequence[str], whose: Sequence[Whose]) -> NotFoundError:
    held = [point.name for one in whose for series in one.series for point in series.layout.points]
    return NotFoundError(f"{_owner(query, whose)} has no point {named(points)}; it has: {named(held)}")


def _title(query: GraphQuery, whose: Sequence[Whose], what: str) -> str:
    devices = list(dict.fromkeys(one.device for one in whose))
    parts = [devices[0] if len(devices) == 1 else f"{len(devices)} devices"]
    if len(whose) == 1 and (query.component or whose[0].component):
        parts.append(whose[0].label)
    return " · ".join([*parts, what])


# --- words ---


def named(names: Iterable[str]) -> str:
    """Names as a part of a sentence, not too many."""
    different = list(dict.fromkeys(names))
    shown = ", ".join(plain(name)[:80] or "(none)" for name in different[:MAX_NAMED])
    more = f" and {len(different) - MAX_NAMED} more" if len(different) > MAX_NAMED else ""
    return f"{shown}{more}" if different else "none yet"

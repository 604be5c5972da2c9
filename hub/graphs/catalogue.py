"""Which graphs a component has: those of the templates that hold for it, and those built in (pure)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from common import graphkinds
from common.processpoints import POINTS as PROCESS_POINTS
from common.series import Point
from hub.model.bound import resolution_of
from hub.model.entities import Device
from hub.model.model import Model
from hub.model.resolution import Effective, derived_of
from hub.model.sources import SourceType
from hub.model.sources import points_of as source_points
from hub.model.templates import Curve, Graph, Target

BUILT_IN: Mapping[str, graphkinds.Graph] = {graph.name: graph for graph in graphkinds.GRAPHS}
FIRST = graphkinds.GRAPHS[0].name
"""What is drawn where nobody says what."""


class Known(Struct, frozen=True):
    """A graph that a template defines.

    Attributes:
        template: id of the one that holds; empty for none, where somebody asks for a point of a source.
        sources: by point the source that it is drawn of, where that is said; process sets have one alone.
    """

    graph: Graph
    template: str
    sources: Mapping[str, str] = {}


class Offer(Struct, frozen=True, kw_only=True):
    """A graph that may be asked for.

    Attributes:
        points: names, as far as they are there.
        missing: points of its definition that are not there (yet).
        template: id of the template that defines it; empty for one that is built in.
        is_point: it shows one point that no other graph shows.
    """

    graph: str
    title: str
    points: tuple[str, ...]
    missing: tuple[str, ...] = ()
    template: str = ""
    is_point: bool = False


def known_of(model: Model, device: Device, kinds: Iterable[str] = (Target.PROCESS_SET,)) -> Mapping[str, Known]:
    """The graphs that templates define for components of some kinds, by id.

    The stronger template holds, and the kind that is named first.
    """
    found: dict[str, Known] = {}
    for kind in kinds:
        of_kind: dict[str, Known] = {}
        templates = resolution_of(model, device).of(kind)
        for template in templates:
            for id_, graph in template.graphs.items():
                of_kind[id_] = Known(graph, template.id, _sources_of(graph, template, templates))
        for id_, one in of_kind.items():
            found.setdefault(id_, one)
    return found


def of_source(source: str, point: str) -> Known:
    """A graph of one point that several sources may have."""
    return Known(Graph(points=(Curve(point=point),), title=f"{source}: {point}"), "", {point: source})


def units_of(model: Model, device: Device, kinds: Iterable[str] = (Target.PROCESS_SET,)) -> Mapping[str, str]:
    """Units of the points of components of some kinds by name, as they are drawn: of what counts, the rate."""
    units: dict[str, str] = {}
    for kind in kinds:
        if kind == Target.PROCESS_SET:
            units |= {point.name: _drawn_unit(point) for point in PROCESS_POINTS.values()}
        for template in resolution_of(model, device).of(kind):
            units |= {name: point.unit for name, point in derived_of(template).items()}
            for source in template.sources.values():
                if source.type is not SourceType.PROCESS:
                    points = source_points(source).items()
                    units |= {name: _drawn_unit(Point(name=name, kind=p.kind, unit=p.unit)) for name, p in points}
    return units


def _sources_of(graph: Graph, template: Effective, others: Sequence[Effective]) -> Mapping[str, str]:
    """By point the source that a graph draws it of: one of its own template, or the only one of the others."""
    found: dict[str, str] = {}
    for curve in graph.points:
        having = _having(curve.point, [template]) or _having(curve.point, others)
        if len(having) == 1:
            found[curve.point] = having.pop()
    return found


def _having(point: str, templates: Iterable[Effective]) -> set[str]:
    """The sources of templates that have a point, but for those of process sets."""
    return {
        id_
        for template in templates
        for id_, source in template.sources.items()
        if source.type is not SourceType.PROCESS and point in source_points(source)
    }


def _drawn_unit(point: Point) -> str:
    return point.stored_unit if point.unit else ""


def points_of(graph: str, known: Known | None) -> list[tuple[str, str]]:
    """The points that a graph draws, each with its transform."""
    if known is not None:
        return [(curve.point, curve.transform) for curve in known.graph.points]
    built_in = BUILT_IN.get(graph)
    return [(name, "") for name, _ in built_in.points] if built_in is not None else [(graph, "")]


def offers(
    points: Sequence[Point],
    known: Mapping[str, Known],
    sources: Collection[str] | None = None,
    *,
    is_set: bool = True,
) -> list[Offer]:
    """All graphs of a component that has these points.

    Those built in come first, each as a template has it, if so; then those of templates; then points by themselves.

    Args:
        points: that are kept of it; without any, what templates define stands alone.
        known: graphs of templates, by id.
        sources: names of those that the component has; None where that is not known.
        is_set: it is a process set, for which those that are built in are made. Of another component they are left out
            where a template's graph shows the same points.
    """
    names = {point.name for point in points}
    found: dict[str, Offer] = {}
    drawn: set[str] = set()
    for graph in graphkinds.graphs_for(points):
        there = tuple(name for name, _ in graph.points if name in names)
        is_point = graph.name not in BUILT_IN
        found[graph.name] = Offer(graph=graph.name, title=graph.title, points=there, is_point=is_point)
    for id_, one in known.items():
        wanted = [curve.point for curve in one.graph.points]
        drawable = {name for name in names if sources is None or one.sources.get(name, "") in {"", *sources}}
        there, missing = _parted(wanted, drawable if points else set(wanted))
        if there or not points:
            offer = Offer(graph=id_, title=one.graph.title or id_, points=there, missing=missing, template=one.template)
            found[id_] = offer
            drawn.update(there)
    order = [name for name, one in found.items() if name in BUILT_IN and _is_wanted(one, drawn, is_set=is_set)]
    order += [name for name in known if name in found and found[name].template and name not in BUILT_IN]
    order += [name for name, one in found.items() if one.is_point and name not in drawn]
    return [found[name] for name in order]


def _is_wanted(built_in: Offer, drawn: set[str], *, is_set: bool) -> bool:
    return is_set or bool(built_in.template) or not drawn.issuperset(built_in.points)


def _parted(wanted: Sequence[str], names: set[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    there = tuple(dict.fromkeys(name for name in wanted if name in names))
    return there, tuple(dict.fromkeys(name for name in wanted if name not in names))

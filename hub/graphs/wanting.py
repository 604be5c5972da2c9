"""Which points of a source a picture needs (pure)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from common.expressions import parse
from common.graphkinds import graphs_for
from common.graphs import Drawing
from common.queries import GraphQuery
from common.series import Point

Wanted = Callable[[Sequence[Point], str], list[str]]
"""Gives of the points of a source of some name those that are needed; none where it is not in the picture."""


def wanted(query: GraphQuery, drawing: Drawing) -> Wanted:
    """The points that a picture needs of a source."""
    if drawing.curves:

        def of_curves(points: Sequence[Point], source: str = "") -> list[str]:
            curves = [curve for curve in drawing.curves if curve.source in {"", source} or not source]
            needed = {name for curve in curves for name in (curve.point, *_names(curve.transform))}
            names = [point.name for point in points if point.name in needed]
            return names if {curve.point for curve in curves}.intersection(names) else []

        return of_curves

    def of_graph(points: Sequence[Point], _source: str = "") -> list[str]:
        names = {point.name for point in points}
        graphs = graphs_for(points)
        graph = next((one for one in graphs if query.graph in {"", one.name}), None)
        return [] if graph is None else [name for name, _ in graph.points if name in names]

    return of_graph


def _names(transform: str) -> frozenset[str]:
    return parse(transform).names if transform else frozenset()

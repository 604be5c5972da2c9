"""Pictures of series: which of them are in it, how large they are in it, and what rrdtool makes of that."""

from __future__ import annotations

import math
from collections.abc import Sequence

import rrdtool
from msgspec import Struct

from collectors.framework.data.index import Series
from collectors.framework.data.naming import named
from collectors.framework.data.rows import MAX_ROWS, choose_resolution, kept_by, read
from common import rrdgraph, wire
from common.errors import NotFoundError, PermanentError
from common.queries import GraphQuery, Picture

MIN_BAR_PIXELS = 4


class _Candidate(Struct):
    series: Series
    drawn: rrdgraph.Drawn
    average: float
    peak: float
    bar_s: int


def draw(query: GraphQuery, held: Sequence[Series], now: float, *, whole_device: bool) -> Picture:
    """A picture of the series of a component, or of a device."""
    graph, matching = _choose_graph(query, held)
    candidates = _candidates(query, graph, matching, now, whole_device=whole_device)
    if whole_device and graph.stack:
        candidates.sort(key=lambda candidate: -candidate.average)
    note = ""
    if len(candidates) > rrdgraph.MAX_SERIES:
        note = f"The largest {rrdgraph.MAX_SERIES} of {len(candidates)} are shown."
        largest = sorted(candidates, key=lambda candidate: -candidate.average)[: rrdgraph.MAX_SERIES]
        candidates = [candidate for candidate in candidates if candidate in largest]
    bar_s = max((candidate.bar_s for candidate in candidates), default=0)
    known = [candidate.peak for candidate in candidates if candidate.drawn.known]
    stacked = graph.stack and len(candidates) > 1
    component = f" · {query.shown.get(query.component, query.component)}" if query.component else ""
    picture = rrdgraph.Picture(
        graph=graph,
        title=f"{query.device}{component} · {graph.title}",
        drawn=tuple(candidate.drawn for candidate in candidates),
        start=query.start,
        end=query.end,
        width=query.width,
        height=query.height,
        form=query.form,
        peak=(sum(known) if stacked else max(known)) if known else None,
        bar_s=bar_s,
        note=note if known else "No value is known in this time.",
    )
    return _paint(picture)


def _paint(picture: rrdgraph.Picture) -> Picture:
    try:
        drawn = rrdtool.graphv("-", *rrdgraph.graph_arguments(picture))
    except (rrdtool.OperationalError, rrdtool.ProgrammingError) as error:
        raise PermanentError(f"rrdtool cannot draw this: {error}") from None
    result = Picture(form=picture.form, data=drawn["image"])
    try:
        wire.encode(result)
    except wire.WireError:
        size = len(result.data)
        raise PermanentError(f"The picture has {size} bytes, too many to send; ask for a smaller one") from None
    return result


def _choose_graph(query: GraphQuery, held: Sequence[Series]) -> tuple[rrdgraph.Graph, list[Series]]:
    known: dict[str, rrdgraph.Graph] = {}
    having: dict[str, list[Series]] = {}
    for series in held:
        for graph in rrdgraph.graphs_for(series.layout.points):
            known.setdefault(graph.name, graph)
            having.setdefault(graph.name, []).append(series)
    order = [graph.name for graph in rrdgraph.GRAPHS if graph.name in known]
    order += [name for name in known if name not in order]
    name = query.graph or order[0]
    if name not in known:
        whose = f"Component {query.component!r} of {query.device!r}" if query.component else f"Device {query.device!r}"
        raise NotFoundError(f"{whose} has no graph {name!r}; it has: {named(order)}")
    return known[name], having[name]


def _candidates(
    query: GraphQuery, graph: rrdgraph.Graph, matching: Sequence[Series], now: float, *, whole_device: bool
) -> list[_Candidate]:
    candidates = []
    for series in matching:
        has = {point.name for point in series.layout.points}
        words = [(name, word) for name, word in graph.points if name in has]
        if whole_device:
            component = series.key.component
            called = query.shown.get(component, component) or series.key.source
            groups = [(tuple(name for name, _ in words), called)]
        else:
            several = len(matching) > 1
            groups = [((name,), f"{series.key.source} {word}" if several else word) for name, word in words]
        kept = kept_by(series)
        resolution_s = choose_resolution(
            kept, query.start, query.end, now, (query.end - query.start) // query.width, MAX_ROWS
        )
        _, names, rows = read(series, kept, "AVERAGE", query.start, query.end, resolution_s)
        pixels_s = MIN_BAR_PIXELS * (query.end - query.start) / query.width
        in_a_bar = max(1, math.ceil(pixels_s / resolution_s)) if graph.style is rrdgraph.Style.BARS else 0
        for points, label in groups:
            candidates.append(_measure(series, points, label, names, rows, resolution_s, in_a_bar))
    return candidates


def _measure(
    series: Series,
    points: tuple[str, ...],
    label: str,
    names: list[str],
    rows: list[list[float | None]],
    resolution_s: int,
    in_a_bar: int,
) -> _Candidate:
    """How large a series is in the picture; in bars, of so many rows each, what counts is their sum."""
    places = [names.index(point) for point in points if point in names]
    sums = []
    for row in rows:
        known = [value for place in places if (value := row[place]) is not None]
        if known:
            sums.append(sum(known))
    average = sum(sums) / len(sums) if sums else -math.inf
    if in_a_bar:
        sums = [sum(sums[i : i + in_a_bar]) * resolution_s for i in range(0, len(sums), in_a_bar)]
    drawn = rrdgraph.Drawn(path=series.file, label=label, points=points, known=bool(sums))
    peak = max((abs(value) for value in sums), default=0.0)
    return _Candidate(series, drawn, average, peak, in_a_bar * resolution_s)

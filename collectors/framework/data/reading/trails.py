"""How series went in a time, in a few figures for each point."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from collectors.framework.data.index import Series
from collectors.framework.data.reading.folding import Figure, fold, segments
from collectors.framework.data.reading.rows import rows_in, stored
from common.errors import PermanentError
from common.readings import Trail, Trails, TrailsQuery
from common.series import Point

MAX_VALUES = 12_000
"""In a page of trails: what fits one message of the wire, with names."""
MAX_NAMES = 60_000
BUDGET_S = 2.0


def trails_of(query: TrailsQuery, held: Sequence[Series], clock: Callable[[], float] = time.monotonic) -> Trails:
    """A page of trails of the points of a device; of a component that has none, an empty one."""
    found: list[Trail] = []
    seen = values = characters = 0
    end = clock() + BUDGET_S
    for series in held:
        if query.component not in {None, series.key.component}:
            continue
        points = [point for point in series.layout.points if not query.points or point.name in query.points]
        if seen + len(points) <= query.after or not points:
            seen += len(points)
            continue
        if found and (values >= MAX_VALUES or characters >= MAX_NAMES or clock() >= end):
            return Trails(trails=found, seen=seen, more=True)
        made = _trails(query, series, points)
        seen += len(points)
        found += made
        values += sum(len(trail.values) for trail in made)
        characters += sum(len(trail.component) + len(trail.source) + len(trail.unit) + 60 for trail in made)
    return Trails(trails=found, seen=seen, more=False)


def _trails(query: TrailsQuery, series: Series, points: Sequence[Point]) -> list[Trail]:
    """Of one file, all of its points at once; of a file that cannot be read, nothing is known."""
    step_s = series.layout.step_s
    bin_s = max(1, math.ceil((query.end - query.start) / query.bins / step_s)) * step_s
    last = -(-query.end // bin_s) * bin_s  # of the newest bin only a part may have been yet
    count = min(query.bins, max(1, (query.end - query.start) // bin_s))
    edges = range(last - count * bin_s, last + 1, bin_s)
    columns: list[list[Figure]] = []
    try:
        file = stored(series)
    except PermanentError:
        columns = [[None] * count for _ in points]
    else:
        named = [point.name for point in points if point.name in file.names]
        kept = [archive for archive in file.kept if archive[0] <= bin_s and bin_s % archive[0] == 0]
        reaching = [archive for archive in kept if file.oldest(archive[0]) <= edges[0]]
        parts = segments(reaching[-1:] or kept or file.kept, file.last, edges[0], edges[-1])
        rows = rows_in(series, file, "AVERAGE", parts, [file.names.index(name) for name in named])
        bins = [bin_.values for bin_ in fold("AVERAGE", rows, edges, len(named))]
        by_name = dict(zip(named, map(list, zip(*bins, strict=True)), strict=True))
        columns = [by_name.get(point.name) or [None] * count for point in points]
    return [
        Trail(
            component=series.key.component,
            source=series.key.source,
            point=point.name,
            unit=point.stored_unit,
            start=edges[0],
            bin_s=bin_s,
            values=[_short(value) for value in column],
        )
        for point, column in zip(points, columns, strict=True)
    ]


def _short(value: Figure) -> Figure:
    """To five digits, which is more than a small picture can show."""
    return None if value is None else float(f"{value:.5g}")

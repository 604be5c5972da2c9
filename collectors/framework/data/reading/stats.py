"""What a time comes to, for each point of a series."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.framework.data.index import Series
from collectors.framework.data.reading.fetching import is_rate, points_of, source_of
from collectors.framework.data.reading.folding import Figure, Segment, fold, percentiles, segments
from collectors.framework.data.reading.rows import Stored, rows_in, stored
from common.readings import PointStats, Stats, StatsQuery

NOTHING: tuple[Figure, Figure, Figure] = (None, None, None)
MAX_FIGURES = 3_000_000
"""Rows times points that are read for an answer; of more, coarser rows are taken."""


def stats_of(query: StatsQuery, held: Sequence[Series]) -> Stats:
    """Figures of a time, of the finest rows that there are of each part of it.

    Args:
        query: what is asked.
        held: the series of the component; there are some.

    Raises:
        NotFoundError: there is no such source, or no such point.
        PermanentError: the file cannot be read.
    """
    series = source_of(query.component, query.source, query.points, held)
    points = points_of(series, query.points)
    file = stored(series)
    names = [point.name for point in points if point.name in file.names]
    places = [file.names.index(name) for name in names]
    edges = (query.start, query.end)
    parts = _parts(file, query)
    low, high, average = (
        next(fold(cf, rows_in(series, file, cf, parts, places), edges, len(names))).values
        for cf in ("MIN", "MAX", "AVERAGE")
    )
    weighed: list[list[tuple[float, int]]] = [[] for _ in names]
    for at, step_s, figures in rows_in(series, file, "AVERAGE", parts, places):
        seconds = min(at, query.end) - max(at - step_s, query.start)
        if seconds > 0:
            for pile, figure in zip(weighed, figures, strict=True):
                if figure is not None:
                    pile.append((figure, seconds))
    extremes = dict(zip(names, zip(low, high, average, strict=True), strict=True))
    piles = dict(zip(names, weighed, strict=True))
    return Stats(
        points=[
            PointStats(
                point=point.name,
                unit=point.stored_unit,
                minimum=extremes.get(point.name, NOTHING)[0],
                maximum=extremes.get(point.name, NOTHING)[1],
                average=extremes.get(point.name, NOTHING)[2],
                total=_total(piles.get(point.name, ())) if is_rate(point) else None,
                known=sum(seconds for _, seconds in piles.get(point.name, ())) / (query.end - query.start),
                percentiles=percentiles(piles.get(point.name, ()), query.percentiles),
            )
            for point in points
        ],
        step_s=max((part.step_s for part in parts), default=file.kept[0][0]),
        start=query.start,
        end=query.end,
    )


def _parts(file: Stored, query: StatsQuery) -> list[Segment]:
    kept = list(file.kept)
    while True:
        parts = segments(kept, file.last, query.start, query.end)
        rows = sum((part.end - part.start) // part.step_s for part in parts)
        if rows * len(file.names) <= MAX_FIGURES or len(kept) == 1:
            return parts
        kept.pop(0)


def _total(pile: Sequence[tuple[float, int]]) -> Figure:
    return sum(figure * seconds for figure, seconds in pile) if pile else None

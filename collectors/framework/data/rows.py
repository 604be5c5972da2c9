"""Rows of a series, at the resolution that fits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import rrdtool

from collectors.framework.data.index import Series
from collectors.framework.data.naming import named
from common import rrd
from common.errors import NotFoundError, PermanentError
from common.queries import FetchQuery, Rows
from common.series import SeriesKey

MAX_ROWS = 5000
MAX_FIGURES = 20_000
"""Rows times points: what fits one message of the wire."""

Kept = Sequence[tuple[int, int]]
"""Seconds a row, and seconds kept, of each archive of a file, finest first."""


def fetch(query: FetchQuery, held: Sequence[Series], now: float) -> Rows:
    """Rows of one source of a component."""
    series = _source(query, held)
    names = [point.name for point in series.layout.points]
    wanted = query.points or names
    for name in wanted:
        if name not in names:
            raise NotFoundError(f"{whose(series.key)} has no point {name!r}; it has: {named(names)}")
    kept = kept_by(series)
    resolution_s = choose_resolution(
        kept, query.start, query.end, now, query.resolution_s, min(MAX_ROWS, MAX_FIGURES // len(wanted))
    )
    stamps, held_names, figures = read(series, kept, query.cf, query.start, query.end, resolution_s)
    places = [held_names.index(name) for name in wanted]
    units = {point.name: point.unit for point in series.layout.points}
    return Rows(
        points=list(wanted),
        units=[units[name] for name in wanted],
        step_s=resolution_s,
        start=query.start,
        end=query.end,
        cf=query.cf,
        rows=[(at, [row[place] for place in places]) for at, row in zip(stamps, figures, strict=True)],
    )


def _source(query: FetchQuery, held: Sequence[Series]) -> Series:
    """The source that is asked for; with an empty name the first that has all points."""
    for series in held:
        names = {point.name for point in series.layout.points}
        if series.key.source == query.source or (not query.source and names.issuperset(query.points)):
            return series
    if not query.source:
        return held[0]
    names_of = named(series.key.source for series in held)
    raise NotFoundError(
        f"Component {query.component!r} of {query.device!r} has no source {query.source!r}; it has: {names_of}"
    )


def whose(key: SeriesKey) -> str:
    """A series as a part of a sentence."""
    return f"Source {key.source!r} of component {key.component!r} of {key.device!r}"


def choose_resolution(kept: Kept, start: int, end: int, now: float, wanted_s: int | None, max_rows: int) -> int:
    """The seconds a row to read: one that the file keeps, reaches back to the start, and gives few enough rows.

    Without a wish the finest such one, else the nearest to the wish.
    """
    few = [(seconds, span) for seconds, span in kept if (end - start) / seconds + 1 <= max_rows] or [kept[-1]]
    fitting = [seconds for seconds, span in few if now - span <= start] or [few[-1][0]]
    return min(fitting, key=lambda seconds: abs(seconds - wanted_s)) if wanted_s else fitting[0]


def kept_by(series: Series) -> Kept:
    """What the file of a series keeps: what it got when it was created."""
    try:
        return rrd.held_resolutions(rrdtool.info(series.file))
    except rrdtool.OperationalError as error:
        raise unreadable(series, error) from None


def unreadable(series: Series, error: Exception) -> PermanentError:
    """The error of a file that rrdtool cannot read."""
    return PermanentError(f"{whose(series.key)} cannot be read: {error}")


def read(
    series: Series, kept: Kept, cf: str, start: int, end: int, resolution_s: int
) -> tuple[list[int], list[str], list[list[float | None]]]:
    """Rows stamped from start to end; older ones than the file keeps are left out."""
    kept_s = max(span for _, span in kept)
    start = max(start, end - kept_s - resolution_s)
    options = [cf, "--resolution", str(resolution_s), "--start", str(max(0, start - 1)), "--end", str(end)]
    try:
        (begin, _, step_s), names, rows = rrdtool.fetch(series.file, *options)
    except rrdtool.OperationalError as error:
        raise unreadable(series, error) from None
    stamps = [begin + step_s * (i + 1) for i in range(len(rows))]
    places = [i for i, at in enumerate(stamps) if start <= at <= end]
    return [stamps[i] for i in places], list(names), [[_finite(value) for value in rows[i]] for i in places]


def _finite(value: Any) -> float | None:
    return value if value is not None and math.isfinite(value) else None

"""Rows of a series that somebody asked for: at which resolution, made of which archives, and in pages."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, pairwise

from msgspec import Struct

from collectors.framework.data.copies import copies_of
from collectors.framework.data.index import Series
from collectors.framework.data.reading.folding import Bin, Figure, Row, fold, grid, segments
from collectors.framework.data.reading.naming import named
from collectors.framework.data.reading.rows import (
    MAX_FIGURES,
    MAX_ROWS,
    Stored,
    choose_resolution,
    rows_in,
    stored,
    whose,
)
from common import rrd
from common.errors import NotFoundError, PermanentError
from common.queries import FetchQuery, Rows
from common.series import Kind, Point

BUDGET_S = 2.0
"""Of a page; it ends early when making it takes longer."""


def fetch(query: FetchQuery, held: Sequence[Series], now: float, clock: Callable[[], float] = time.monotonic) -> Rows:
    """Rows of one source of a component; a page of them."""
    series = source_of(query.component, query.source, query.points, held)
    points = points_of(series, query.points)
    if query.cf == "SUM":
        _check_rates(points)
    question = _Question(series, [point.name for point in points], query.cf)
    copies = copies_in(series, query.start, query.end)
    main = stored(series)
    most = min(MAX_ROWS, MAX_FIGURES // len(points))
    edges: Sequence[int]
    if query.edges:
        _check_edges(query.edges)
        step_s, edges = 0, [edge for edge in query.edges if edge > query.after]
        edges = [*query.edges[: len(query.edges) - len(edges)][-1:], *edges]
    else:
        step_s = _resolution(query, series, [main, *copies], now, most)
        start = max(query.start, query.after + 1)
        if query.paged:
            start = max(start, min([series.first, *(copy.oldest(copy.kept[-1][0]) for copy in copies)]))
        else:
            start = max(start, query.end - max(span for _, span in main.kept) - step_s)
        edges = grid(step_s, start, query.end)
    in_pages = query.paged or bool(query.edges)
    bins = list(
        _until(_bins(question, main, edges[: most + 1], step_s), clock, clock() + BUDGET_S if in_pages else math.inf)
    )
    filled = 0
    for copy in copies:
        filled += _fill(question, copy, bins, step_s)
    end = bins[-1].end if bins else query.end
    more = bool(bins) and end < edges[-1]
    return Rows(
        points=question.names,
        units=[point.unit.removesuffix("/s") if query.cf == "SUM" else point.stored_unit for point in points],
        step_s=step_s,
        start=query.start,
        end=query.end,
        cf=query.cf,
        rows=[(bin_.end, bin_.values) for bin_ in bins],
        more=more and in_pages,
        next=end,
        known=[[known_s / (bin_.end - bin_.start) for known_s in bin_.known_s] for bin_ in bins] if query.edges else [],
        inexact_until=max((bin_.end for bin_ in bins if not bin_.exact), default=0),
        from_copies=filled,
    )


def source_of(component: str, source: str, points: Sequence[str], held: Sequence[Series]) -> Series:
    """The source that is asked for; with an empty name the first that has all points.

    Args:
        component: what it is of.
        source: its name.
        points: that it is to have.
        held: the series of the component; there are some.

    Raises:
        NotFoundError: there is none.
    """
    for series in held:
        names = {point.name for point in series.layout.points}
        if series.key.source == source or (not source and names.issuperset(points)):
            return series
    if not source:
        return held[0]
    names_of = named(series.key.source for series in held)
    raise NotFoundError(
        f"Component {component!r} of {held[0].key.device!r} has no source {source!r}; it has: {names_of}"
    )


def points_of(series: Series, wanted: Sequence[str]) -> list[Point]:
    """Those that are asked for; all of them where none is.

    Raises:
        NotFoundError: there is none of a name.
    """
    known = {point.name: point for point in series.layout.points}
    for name in wanted:
        if name not in known:
            raise NotFoundError(f"{whose(series.key)} has no point {name!r}; it has: {named(known)}")
    return [known[name] for name in wanted or known]


def is_rate(point: Point) -> bool:
    """Whether its rows are so much a second, of which a time has a sum."""
    return point.kind is not Kind.GAUGE or point.unit.endswith(("/s", " per second"))


def copies_in(series: Series, start: int, end: int) -> list[Stored]:
    """Copies that were kept of outages and have something of a time; one that cannot be read is left out."""
    found = []
    for copy in copies_of(series.file):
        if copy.first <= end and copy.last >= start:
            with contextlib.suppress(PermanentError):
                found.append(stored(series, copy.path))
    return found


class _Question(Struct, frozen=True):
    series: Series
    names: list[str]
    cf: str

    @property
    def archive(self) -> str:
        """Which rows are made into others."""
        return self.cf if self.cf in rrd.CONSOLIDATIONS else "AVERAGE"


def _check_rates(points: Sequence[Point]) -> None:
    wrong = [point.name for point in points if not is_rate(point)]
    if wrong:
        right = [point.name for point in points if is_rate(point)]
        hint = f"ask for {named(right)} alone" if right else "ask for AVERAGE"
        raise PermanentError(f"A sum over time is of rates, which {named(wrong)} is not; {hint}")


def _check_edges(edges: Sequence[int]) -> None:
    if len(edges) < 2 or any(low >= high for low, high in pairwise(edges)):
        raise PermanentError("The edges of rows are two or more epoch seconds, each later than the one before")


def _resolution(query: FetchQuery, series: Series, files: Sequence[Stored], now: float, most: int) -> int:
    """The seconds a row: as wished where something so fine reaches back to the start, else the finest that does."""
    main = files[0]
    wanted = query.resolution_s
    if not (query.paged and wanted):
        return choose_resolution(main.kept, query.start, query.end, now, wanted, most)
    start = max(query.start, series.first - series.layout.step_s)
    reaching = [step_s for step_s, _ in main.kept if main.oldest(step_s) <= start]
    for copy in files[1:]:
        if copy.last >= query.end:
            reaching += [step_s for step_s, _ in copy.kept if copy.oldest(step_s) <= query.start]
    finest = min(reaching, default=main.kept[-1][0])
    step_s = series.layout.step_s
    return finest if wanted <= finest else -(-wanted // step_s) * step_s


def _bins(question: _Question, file: Stored, edges: Sequence[int], step_s: int) -> Iterator[Bin]:
    """What a file has of each time between two edges, of rows that are no coarser than a given resolution."""
    names = [name for name in question.names if name in file.names]
    places = [file.names.index(name) for name in names]
    if len(edges) < 2:
        return
    kept = [archive for archive in file.kept if archive[0] <= step_s] if step_s else file.kept
    own = [archive for archive in kept if archive[0] == step_s]
    if own and question.cf in rrd.CONSOLIDATIONS and file.oldest(step_s) <= edges[0]:
        kept = own
    parts = segments(kept, file.last, edges[0], edges[-1])
    rows: Iterator[Row] = rows_in(question.series, file, question.archive, parts, places)
    for bin_ in fold(question.cf, rows, edges, len(places)):
        if len(names) == len(question.names):
            yield bin_
            continue
        values, known = dict(zip(names, bin_.values, strict=True)), dict(zip(names, bin_.known_s, strict=True))
        every: list[Figure] = [values.get(name) for name in question.names]
        yield Bin(bin_.start, bin_.end, every, [known.get(name, 0) for name in question.names], bin_.exact)


def _until(bins: Iterator[Bin], clock: Callable[[], float], end: float) -> Iterator[Bin]:
    for bin_ in bins:
        yield bin_
        if clock() >= end:
            return


def _fill(question: _Question, copy: Stored, bins: list[Bin], step_s: int) -> int:
    """Put in what only a copy has; tell how many rows that were."""
    empty = [place for place, bin_ in enumerate(bins) if not any(bin_.known_s) and bin_.start < copy.last]
    if not empty or (step_s and step_s < copy.kept[0][0]):
        return 0
    edges = [bins[empty[0]].start, *(bin_.end for bin_ in islice(bins, empty[0], empty[-1] + 1))]
    found = list(_bins(question, copy, edges, step_s))
    filled = 0
    for place in empty:
        other = found[place - empty[0]]
        if any(other.known_s):
            bins[place] = other
            filled += 1
    return filled

"""What the reader process answers: lists of series, rows, pictures, from the RRD folder.

The current directory is the RRD folder, so that every path that rrdtool sees is made of hex digits alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import rrdtool
from msgspec import Struct

from collectors.framework.data.index import Series, read_device, read_devices
from common import rrd, rrdgraph, wire
from common.errors import NotFoundError, PermanentError
from common.queries import FetchQuery, GraphQuery, LastValue, Listing, ListQuery, Picture, Rows
from common.series import Layout, Number, SeriesKey

MAX_ROWS = 5000
MAX_FIGURES = 20_000
"""Rows times points: what fits one message of the wire."""
MAX_LISTED = 500
MAX_LISTED_CHARACTERS = 100_000
MAX_NAMED = 20
LATEST_END = 2**33
MIN_BAR_PIXELS = 4


Kept = Sequence[tuple[int, int]]
"""Seconds a row, and seconds kept, of each archive of a file, finest first."""


class Live(Struct, frozen=True):
    """The newest sample of a series, from the daemon's memory."""

    key: SeriesKey
    layout: Layout
    at: int
    values: list[Number | None]


class Request(Struct, frozen=True):
    """A question to the reader process."""

    query: ListQuery | FetchQuery | GraphQuery
    live: list[Live]


def answer(root: Path, request: Request, now: float) -> Listing | Rows | Picture:
    """Answer a question.

    Raises:
        NotFoundError: a name that stands for nothing, with those that exist.
        PermanentError: a question that makes no sense.
    """
    query = request.query
    held = read_device(root, query.device)
    if isinstance(query, ListQuery):
        return _list(query, held, request.live, root)
    least_s = 0 if isinstance(query, FetchQuery) else 1
    if not 0 <= query.start <= query.end - least_s <= LATEST_END:
        raise PermanentError(f"The range from {query.start} to {query.end} is none; the start must lie before the end")
    if isinstance(query, FetchQuery):
        return _fetch(query, _component(query.device, query.component, held, root), now)
    if query.component is not None:
        return _graph(query, _component(query.device, query.component, held, root), now, whole_device=False)
    if not held:
        raise _unknown_device(query.device, root)
    return _graph(query, held, now, whole_device=True)


# --- names ------------------------------------------------------------------------------------------------------------


def _named(names: Iterable[str]) -> str:
    """Names as a part of a sentence, not too many."""
    different = list(dict.fromkeys(names))
    shown = ", ".join(rrdgraph.plain(name)[:80] or "(none)" for name in different[:MAX_NAMED])
    more = f" and {len(different) - MAX_NAMED} more" if len(different) > MAX_NAMED else ""
    return f"{shown}{more}" if different else "none yet"


def _unknown_device(device: str, root: Path) -> NotFoundError:
    names = _named(read_devices(root, MAX_NAMED + 1))
    return NotFoundError(f"No series of a device {device!r} are kept here; devices with series: {names}")


def _component(device: str, component: str, held: Sequence[Series], root: Path) -> list[Series]:
    if not held:
        raise _unknown_device(device, root)
    found = [series for series in held if series.key.component == component]
    if not found:
        names = _named(series.key.component for series in held)
        raise NotFoundError(f"Device {device!r} has no series of a component {component!r}; it has: {names}")
    return found


# --- list -------------------------------------------------------------------------------------------------------------


def _list(query: ListQuery, held: Sequence[Series], live: Sequence[Live], root: Path) -> Listing:
    if not held and not live:
        raise _unknown_device(query.device, root)
    newest = {entry.key: entry for entry in live}
    files = {series.key: series for series in held}
    keys = sorted({*newest, *files})
    if query.component is not None:
        keys = [key for key in keys if key.component == query.component]
        if not keys:
            names = _named(key.component for key in sorted({*newest, *files}))
            raise NotFoundError(
                f"Device {query.device!r} has no series of a component {query.component!r}; it has: {names}"
            )
    values: list[LastValue] = []
    seen = characters = 0
    for key in keys:
        layout = newest[key].layout if key in newest else files[key].layout
        if seen + len(layout.points) <= query.after:
            seen += len(layout.points)
            continue
        if len(values) >= MAX_LISTED or characters >= MAX_LISTED_CHARACTERS:
            return Listing(values=values, more=True)
        rows = _last_values(newest.get(key), files.get(key))
        rows = rows[max(0, query.after - seen) :]
        seen += len(layout.points)
        values += rows
        characters += sum(len(row.component) + len(row.source) + 100 for row in rows)
    return Listing(values=values, more=False)


def _last_values(live: Live | None, series: Series | None) -> list[LastValue]:
    if live is not None:
        key, layout, at, values = live.key, live.layout, live.at, live.values
    else:
        assert series is not None
        key, layout = series.key, series.layout
        at, values = _last_of_file(series)
    return [
        LastValue(
            component=key.component,
            source=key.source,
            point=point.name,
            kind=point.kind.value,
            unit=point.unit,
            step_s=layout.step_s,
            at=at or None,
            value=value,
            first=series.first if series is not None else None,
        )
        for point, value in zip(layout.points, values, strict=True)
    ]


def _last_of_file(series: Series) -> tuple[int, list[Number | None]]:
    try:
        info = rrdtool.info(series.file)
    except rrdtool.OperationalError:  # named, but not created yet: the disk is full
        return 0, [None] * len(series.layout.points)
    return int(info["last_update"]), [_number(info.get(f"ds[{p.name}].last_ds", "U")) for p in series.layout.points]


def _number(text: str) -> Number | None:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


# --- rows -------------------------------------------------------------------------------------------------------------


def _fetch(query: FetchQuery, held: Sequence[Series], now: float) -> Rows:
    series = _source(query, held)
    names = [point.name for point in series.layout.points]
    wanted = query.points or names
    for name in wanted:
        if name not in names:
            raise NotFoundError(f"{_whose(series.key)} has no point {name!r}; it has: {_named(names)}")
    kept = _kept(series)
    resolution_s = choose_resolution(
        kept, query.start, query.end, now, query.resolution_s, min(MAX_ROWS, MAX_FIGURES // len(wanted))
    )
    stamps, held_names, figures = _read(series, kept, query.cf, query.start, query.end, resolution_s)
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
    names_of = _named(series.key.source for series in held)
    raise NotFoundError(
        f"Component {query.component!r} of {query.device!r} has no source {query.source!r}; it has: {names_of}"
    )


def _whose(key: SeriesKey) -> str:
    return f"Source {key.source!r} of component {key.component!r} of {key.device!r}"


def choose_resolution(kept: Kept, start: int, end: int, now: float, wanted_s: int | None, max_rows: int) -> int:
    """The seconds a row to read: one that the file keeps, reaches back to the start, and gives few enough rows.

    Without a wish the finest such one, else the nearest to the wish.
    """
    few = [(seconds, span) for seconds, span in kept if (end - start) / seconds + 1 <= max_rows] or [kept[-1]]
    fitting = [seconds for seconds, span in few if now - span <= start] or [few[-1][0]]
    return min(fitting, key=lambda seconds: abs(seconds - wanted_s)) if wanted_s else fitting[0]


def _kept(series: Series) -> Kept:
    """What the file of a series keeps: what it got when it was created."""
    try:
        return rrd.held_resolutions(rrdtool.info(series.file))
    except rrdtool.OperationalError as error:
        raise _unreadable(series, error) from None


def _unreadable(series: Series, error: Exception) -> PermanentError:
    return PermanentError(f"{_whose(series.key)} cannot be read: {error}")


def _read(
    series: Series, kept: Kept, cf: str, start: int, end: int, resolution_s: int
) -> tuple[list[int], list[str], list[list[float | None]]]:
    """Rows stamped from start to end; older ones than the file keeps are left out."""
    kept_s = max(span for _, span in kept)
    start = max(start, end - kept_s - resolution_s)
    options = [cf, "--resolution", str(resolution_s), "--start", str(max(0, start - 1)), "--end", str(end)]
    try:
        (begin, _, step_s), names, rows = rrdtool.fetch(series.file, *options)
    except rrdtool.OperationalError as error:
        raise _unreadable(series, error) from None
    stamps = [begin + step_s * (i + 1) for i in range(len(rows))]
    places = [i for i, at in enumerate(stamps) if start <= at <= end]
    return [stamps[i] for i in places], list(names), [[_finite(value) for value in rows[i]] for i in places]


def _finite(value: Any) -> float | None:
    return value if value is not None and math.isfinite(value) else None


# --- picture ----------------------------------------------------------------------------------------------------------


class _Candidate(Struct):
    series: Series
    drawn: rrdgraph.Drawn
    average: float
    peak: float
    bar_s: int


def _graph(query: GraphQuery, held: Sequence[Series], now: float, *, whole_device: bool) -> Picture:
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
        raise NotFoundError(f"{whose} has no graph {name!r}; it has: {_named(order)}")
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
        kept = _kept(series)
        resolution_s = choose_resolution(
            kept, query.start, query.end, now, (query.end - query.start) // query.width, MAX_ROWS
        )
        _, names, rows = _read(series, kept, "AVERAGE", query.start, query.end, resolution_s)
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

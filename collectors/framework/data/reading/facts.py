"""What is kept of the series of a device: in memory, in files, in copies."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from collectors.framework.data.copies import copies_of
from collectors.framework.data.index import Series
from collectors.framework.data.reading.folding import Segment
from collectors.framework.data.reading.listing import Live, last_number
from collectors.framework.data.reading.naming import named, unknown_device
from collectors.framework.data.reading.rows import Stored, rows_in, stored
from common.errors import NotFoundError, PermanentError
from common.readings import (
    ArchiveFacts,
    CopyFacts,
    InfoQuery,
    PointFacts,
    SeriesFacts,
    SeriesInfo,
    SeriesPage,
    SeriesQuery,
)
from common.series import Kind, Layout, Point, SeriesKey

MAX_SERIES = 200
MAX_POINTS = 1000
"""In a page."""
LOOK_ROWS = 64
"""Read at first, at either end of an archive; then four times as many, and so on."""
BUDGET_S = 2.0
LATE_STEPS, LATE_S = 3, 60
"""A series whose newest sample is older than so many steps and seconds is not collected any more."""
_HEADER = ("rrd_version", "step", "last_update", "header_size")


def series_of(
    query: SeriesQuery,
    held: Sequence[Series],
    live: Sequence[Live],
    now: float,
    clock: Callable[[], float] = time.monotonic,
) -> SeriesPage:
    """A page of what is kept of the series of a device; of one that has none, an empty one.

    Raises:
        NotFoundError: the device has series, but none of this component.
    """
    newest, files = {entry.key: entry for entry in live}, {series.key: series for series in held}
    every = sorted({*newest, *files})
    keys = [key for key in every if query.component in {None, key.component}]
    if every and not keys:
        raise _none_of(query.device, query.component, every)
    found: list[SeriesFacts] = []
    points, end = 0, clock() + BUDGET_S
    for key in keys[query.after :]:
        if len(found) >= MAX_SERIES or points >= MAX_POINTS or (found and clock() >= end):
            return SeriesPage(series=found, more=True)
        facts, _ = _facts(newest.get(key), files.get(key), now, whole=False)
        found.append(facts)
        points += len(facts.points)
    return SeriesPage(series=found, more=False)


def info_of(query: InfoQuery, held: Sequence[Series], live: Sequence[Live], root: Path, now: float) -> SeriesInfo:
    """All about one series.

    Raises:
        NotFoundError: there is none of this component, or of this source.
    """
    newest, files = {entry.key: entry for entry in live}, {series.key: series for series in held}
    every = sorted({*newest, *files})
    if not every:
        raise unknown_device(query.device, root)
    keys = [key for key in every if key.component == query.component]
    if not keys:
        raise _none_of(query.device, query.component, every)
    chosen = next((key for key in keys if query.source in {"", key.source}), None)
    if chosen is None:
        has = named(key.source for key in keys)
        raise NotFoundError(
            f"Component {query.component!r} of {query.device!r} has no source {query.source!r}; it has: {has}"
        )
    series = files.get(chosen)
    facts, file = _facts(newest.get(chosen), series, now, whole=True)
    if series is None or file is None:
        return SeriesInfo(facts=facts)
    header = {name: file.info[name] for name in _HEADER if name in file.info}
    return SeriesInfo(facts=facts, file=str(root / series.file), header=header)


def _none_of(device: str, component: str | None, every: Iterable[SeriesKey]) -> NotFoundError:
    has = named(key.component for key in every)
    return NotFoundError(f"Device {device!r} has no series of a component {component!r}; it has: {has}")


def _facts(live: Live | None, series: Series | None, now: float, *, whole: bool) -> tuple[SeriesFacts, Stored | None]:
    key, layout = _whose(live, series)
    file, problem = None, ""
    if series is not None and Path(series.file).exists():  # else named, but not created yet: the disk is full
        try:
            file = stored(series)
        except PermanentError as error:
            problem = error.message
    info = file.info if file is not None else {}
    values = (
        (live.measured or live.values) if live is not None else [_last_value(info, point) for point in layout.points]
    )
    newest = (live.at if live is not None else 0) or (file.last if file is not None else 0)
    facts = SeriesFacts(
        component=key.component,
        source=key.source,
        points=[
            PointFacts(
                name=point.name,
                kind=point.kind.value,
                unit=point.unit,
                minimum=_bound(info, point.name, "min"),
                maximum=_bound(info, point.name, "max"),
                heartbeat_s=info.get(f"ds[{point.name}].minimal_heartbeat") if whole else None,
                value=value if whole else None,
            )
            for point, value in zip(layout.points, values, strict=True)
        ],
        step_s=layout.step_s,
        live_at=live.at or None if live is not None else None,
        first=series.first if series is not None and file is not None else None,
        last=file.last if file is not None else None,
        archives=_archives(series, file, whole=whole) if series is not None and file is not None else [],
        size_bytes=_size(series.file) if series is not None else 0,
        copies=[
            CopyFacts(first=copy.first, last=copy.last, size_bytes=_size(copy.path)) for copy in copies_of(series.file)
        ]
        if series is not None
        else [],
        collected=newest > 0 and now - newest <= LATE_STEPS * layout.step_s + LATE_S,
        problem=problem,
    )
    return facts, file


def _whose(live: Live | None, series: Series | None) -> tuple[SeriesKey, Layout]:
    if live is not None:
        return live.key, live.layout
    assert series is not None
    return series.key, series.layout


def _archives(series: Series, file: Stored, *, whole: bool) -> list[ArchiveFacts]:
    """Each resolution; rows are looked for among those that the file can have by its first sample."""
    found = []
    for step_s, keeps_s in file.kept:
        end = file.last // step_s * step_s
        begin = max(file.oldest(step_s), (series.first - 1) // step_s * step_s)
        span = Segment(step_s, begin, max(begin, end))
        first = _first_known(series, file, span)
        found.append(
            ArchiveFacts(
                resolution_s=step_s,
                keeps_s=keeps_s,
                first=first,
                last=_last_known(series, file, span) if first is not None else None,
                rows=keeps_s // step_s,
                known=_known(series, file, span) if whole else [],
            )
        )
    return found


def _first_known(series: Series, file: Stored, span: Segment) -> int | None:
    """Stamp of the oldest row of which something is known; most files have one at the beginning."""
    at, rows = span.start, LOOK_ROWS
    while at < span.end:
        to = min(span.end, at + rows * span.step_s)
        found = _stamps(series, file, Segment(span.step_s, at, to))
        if found:
            return found[0]
        at, rows = to, rows * 4
    return None


def _last_known(series: Series, file: Stored, span: Segment) -> int | None:
    """Stamp of the newest such row; most files have one at the end."""
    at, rows = span.end, LOOK_ROWS
    while at > span.start:
        from_ = max(span.start, at - rows * span.step_s)
        found = _stamps(series, file, Segment(span.step_s, from_, at))
        if found:
            return found[-1]
        at, rows = from_, rows * 4
    return None


def _stamps(series: Series, file: Stored, part: Segment) -> list[int]:
    rows = rows_in(series, file, "AVERAGE", [part], range(len(file.names)))
    return [at for at, _, figures in rows if any(figure is not None for figure in figures)]


def _known(series: Series, file: Stored, span: Segment) -> list[float]:
    """For each point the share of the rows that are known."""
    sums, rows = [0] * len(file.names), 0
    for _, _, figures in rows_in(series, file, "AVERAGE", [span], range(len(file.names))):
        rows += 1
        sums = [total + (figure is not None) for total, figure in zip(sums, figures, strict=True)]
    shares = dict(zip(file.names, (total / rows if rows else 0.0 for total in sums), strict=True))
    return [round(shares.get(point.name, 0.0), 6) for point in series.layout.points]


def _last_value(info: Any, point: Point) -> int | float | None:
    """As measured: a file has no counts, but rates."""
    return None if point.kind is Kind.COUNTER else last_number(info.get(f"ds[{point.name}].last_ds", "U"))


def _bound(info: Any, point: str, which: str) -> float | None:
    value = info.get(f"ds[{point}].{which}")
    return value if isinstance(value, float) and value == value else None  # noqa: PLR0124 - NaN


def _size(file: str) -> int:
    try:
        return Path(file).stat().st_size
    except OSError:
        return 0

"""The JSON shapes of series, as docs/contract.md fixes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from common.queries import FetchQuery, LastValue, Rows
from common.readings import (
    ArchiveFacts,
    PointFacts,
    PointStats,
    SeriesFacts,
    SeriesInfo,
    Stats,
    StatsQuery,
    Trail,
)
from hub.data.series import Told
from hub.web.shapes import Series, Value, iso, series_shapes, value_shape


class Values(Struct, frozen=True, kw_only=True):
    """Last values; `stale`: the collector, or a daemon of it, is away, and what that one has was heard at `as_of`.

    `problem` says why; each value tells whether it is one of these.
    """

    device: str
    values: list[Value]
    stale: bool = False
    as_of: str | None = None
    problem: str = ""


def values_shape(device: str, told: Told[list[LastValue]], now: float) -> Values:
    """Shape last values."""
    values = []
    for value in told.found:
        daemon = told.daemons.get((value.component, value.source), "")
        values.append(value_shape(value, now, daemon, stale=_is_stale(told, daemon)))
    return Values(device=device, values=values, stale=told.stale, as_of=iso(told.as_of), problem=told.problem)


class Archive(Struct, frozen=True, kw_only=True):
    """One resolution; `first` and `last` are null while nothing is known in it.

    `known` has by point the share of its rows in which something is known, since the series began; only in Info.
    """

    resolution_s: int
    keeps_s: int
    rows: int
    first: str | None
    last: str | None
    known: dict[str, float]


class OutageCopy(Struct, frozen=True, kw_only=True):
    """Rows at full step that were kept when an outage began."""

    first: str | None
    last: str | None
    size_bytes: int


class PointRow(Struct, frozen=True, kw_only=True):
    """A point; `heartbeat_s` and `value` only in Info."""

    point: str
    kind: str
    unit: str
    minimum: float | None
    maximum: float | None
    heartbeat_s: int | None
    value: int | float | None


class KeptSeries(Struct, frozen=True, kw_only=True):
    """What is kept of a series.

    Attributes:
        live_at: newest sample since the collector was started; null: none yet.
        first, last: samples in its file; null: there is no file yet.
        full_step: the archive at full step; null: there is no file yet.
        archives: the others.
        collected: samples keep coming.
        problem: why its file cannot be read; empty when it can.
        daemon: which of the collector's has it; empty where that is not known.
        stale: that one is away, and this was heard of it.
    """

    component: str
    source: str
    points: list[PointRow]
    step_s: int
    live_at: str | None
    first: str | None
    last: str | None
    full_step: Archive | None
    archives: list[Archive]
    size_bytes: int
    copies: list[OutageCopy]
    collected: bool
    problem: str
    daemon: str = ""
    stale: bool = False


class Kept(Struct, frozen=True, kw_only=True):
    """What is kept of a device; `stale`, `as_of` and `problem` as in Values."""

    device: str
    series: list[KeptSeries]
    stale: bool
    as_of: str | None
    problem: str


def kept_shape(device: str, told: Told[list[SeriesFacts]]) -> Kept:
    """Shape what is kept."""
    return Kept(
        device=device,
        series=[
            _series(
                facts, daemon := told.daemons.get((facts.component, facts.source), ""), stale=_is_stale(told, daemon)
            )
            for facts in told.found
        ],
        stale=told.stale,
        as_of=iso(told.as_of),
        problem=told.problem,
    )


class Info(Struct, frozen=True, kw_only=True):
    """All about a series; `file` is its path on the collector, `header` what rrdtool says of it."""

    device: str
    series: KeptSeries
    file: str
    header: dict[str, str | int | float]


def info_shape(device: str, info: SeriesInfo, daemon: str) -> Info:
    """Shape all about a series."""
    series = _series(info.facts, daemon)
    return Info(device=device, series=series, file=info.file, header=info.header)


def _is_stale(told: Told[Any], daemon: str) -> bool:
    return told.stale and (not told.away or daemon in told.away)


def _series(facts: SeriesFacts, daemon: str, *, stale: bool = False) -> KeptSeries:
    points = [point.name for point in facts.points]
    archives = [_archive(archive, points) for archive in facts.archives]
    return KeptSeries(
        component=facts.component,
        source=facts.source,
        points=[_point(point) for point in facts.points],
        step_s=facts.step_s,
        live_at=iso(facts.live_at),
        first=iso(facts.first),
        last=iso(facts.last),
        full_step=next((archive for archive in archives if archive.resolution_s == facts.step_s), None),
        archives=[archive for archive in archives if archive.resolution_s != facts.step_s],
        size_bytes=facts.size_bytes,
        copies=[
            OutageCopy(first=iso(copy.first), last=iso(copy.last), size_bytes=copy.size_bytes) for copy in facts.copies
        ],
        collected=facts.collected and not stale,
        problem=facts.problem,
        daemon=daemon,
        stale=stale,
    )


def _point(point: PointFacts) -> PointRow:
    return PointRow(
        point=point.name,
        kind=point.kind,
        unit=point.unit,
        minimum=point.minimum,
        maximum=point.maximum,
        heartbeat_s=point.heartbeat_s,
        value=point.value,
    )


def _archive(archive: ArchiveFacts, points: Sequence[str]) -> Archive:
    return Archive(
        resolution_s=archive.resolution_s,
        keeps_s=archive.keeps_s,
        rows=archive.rows,
        first=iso(archive.first),
        last=iso(archive.last),
        known=dict(zip(points, archive.known, strict=False)),
    )


class Leaf(Struct, frozen=True, kw_only=True):
    """What a row by the calendar is of: from `start` to `end`, epoch seconds; `complete`: it is over."""

    name: str
    start: int
    end: int
    hours: float
    complete: bool


class Fetched(Struct, frozen=True, kw_only=True):
    """Rows of one source, by point.

    Attributes:
        step_s: seconds a row; 0 for rows by the calendar.
        by, tz, bins: of rows by the calendar, `bins` in the order of the rows.
        next: with it as `after` the page that follows is asked for; null for the last.
        inexact_until: rows up to then are in part of coarser ones that lie across their ends; null for none.
    """

    device: str
    component: str
    source: str
    cf: str
    step_s: int
    start: int
    end: int
    series: list[Series]
    by: str | None = None
    tz: str | None = None
    bins: list[Leaf] = []
    next: int | None = None
    inexact_until: int | None = None


def fetched_shape(query: FetchQuery, rows: Rows, leaves: Sequence[Leaf], by: str | None, zone: str) -> Fetched:
    """Shape what a fetch found."""
    return Fetched(
        device=query.device,
        component=query.component,
        source=query.source,
        cf=rows.cf,
        step_s=rows.step_s,
        start=rows.start,
        end=rows.end,
        series=series_shapes(query.device, query.component, query.source, rows),
        by=by,
        tz=zone if by else None,
        bins=list(leaves),
        next=rows.next if rows.more else None,
        inexact_until=rows.inexact_until or None,
    )


class Statistics(Struct, frozen=True, kw_only=True):
    """What a time comes to; `resolution_s` is the coarsest that some of it was read at."""

    device: str
    component: str
    start: int
    end: int
    resolution_s: int
    points: list[PointStatistics]


class PointStatistics(Struct, frozen=True, kw_only=True):
    """Of one point; `total` is null for what is no rate, all figures where nothing is known."""

    point: str
    unit: str
    minimum: float | None
    average: float | None
    maximum: float | None
    percentiles: dict[str, float | None]
    total: float | None
    known: float


def statistics_shape(query: StatsQuery, stats: Stats) -> Statistics:
    """Shape figures of a time."""
    return Statistics(
        device=query.device,
        component=query.component,
        start=stats.start,
        end=stats.end,
        resolution_s=stats.step_s,
        points=[_statistics(point, query.percentiles) for point in stats.points],
    )


def _statistics(point: PointStats, percentiles: Sequence[float]) -> PointStatistics:
    return PointStatistics(
        point=point.point,
        unit=point.unit,
        minimum=point.minimum,
        average=point.average,
        maximum=point.maximum,
        percentiles={f"{share:g}": value for share, value in zip(percentiles, point.percentiles, strict=False)},
        total=point.total,
        known=round(point.known, 6),
    )


class Sparkline(Struct, frozen=True, kw_only=True):
    """How a point went: averages of `step_s` seconds each, the first from `start` on; null is a gap."""

    component: str
    source: str
    point: str
    unit: str
    start: int
    step_s: int
    minimum: float | None
    maximum: float | None
    values: list[float | None]


def sparkline_shape(trail: Trail) -> Sparkline:
    """Shape how a point went."""
    known = [value for value in trail.values if value is not None]
    return Sparkline(
        component=trail.component,
        source=trail.source,
        point=trail.point,
        unit=trail.unit,
        start=trail.start,
        step_s=trail.bin_s,
        minimum=min(known, default=None),
        maximum=max(known, default=None),
        values=trail.values,
    )


class Sparklines(Struct, frozen=True, kw_only=True):
    """How points of a device went between two epoch seconds."""

    device: str
    start: int
    end: int
    sparklines: list[Sparkline]

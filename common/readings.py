"""What a hub asks about series beyond rows and last values, and the answers."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from common.names import DeviceId
from common.series import Number

MAX_BINS = 120
Percentile = Annotated[float, Meta(ge=0, le=100)]


class SeriesQuery(Struct, frozen=True, tag=True, kw_only=True):
    """Which series of a device there are, and what is kept of each; a page of it."""

    device: DeviceId
    component: str | None = None
    after: Annotated[int, Meta(ge=0)] = 0


class InfoQuery(Struct, frozen=True, tag=True, kw_only=True):
    """All about one series; an empty source is the first of the component."""

    device: DeviceId
    component: str
    source: str = ""


class StatsQuery(Struct, frozen=True, tag=True, kw_only=True):
    """Figures about a series in a time: the best that is kept of each part of it."""

    device: DeviceId
    component: str
    source: str
    points: Annotated[list[str], Meta(max_length=100)] = []
    start: int
    end: int
    percentiles: Annotated[tuple[Percentile, ...], Meta(max_length=20)] = (95.0,)


class TrailsQuery(Struct, frozen=True, tag=True, kw_only=True):
    """How all points of a device went in a time, in few figures for each; a page of it.

    Attributes:
        points: only those of these names; empty for all.
        bins: figures for each point, at most.
        after: number of points seen so far.
    """

    device: DeviceId
    component: str | None = None
    points: Annotated[list[str], Meta(max_length=100)] = []
    start: int
    end: int
    bins: Annotated[int, Meta(ge=1, le=MAX_BINS)] = 30
    after: Annotated[int, Meta(ge=0)] = 0


class HeardQuery(Struct, frozen=True, tag=True):
    """The newest sample of every series of the collector, from its memory; a page of them after a number."""

    after: Annotated[int, Meta(ge=0)] = 0


class PointFacts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A point of a series.

    Attributes:
        minimum, maximum: what lies beyond is unknown.
        heartbeat_s: longest time between two samples that counts as known.
        value: the newest; a count where the kind is one.
    """

    name: str
    kind: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    heartbeat_s: int | None = None
    value: Number | None = None


class ArchiveFacts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One resolution of a series' file.

    Attributes:
        keeps_s: how long it keeps a row.
        first, last: epoch seconds of the oldest and the newest row in which something is known; None: nothing is yet.
        rows: how many it has room for.
        known: by point, the share of what it could know since the series began, 0 to 1; empty where nobody asked.
    """

    resolution_s: int
    keeps_s: int
    first: int | None = None
    last: int | None = None
    rows: int = 0
    known: list[float] = []


class CopyFacts(Struct, frozen=True, kw_only=True):
    """A copy of a file as it was when an outage began; first and last epoch second that it is kept for."""

    first: int
    last: int
    size_bytes: int = 0


class SeriesFacts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A series, and what is kept of it.

    Attributes:
        live_at: epoch second of the newest sample since the collector was started; None: there was none.
        first: epoch second of the first sample in the file; None where there is no file yet.
        last: epoch second of the newest sample in the file.
        archives: of the file, the one at full step first; empty where there is no file yet.
        collected: samples keep coming.
        problem: why its file cannot be read; empty when it can.
    """

    component: str
    source: str
    points: list[PointFacts]
    step_s: int
    live_at: int | None = None
    first: int | None = None
    last: int | None = None
    archives: list[ArchiveFacts] = []
    size_bytes: int = 0
    copies: list[CopyFacts] = []
    collected: bool = False
    problem: str = ""


class SeriesPage(Struct, frozen=True, tag=True, kw_only=True):
    """Series of a device, in order; page by `after` = number of series seen so far."""

    series: list[SeriesFacts]
    more: bool


class SeriesInfo(Struct, frozen=True, tag=True, kw_only=True):
    """All about one series.

    Attributes:
        file: where it lies on the collector; empty where there is no file yet.
        header: facts of the file as rrdtool has them.
    """

    facts: SeriesFacts
    file: str = ""
    header: dict[str, str | int | float] = {}


class PointStats(Struct, frozen=True, kw_only=True):
    """Figures about a point in a time; None where nothing is known.

    Attributes:
        total: what a rate comes to over the time that is known; None for what is no rate.
        known: share of the time.
        percentiles: in the order of the question, of averages weighed by their time.
    """

    point: str
    unit: str
    minimum: float | None
    maximum: float | None
    average: float | None
    total: float | None
    known: float
    percentiles: list[float | None]


class Stats(Struct, frozen=True, tag=True, kw_only=True):
    """Figures about a series; `step_s` is the coarsest resolution that some of it was read at."""

    points: list[PointStats]
    step_s: int
    start: int
    end: int


class Trail(Struct, frozen=True, kw_only=True):
    """How a point went.

    Attributes:
        start: epoch second that the first bin begins after.
        bin_s: seconds that each value is the average of.
        values: None for a bin of which nothing is known.
    """

    component: str
    source: str
    point: str
    unit: str
    start: int
    bin_s: int
    values: list[float | None]


class Trails(Struct, frozen=True, tag=True, kw_only=True):
    """How points of a device went; page by `after` = number of points seen so far (`seen`)."""

    trails: list[Trail]
    seen: int
    more: bool


class HeardSeries(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The newest sample of a series.

    Attributes:
        values: as measured.
        rates: what counters came to in a second, in the places of their points; None where there are no counters.
    """

    device: DeviceId
    component: str
    source: str
    points: list[PointFacts]
    step_s: int
    at: int
    values: list[Number | None]
    rates: list[Number | None] | None = None


class Heard(Struct, frozen=True, tag=True, kw_only=True):
    """Newest samples; the next page is asked for with `last`."""

    series: list[HeardSeries]
    last: int
    more: bool


Reading = SeriesQuery | InfoQuery | StatsQuery | TrailsQuery
"""What the reader process answers besides lists of last values, rows and pictures."""
Read = SeriesPage | SeriesInfo | Stats | Trails

"""Series: which figures there are, how they are named, and when a sample counts.

A series source is all the points of one component that are measured together; it is one RRD file. A sample is snapped
to the step, because rrdtool weighs a value off the grid over two rows, and the true minimum and maximum are lost.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

Name = Annotated[str, Meta(min_length=1, max_length=512)]
MAX_POINT_NAME = 19
POINT_NAME = rf"[A-Za-z0-9_-]{{1,{MAX_POINT_NAME}}}"
"""As a regular expression: what rrdtool takes as the name of a data source."""
PointName = Annotated[str, Meta(pattern=rf"^{POINT_NAME}\Z")]
is_point_name = re.compile(POINT_NAME).fullmatch
Number = int | float


PERCENT = "percent"
PUSHED = "push/"
"""Figures that are pushed without a handler have a source each, whose id begins like this."""


class Kind(enum.Enum):
    """How a point's numbers are to be read."""

    GAUGE = "gauge"
    DERIVE = "derive"
    """A count that Tocsin keeps itself, in step with the samples: RRD makes a rate of it (rrdcreate(1))."""
    COUNTER = "counter"
    """A count that the monitored host keeps: the sample path makes a rate of it, which is stored as a gauge."""
    ABSOLUTE = "absolute"


class Point(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One data point of a source.

    Attributes:
        name: 1 to 19 of A-Z a-z 0-9 _ -, as rrdtool demands of a data source.
        unit: as it stands on a graph's axis, for example `bytes` or `percent`.
        wraps_at_bits: of a counter that begins again at 0 after so many bits: 32, or 0 for one that never does.
        scale, offset: what is measured (of a counter, its rate) becomes `value * scale + offset`, before it is held
            against minimum and maximum.
    """

    name: PointName
    kind: Kind = Kind.GAUGE
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    wraps_at_bits: Annotated[int, Meta(ge=0, le=64)] = 0
    scale: float = 1.0
    offset: float = 0.0

    @property
    def stored_unit(self) -> str:
        """What the rows of its series are in: of all but a gauge, files keep so much a second.

        A count that grows by percent of the time, scaled, comes to percent: of what is busy, for example.
        """
        return self.unit if self.kind is Kind.GAUGE or self.unit == PERCENT else f"{self.unit}/s"

    @property
    def counted_unit(self) -> str:
        """What its numbers are in as they are measured, before rates are made of them."""
        return "" if self.kind is not Kind.GAUGE and self.unit == PERCENT else self.unit


class SeriesKey(Struct, frozen=True, order=True, gc=False):
    """What a file of series belongs to; any text is allowed in each part."""

    device: Name
    component: str
    source: Name


class Retention(enum.Enum):
    """How long a file keeps what; `common.rrd` has the figures."""

    STANDARD = "standard"
    SHORT = "short"
    LONG = "long"


PlanName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\Z")]
Days = Annotated[float, Meta(gt=0, le=36600)]
Resolution = Annotated[int, Meta(ge=1, le=31_622_400)]
MOST_ARCHIVES = 10


class Plan(Struct, frozen=True, kw_only=True):
    """A retention plan of one's own; `common.rrd` has what is made of it.

    Attributes:
        full_days: how long the full step is kept, in days.
        archives: (seconds a row, days) of what is kept beside it, in any order.
    """

    name: PlanName
    full_days: Days
    archives: Annotated[tuple[tuple[Resolution, Days], ...], Meta(max_length=MOST_ARCHIVES)] = ()

    def __post_init__(self) -> None:
        """Have equal plans be equal bytes, however they were written down."""
        force_setattr(self, "full_days", float(self.full_days))
        archives = tuple(sorted((every_s, float(days)) for every_s, days in self.archives))
        force_setattr(self, "archives", archives)


Kept = Retention | Plan
"""How long a file keeps what: a plan that Tocsin brings along, or one of the user's own."""


class Pace(enum.Enum):
    """How fast what is learned of a point follows it."""

    SLOW = "slow"
    NORMAL = "normal"
    QUICK = "quick"


LEAST_SEASON_S, MOST_SEASON_S = 3600, 604_800


class Baseline(Struct, frozen=True, kw_only=True):
    """It is learned what is likely of a point at each time of a season, beside its file.

    Attributes:
        season_s: after which it is about the same again; whole hours.
    """

    point: PointName
    season_s: Annotated[int, Meta(ge=LEAST_SEASON_S, le=MOST_SEASON_S, multiple_of=3600)] = 86_400
    pace: Pace = Pace.NORMAL


class Layout(Struct, frozen=True, kw_only=True, cache_hash=True):
    """What one source's file holds: the points in order, and the step in whole seconds.

    Attributes:
        retention: how long it keeps what.
        baselines: what is learned of its points.
    """

    points: tuple[Point, ...]
    step_s: Annotated[int, Meta(ge=1, le=86400)]
    retention: Kept = Retention.STANDARD
    baselines: tuple[Baseline, ...] = ()


class Sample(Struct, frozen=True, kw_only=True):
    """The figures of one source at one moment.

    Attributes:
        at: epoch seconds, a whole multiple of the layout's step (see `snap`).
        values: by point name, of a counter the count; None, and a point that is left out, is unknown. Numbers are
            finite.
        taken: epoch seconds at which the values were read, for the rates of counters; 0 for `at`.
        uptime_s: how long what counts has been up then (sysUpTime); None when it is not known.
        discontinuity: changes when the counts have begun anew (ifCounterDiscontinuityTime); None when it is not known.
    """

    key: SeriesKey
    layout: Layout
    at: int
    values: Mapping[str, Number | None]
    taken: float = 0.0
    uptime_s: float | None = None
    discontinuity: Number | None = None


def snap(at: float, step_s: int) -> int:
    """Start of the step that a moment lies in, in whole epoch seconds."""
    return int(at // step_s) * step_s


def finite(value: float | None) -> float | int | None:
    """The value, or None for infinities and NaN, which no series may hold."""
    return value if value is not None and math.isfinite(value) else None

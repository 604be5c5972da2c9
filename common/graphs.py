"""What a picture is to show, as the hub tells the collector that draws it (pure; it crosses the wire).

A `Drawing` goes with a `common.queries.GraphQuery`, which says the range, the size and the form of the file. Every
field has a default, so that a drawing says only what differs from a plain picture: without curves, the graph that the
query names is drawn, in the manner that the drawing says.
"""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta, Struct

from common.judged import BaselineConfig
from common.series import PointName

MAX_CURVES = 50
MAX_SUBJECTS = 500
MAX_MARKS = 1000
MAX_LIMITS = 50
MAX_PERCENTILES = 5
MAX_LIKELY = 20
MAX_COMPARE_S = 10 * 366 * 86_400

Label = Annotated[str, Meta(max_length=600)]
"""Any text; what cannot be shown of it is made harmless where it is drawn."""
Colour = Annotated[str, Meta(pattern=r"^(#[0-9A-Fa-f]{6})?\Z")]
Zone = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_+-]{0,40}(/[A-Za-z0-9_+-]{1,40}){0,3}\Z")]
"""A time zone of the IANA database, as `Europe/Vienna`."""
Epoch = Annotated[float, Meta(ge=-(2**33), le=2**33)]
Level = Annotated[int, Meta(ge=0, le=5)]
"""A severity, as `common.events.Severity`; 0 for none."""


class Theme(enum.Enum):
    """Dark on light, or light on dark."""

    LIGHT = "light"
    DARK = "dark"


class Draw(enum.Enum):
    """How a curve is drawn."""

    LINE = "line"
    AREA = "area"
    BARS = "bars"


class Band(enum.Enum):
    """Whether the range from the least to the greatest sample is shown around averages.

    AUTO: where a pixel holds several samples, and there are few curves.
    """

    AUTO = "auto"
    YES = "yes"
    NO = "no"


class Rank(enum.Enum):
    """By what the largest are chosen."""

    AVERAGE = "average"
    PEAK = "peak"


class MarkKind(enum.Enum):
    """What happened at a moment."""

    EVENT = "event"
    RESTART = "restart"
    CHANGE = "change"


class Curve(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A point that is drawn, of each subject that has it.

    Attributes:
        label: in the legend; empty for the point's name.
        stack: on top of the curve before.
        colour: `#rrggbb`; empty for the next of the palette.
        transform: an expression of `common.expressions` over `value` (the point itself) and the other points of its
            source; empty for the value as it is.
        source: of the component; empty for the first that has the point.
    """

    point: PointName
    label: Label = ""
    draw: Draw = Draw.LINE
    stack: bool = False
    colour: Colour = ""
    transform: Annotated[str, Meta(max_length=1000)] = ""
    source: Label = ""


class Limit(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A threshold: a line across the picture where it is near the curves, else a line of the legend.

    Attributes:
        unit: of the value; empty for that of the picture, which holds also where the drawing says a unit.
    """

    value: float
    label: Label = ""
    severity: Level = 3
    unit: Label = ""


class Likely(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the own past of a point makes likely: a band around its curve, where that is one of at most two."""

    point: PointName
    baseline: BaselineConfig


class Mark(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A moment: an upright line. Those of one kind, label and severity are one line of the legend."""

    at: Epoch
    label: Label = ""
    kind: MarkKind = MarkKind.EVENT
    severity: Level = 0


class Span(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A time that is shaded, as one in which something was missing.

    Attributes:
        end: None while it goes on.
    """

    start: Epoch
    end: Epoch | None = None
    label: Label = ""
    severity: Level = 0


class Subject(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whose curves are drawn.

    Attributes:
        component: the name that its series are kept under; None for all components of the device.
        shown: in legend and title; empty for the name of the component, with several devices the device before it.
    """

    device: Annotated[str, Meta(min_length=1, max_length=255)]
    component: Label | None = None
    shown: Label = ""


class Drawing(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A picture.

    Attributes:
        title: the whole title; empty for device, component and graph.
        axis: text at the upright axis; empty for the unit.
        unit: of the curves, as `common.series.Point.unit` has it; empty for that of the first point, and for a plain
            number where it is transformed.
        base: 1000 or 1024: what a kilo is; None for what is usual for the unit.
        minimum, maximum: of the upright axis; None to fit.
        compare_s: the curves once more as they were so many seconds earlier; 0 for not.
        percentiles: of each curve over the range, as horizontal lines.
        top: only so many of the largest; 0 for all that fit.
        others: with `top`, the sum of the rest where curves are stacked.
        subjects: empty for the device and component of the query.
        zone: of the time axis.
        zoom: pixels of a file of form png for each pixel of the query's size.
        note: a last line of small print, such as what could not be read.
        likely: of curves; of those of one point the first.
    """

    curves: Annotated[tuple[Curve, ...], Meta(max_length=MAX_CURVES)] = ()
    title: Label = ""
    axis: Label = ""
    unit: Label = ""
    base: Annotated[int, Meta(ge=1000, le=1024)] | None = None
    log: bool = False
    minimum: float | None = None
    maximum: float | None = None
    band: Band = Band.AUTO
    limits: Annotated[tuple[Limit, ...], Meta(max_length=MAX_LIMITS)] = ()
    marks: Annotated[tuple[Mark, ...], Meta(max_length=MAX_MARKS)] = ()
    spans: Annotated[tuple[Span, ...], Meta(max_length=MAX_MARKS)] = ()
    compare_s: Annotated[int, Meta(ge=0, le=MAX_COMPARE_S)] = 0
    percentiles: Annotated[tuple[Annotated[float, Meta(gt=0, lt=100)], ...], Meta(max_length=MAX_PERCENTILES)] = ()
    top: Annotated[int, Meta(ge=0, le=100)] = 0
    rank: Rank = Rank.AVERAGE
    others: bool = True
    theme: Theme = Theme.LIGHT
    subjects: Annotated[tuple[Subject, ...], Meta(max_length=MAX_SUBJECTS)] = ()
    zone: Zone = "UTC"
    zoom: Annotated[int, Meta(ge=1, le=4)] = 1
    note: Label = ""
    likely: Annotated[tuple[Likely, ...], Meta(max_length=MAX_LIKELY)] = ()

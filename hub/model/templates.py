"""Templates: what is measured of a component, what is judged of it, and how it is drawn.

An entry of a section (a source, a threshold, a graph) stands under its id. In a template that extends another, None in
the place of an entry drops the one that is inherited.
"""

from __future__ import annotations

import enum

from msgspec import Struct

from common.events import CLASS_PERFORMANCE, Severity
from common.judged import BaselineSide, ThresholdForm
from common.names import Slug
from common.series import Pace
from hub.model.sources import Source

KIND_TEMPLATE = "Template"
UNBIND = "-"
"""Before a template's id where it is unbound."""


class Target(enum.StrEnum):
    """The kinds of components that the modeler knows, and the device itself; a template may be for any other word."""

    DEVICE = "device"
    PROCESS_SET = "process_set"
    INTERFACE = "interface"
    FILESYSTEM = "filesystem"
    CPU = "cpu"
    MEMORY = "memory"


class Step(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of several levels of a threshold; None for no bound."""

    severity: Severity
    minimum: float | None = None
    maximum: float | None = None


class Threshold(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is judged of some points; `common.judged.ThresholdConfig` says what the fields mean.

    Attributes:
        severity, minimum, maximum: where there are no levels.
        points: empty for one that only silences what would hold otherwise under its id.
        of: `scans` are that many of the last so many; None for scans in a row.
        within_s, window_s: of a trend alone; None for a window of half of `within_s`.
        season_s, adapts, width, side, least, least_percent, learn_s: of a baseline alone; None for what is usual.
        enabled: False for one that is not judged.
    """

    points: tuple[str, ...] = ()
    form: ThresholdForm = ThresholdForm.LIMIT
    severity: Severity = Severity.WARNING
    minimum: float | None = None
    maximum: float | None = None
    levels: tuple[Step, ...] = ()
    scans: int = 1
    for_s: int = 0
    hysteresis: float = 0.0
    escalate_after: int | None = None
    within_s: int | None = None
    window_s: int | None = None
    of: int | None = None
    season_s: int | None = None
    adapts: Pace | None = None
    width: float | None = None
    side: BaselineSide | None = None
    least: float | None = None
    least_percent: float | None = None
    learn_s: int | None = None
    event_class: str = CLASS_PERFORMANCE
    enabled: bool = True

    @property
    def only_silences(self) -> bool:
        """Whether it says only that a threshold of its id is not judged."""
        return not self.enabled and not self.points


class Draw(enum.Enum):
    """How a point is drawn."""

    LINE = "line"
    AREA = "area"


class Curve(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A point on a graph.

    Attributes:
        label: empty for the point's name.
        colour: `#rrggbb`; empty for the next of the palette.
        stack: on top of the one before.
        transform: an expression over `value`, the point's own, and points of the same source; empty for `value`.
    """

    point: str
    label: str = ""
    draw: Draw = Draw.LINE
    stack: bool = False
    colour: str = ""
    transform: str = ""


class Graph(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A picture of some points.

    Attributes:
        title: empty for the graph's id.
        axis: what stands at the axis; empty for the unit.
        base: 1000 or 1024: what a kilo is; None for what is usual for the unit.
        minimum, maximum: of the axis; None to fit.
        unit: of what is drawn; empty for that of the first point.
        band: draw minimum to maximum around averages; None where the curves are few enough for it.
        thresholds: draw the bounds of what is judged of its points as lines.
        events: mark what happened to the component.
        percentiles: lines that so many percent of the values lie below.
    """

    points: tuple[Curve, ...]
    title: str = ""
    axis: str = ""
    log: bool = False
    base: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    band: bool | None = None
    thresholds: bool = True
    events: bool = True
    percentiles: tuple[float, ...] = ()


class Template(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A template, as its document says it.

    Attributes:
        component: kind of what it is for; None for that of the template which it extends, or a device.
        extends: id of the template that it begins with; empty for none.
        replaces: id of a template that goes where both are bound to a device; empty for none.
    """

    id: Slug
    description: str = ""
    component: str | None = None
    extends: str = ""
    replaces: str = ""
    sources: dict[str, Source | None] = {}
    thresholds: dict[str, Threshold | None] = {}
    graphs: dict[str, Graph | None] = {}


Entry = Source | Threshold | Graph
SECTIONS = ("sources", "thresholds", "graphs")

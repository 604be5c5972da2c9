"""What a reading of a source is: figures of components, what is wrong now, and events that happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from common.events import Event, Severity
from common.series import Number, Point


class Measured(Struct, frozen=True, kw_only=True):
    """The figures of one component at one moment.

    Attributes:
        component: its name; empty for the device itself.
        values: by point; of a counter the count. A point that is left out, or None, is unknown.
        taken: epoch second at which they were read; 0 for the step's own.
        uptime_s, discontinuity: see `common.series.Sample`.
    """

    component: str
    values: Mapping[str, Number | None]
    taken: float = 0.0
    uptime_s: float | None = None
    discontinuity: Number | None = None


class Problem(Struct, frozen=True, kw_only=True):
    """Something that is wrong as long as readings say so: an event opens, and a reading without it closes it.

    Attributes:
        key: of the event; with the component it names the problem among those of a device.
        event_class: empty for that of the collector.
    """

    key: str
    summary: str
    severity: Severity = Severity.WARNING
    component: str = ""
    message: str = ""
    event_class: str = ""


class Result(Struct, frozen=True, kw_only=True):
    """One reading of one source.

    Attributes:
        source: its id.
        step: epoch second of the step of its interval; stamp of its samples.
        rows: one for each component that was read.
        complete: whether all components are among the rows: alarms of the thresholds of those that are not then end,
            because they are gone. Of a reading that was cut short nothing of that kind is concluded.
        problems: all that is wrong with the source now; those of earlier readings that are not among them are over.
        events: what happened in between, each to be told once.
        points: of a source that the config does not have: what is measured of it; nothing of it is judged. Empty for
            the points of the config.
        interval_s: step of the series of such a source; 0 for the shortest interval of the job.
        part: who of several that read one source; `complete` and `problems` are then of what this one has read.
    """

    source: str
    step: int
    rows: Sequence[Measured] = ()
    complete: bool = True
    problems: Sequence[Problem] = ()
    events: Sequence[Event] = ()
    points: Sequence[Point] = ()
    part: str = ""
    interval_s: int = 0

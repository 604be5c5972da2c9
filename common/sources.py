"""What collectors are to read of a device beside its processes: the sources of templates, one set of types for all.

A source is read in one go, for the device or for each of its components of a kind; a component's points of one source
are one file. Which daemon reads a source is a matter of its type.
"""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta, Struct

from common.judged import DerivedConfig, ThresholdConfig
from common.names import Slug
from common.series import Point, PointName

SERVICE_SNMP = "snmp"
SERVICE_STATUS = "status"
SERVICE_PROBE = "probe"

MAX_OIDS = 64
MAX_POINTS = 500
MAX_ARGUMENTS = 100

Interval = Annotated[int, Meta(ge=1, le=86400)]
Text = Annotated[str, Meta(max_length=4096)]
Setting = bool | int | float | Text | tuple[Text, ...]
DEVICE = "device"
"""In the place of a kind of component where a source is of the device itself, whose component is the empty text."""


class SourceConfig(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """What all kinds of sources have.

    Attributes:
        id: as its template has it; the name of its series' source.
        template: id of the template that says so.
        component: kind of the components that it is read for (`common.components.ComponentKind`), or `device`.
        interval_s: whole seconds from reading to reading, also the step of its series.
        points: what is measured.
        derived, thresholds: what is computed of them, and judged of both.
        left_out: names of components that are not to be watched.
    """

    id: Slug
    template: Slug
    component: str = DEVICE
    interval_s: Interval
    points: Annotated[tuple[Point, ...], Meta(max_length=MAX_POINTS)] = ()
    derived: Annotated[tuple[DerivedConfig, ...], Meta(max_length=MAX_POINTS)] = ()
    thresholds: Annotated[tuple[ThresholdConfig, ...], Meta(max_length=MAX_POINTS)] = ()
    left_out: Annotated[tuple[str, ...], Meta(max_length=10_000)] = ()


class OidConfig(Struct, frozen=True, array_like=True):
    """An object of an SNMP source; the first one is `$1`.

    Attributes:
        oid: in digits, with the dot in front.
        walk: one value for each row; otherwise one for the device, which is repeated for each row.
    """

    oid: Annotated[str, Meta(pattern=r"^(\.[0-9]{1,10}){2,128}\Z")]
    walk: bool = False


class Formula(Struct, frozen=True, array_like=True):
    """How a point comes from the objects of its source: an expression over `$1` to `$N`."""

    point: PointName
    expression: Annotated[str, Meta(min_length=1, max_length=1000)]


class SnmpSource(SourceConfig, frozen=True, tag="snmp"):
    """Objects that are asked of an SNMP agent.

    Attributes:
        formulas: of each point that is measured.
        name: of a row's component (`common.rownames`); empty for the device, and for the index of what is walked for
            components.
        only: RE2 that has to be found in a component's name; empty takes all.
        discontinuity: number of the object that changes when the counts of a row have begun anew
            (ifCounterDiscontinuityTime); 0 where there is none.
    """

    oids: Annotated[tuple[OidConfig, ...], Meta(min_length=1, max_length=MAX_OIDS)]
    formulas: Annotated[tuple[Formula, ...], Meta(max_length=MAX_POINTS)] = ()
    name: Annotated[str, Meta(max_length=500)] = ""
    only: Annotated[str, Meta(max_length=4096)] = ""
    discontinuity: Annotated[int, Meta(ge=0, le=MAX_OIDS)] = 0


class PingSource(SourceConfig, frozen=True, tag="ping"):
    """Whether a device answers to ICMP echo.

    Attributes:
        packets, gap_s, timeout_s: how many a reading, how far apart, and how long each answer is waited for.
        gates: while it does not answer, nothing else of it is asked.
        confirm: readings in a row without an answer after which it is down.
    """

    packets: Annotated[int, Meta(ge=1, le=100)] = 3
    gap_s: Annotated[float, Meta(ge=0.01, le=60)] = 0.2
    timeout_s: Annotated[float, Meta(gt=0, le=60)] = 2.0
    gates: bool = True
    confirm: Annotated[int, Meta(ge=1, le=100)] = 2


class Match(enum.Enum):
    """How names select processes."""

    SUBSTRING = "substring"
    EXACT = "exact"
    REGEX = "regex"


class Follow(enum.Enum):
    """Which processes stand for one that was found."""

    SELF = "self"
    FIRST_CHILD = "first_child"
    TREE = "tree"


class StatusSource(SourceConfig, frozen=True, tag="status"):
    """Something of the collector's own host (`common.statuspoints` has the items).

    Attributes:
        item: for example `disks`.
        only: names of what is wanted of it, in any order; empty for all that there is, where there is such a thing.
        match, follow: of the item `processes`.
    """

    item: Annotated[str, Meta(min_length=1, max_length=100)]
    only: Annotated[tuple[Text, ...], Meta(max_length=1000)] = ()
    match: Match = Match.SUBSTRING
    follow: Follow = Follow.FIRST_CHILD


class ProbeSource(SourceConfig, frozen=True, tag="probe"):
    """What a program of one's own, or a function, measures.

    Without a command it is a handler: it says what the points are of probes that name its template.

    Attributes:
        command: the probe's name, and its arguments; no shell sees them.
        timeout_s, memory_mib, output_kib: limits of one run.
        user: whom it runs as; empty for whom the collector's settings name.
        handler: id of the template whose handler says what its points are; empty where it says so itself.
    """

    command: Annotated[tuple[Text, ...], Meta(max_length=MAX_ARGUMENTS)] = ()
    timeout_s: Annotated[float, Meta(gt=0, le=3600)] = 30.0
    memory_mib: Annotated[int, Meta(ge=16, le=65536)] = 512
    output_kib: Annotated[int, Meta(ge=1, le=16384)] = 1024
    user: Annotated[str, Meta(max_length=64)] = ""
    handler: Annotated[str, Meta(max_length=100)] = ""


class Metric(Struct, frozen=True, array_like=True):
    """Which metric of a Prometheus page a point is: its name, and labels that it has to have."""

    point: PointName
    name: Annotated[str, Meta(min_length=1, max_length=512)]
    labels: tuple[tuple[str, str], ...] = ()


class ScrapeSource(SourceConfig, frozen=True, tag="prometheus"):
    """A page, or a file, in the text form of Prometheus.

    Attributes:
        url: `http`, `https`, or `file` for a text file of the collector's host (`*` stands for any part of a name).
        metrics: of each point that is measured.
        name: of a metric's component, a text with `{LABEL}` in it; empty for the device.
    """

    url: Annotated[str, Meta(min_length=1, max_length=2048)]
    metrics: Annotated[tuple[Metric, ...], Meta(max_length=MAX_POINTS)] = ()
    name: Annotated[str, Meta(max_length=500)] = ""
    timeout_s: Annotated[float, Meta(gt=0, le=60)] = 5.0


class PluginSource(SourceConfig, frozen=True, tag="plugin"):
    """What a collector reads that was installed as a package of its own.

    Attributes:
        service: its name.
        settings: whatever it wants to be told, as pairs of name and value.
    """

    service: Slug
    settings: Annotated[tuple[tuple[Text, Setting], ...], Meta(max_length=1000)] = ()


Source = SnmpSource | PingSource | StatusSource | ProbeSource | ScrapeSource | PluginSource


def service_of(source: Source) -> str:
    """Which daemon reads a source."""
    if isinstance(source, PluginSource):
        return source.service
    if isinstance(source, SnmpSource | PingSource):
        return SERVICE_SNMP
    return SERVICE_STATUS if isinstance(source, StatusSource) else SERVICE_PROBE

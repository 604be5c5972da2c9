"""The sources of templates as documents say them: what is measured together, and where it comes from.

One struct holds what all types of sources may say; `hub.model.sourcefields` knows which of it goes with which type.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from msgspec import Struct

from common.configs import SERVICE_PROCESS
from common.pingpoints import POINTS as PING_POINTS
from common.processpoints import POINTS as PROCESS_POINTS
from common.series import Kind, Point, PointName
from common.sources import SERVICE_PROBE, SERVICE_SNMP, SERVICE_STATUS, Setting
from common.statuspoints import ITEMS


class SourceType(enum.Enum):
    """Where the points of a source come from."""

    PROCESS = "process"
    SNMP = "snmp"
    PING = "ping"
    STATUS = "status"
    PROBE = "probe"
    PROMETHEUS = "prometheus"
    PLUGIN = "plugin"


class DataPoint(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A point of a source; `common.series.Point` says what the other fields mean.

    Attributes:
        derived: the expression of one that is computed from others of its source.
        value: of an SNMP source: how it comes from the objects; empty for the one that stands at its place.
        metric, labels: of a Prometheus source: which metric it is, and labels that this has to have.
    """

    kind: Kind = Kind.GAUGE
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    derived: str = ""
    wraps_at_bits: int = 0
    scale: float = 1.0
    offset: float = 0.0
    value: str = ""
    metric: str = ""
    labels: dict[str, str] = {}


class Oid(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An object of an SNMP source: one that is got, or a column that is walked."""

    get: str = ""
    walk: str = ""


class Source(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is measured together; `common.sources` says what the fields mean. None is what is usual for the type.

    Attributes:
        oid: of an SNMP source with one object, with the dot in front.
        only: of an SNMP source one RE2, of a status source names.
        handler: of a probe: id of the template that says what its points are.
        interval_s: None for that of the device.
        points: by name. Some types have points of their own, whether these are named or not.
    """

    type: SourceType
    oid: str = ""
    item: str = ""
    command: tuple[str, ...] = ()
    handler: str = ""
    interval_s: int | None = None
    points: dict[PointName, DataPoint] = {}
    oids: tuple[Oid, ...] = ()
    name: str = ""
    only: tuple[str, ...] = ()
    packets: int | None = None
    gap_s: float | None = None
    timeout_s: float | None = None
    gates: bool | None = None
    confirm: int | None = None
    match: str = ""
    follow: str = ""
    memory_mib: int | None = None
    output_kib: int | None = None
    user: str = ""
    url: str = ""
    service: str = ""
    settings: dict[str, Setting] = {}
    discontinuity: int | None = None

    @property
    def is_handler(self) -> bool:
        """Whether it only says what the points are of probes that name its template."""
        return self.type is SourceType.PROBE and not self.command


_NOTHING: Mapping[str, Point] = MappingProxyType({})


@lru_cache
def _by_name(points: tuple[Point, ...]) -> Mapping[str, Point]:
    return MappingProxyType({point.name: point for point in points})


def known_points(source: Source) -> Mapping[str, Point]:
    """The points that a source has of its own, by name."""
    if source.type is SourceType.PROCESS:
        return PROCESS_POINTS
    if source.type is SourceType.PING:
        return PING_POINTS
    if source.type is SourceType.STATUS and (item := ITEMS.get(source.item)) is not None:
        return _by_name(item.points)
    return _NOTHING


def points_of(source: Source) -> dict[str, DataPoint]:
    """All points of a source, by name."""
    known = {
        name: DataPoint(
            kind=point.kind, unit=point.unit, minimum=point.minimum, maximum=point.maximum, scale=point.scale
        )
        for name, point in known_points(source).items()
    }
    return {**source.points, **known}


def can_be_read(source: Source, *, local: bool) -> bool:
    """Whether others than the process collector can read it, of devices that are local, or of those that are not."""
    if source.type is SourceType.STATUS:
        return local
    return source.type is not SourceType.PROCESS and not (source.type is SourceType.SNMP and local)


def service_of(source: Source) -> str:
    """Which daemon reads a source."""
    return source.service or _SERVICES.get(source.type, SERVICE_PROBE)


_SERVICES = {
    SourceType.PROCESS: SERVICE_PROCESS,
    SourceType.SNMP: SERVICE_SNMP,
    SourceType.PING: SERVICE_SNMP,
    SourceType.STATUS: SERVICE_STATUS,
}

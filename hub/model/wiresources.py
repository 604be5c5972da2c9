"""A source of a template as collectors get it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.series import Point
from common.sources import (
    Follow,
    Formula,
    Match,
    Metric,
    OidConfig,
    PingSource,
    PluginSource,
    ProbeSource,
    ScrapeSource,
    SnmpSource,
    StatusSource,
)
from common.sources import Source as SourceOnWire
from hub.model.judging import in_order
from hub.model.sources import DataPoint, Oid, Source, SourceType, known_points


def made(source: Source, measuring: Source, *, id_: str, template: str, component: str) -> SourceOnWire:
    """A source, without thresholds; one that does not say how often it is read is read once a second for now.

    Args:
        source: as its template has it; not one of the process collector.
        measuring: the source that says the points: itself, or its handler.
        id_: what it is called.
        template: where it stands.
        component: kind of the components that it is read for.
    """
    known = known_points(measuring)
    derived = {name: point for name, point in measuring.points.items() if point.derived}
    measured = {name: one for name, one in measuring.points.items() if not one.derived and name not in known}
    common: dict[str, Any] = {
        "id": id_,
        "template": template,
        "component": component,
        "interval_s": source.interval_s or 1,
        "points": (*known.values(), *(_point(name, one) for name, one in measured.items())),
        "derived": in_order(derived),
    }
    return _OF_TYPE[source.type](source, measured, common)


def _point(name: str, one: DataPoint) -> Point:
    return Point(
        name=name,
        kind=one.kind,
        unit=one.unit,
        minimum=one.minimum,
        maximum=one.maximum,
        wraps_at_bits=one.wraps_at_bits,
        scale=one.scale,
        offset=one.offset,
    )


def _said(source: Source, *names: str) -> dict[str, Any]:
    """Those of these fields that say something."""
    return {name: value for name in names if (value := getattr(source, name)) not in {None, ""}}


def _snmp(source: Source, measured: Mapping[str, DataPoint], common: dict[str, Any]) -> SourceOnWire:
    oids = source.oids or (Oid(get=source.oid),)
    named = enumerate(measured.items(), 1)
    return SnmpSource(
        oids=tuple(OidConfig(one.walk or one.get, walk=bool(one.walk)) for one in oids),
        formulas=tuple(Formula(name, one.value or f"${place}") for place, (name, one) in named),
        only="".join(source.only[:1]),
        **_said(source, "name", "discontinuity"),
        **common,
    )


def _ping(source: Source, _measured: Mapping[str, DataPoint], common: dict[str, Any]) -> SourceOnWire:
    return PingSource(**_said(source, "packets", "gap_s", "timeout_s", "gates", "confirm"), **common)


def _status(source: Source, _measured: Mapping[str, DataPoint], common: dict[str, Any]) -> SourceOnWire:
    how: dict[str, Any] = {"match": Match(source.match)} if source.match else {}
    how |= {"follow": Follow(source.follow)} if source.follow else {}
    return StatusSource(item=source.item, only=source.only, **how, **common)


def _probe(source: Source, _measured: Mapping[str, DataPoint], common: dict[str, Any]) -> SourceOnWire:
    limits = _said(source, "timeout_s", "memory_mib", "output_kib", "user", "handler")
    return ProbeSource(command=source.command, **limits, **common)


def _scrape(source: Source, measured: Mapping[str, DataPoint], common: dict[str, Any]) -> SourceOnWire:
    metrics = tuple(Metric(name, one.metric, tuple(sorted(one.labels.items()))) for name, one in measured.items())
    return ScrapeSource(metrics=metrics, **_said(source, "url", "name", "timeout_s"), **common)


def _plugin(source: Source, _measured: Mapping[str, DataPoint], common: dict[str, Any]) -> SourceOnWire:
    return PluginSource(service=source.service, settings=tuple(sorted(source.settings.items())), **common)


_OF_TYPE = {
    SourceType.SNMP: _snmp,
    SourceType.PING: _ping,
    SourceType.STATUS: _status,
    SourceType.PROBE: _probe,
    SourceType.PROMETHEUS: _scrape,
    SourceType.PLUGIN: _plugin,
}

"""Which sources of templates hold for a device, beside its process sets, and how collectors get them (pure).

For each kind of component the source of an id is that of the strongest template which has one that can be read there:
what is of the collector's own host is read of local devices alone, and an SNMP agent of all others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from common.configs import SourceKind
from common.judged import ThresholdConfig
from common.sources import DEVICE, SERVICE_PROBE, SERVICE_SNMP, SERVICE_STATUS, SourceConfig, service_of
from common.sources import Source as SourceOnWire
from hub.model.bound import Place, place_of, resolution_of_place, templates_of
from hub.model.components import left_out_of
from hub.model.entities import Device, scope_of
from hub.model.judging import threshold_config
from hub.model.model import Model
from hub.model.properties import default_of
from hub.model.resolution import Effective
from hub.model.sources import Source, can_be_read, points_of
from hub.model.templates import Target, Threshold
from hub.model.wiresources import made

SOURCE = "source"


class Bound(Struct, frozen=True):
    """A source that holds.

    Attributes:
        config: as collectors get it, but for names that are left out.
        service: which daemon reads it.
        follows: it is read as often as the device, whatever interval stands there.
    """

    config: SourceOnWire
    service: str
    follows: bool


class Gathered(Struct, frozen=True):
    """What is read of devices that have their templates in common.

    Attributes:
        bound: in order of service, kind of component and id.
        clash: why no config can be made of it; empty when it can.
    """

    bound: tuple[Bound, ...] = ()
    clash: str = ""

    @property
    def services(self) -> frozenset[str]:
        """The daemons that have something to read."""
        return frozenset(one.service for one in self.bound)

    def of(self, service: str) -> tuple[Bound, ...]:
        """The sources of a service."""
        return tuple(one for one in self.bound if one.service == service)


def is_local(model: Model, device: Device) -> bool:
    """Whether a device is the host of its collector."""
    said = device.properties.get(SOURCE) or model.inherited(scope_of(device)).get(SOURCE)
    return (said or default_of(SOURCE, {})) == SourceKind.LOCAL.value


def gathered_of(model: Model, device: Device) -> Gathered:
    """What is read of a device; worked out once for all that have it in common."""
    return model.shared(_gathered, (place_of(device), is_local(model, device)))


def gathered_in(model: Model, place: Place) -> tuple[Gathered, Gathered]:
    """What is read of the devices in a place: of those that are not local, and of those that are."""
    return model.shared(_gathered, (place, False)), model.shared(_gathered, (place, True))


def handlers_of(model: Model) -> tuple[Bound, ...]:
    """What the points are of probes that name a template, by the handlers of all templates there are."""
    return model.shared(_handlers, None)


def left_out_in(model: Model, device: Device) -> dict[str, tuple[str, ...]]:
    """The components that are not to be watched, by their kind, of those kinds of which something is read."""
    if not device.components:
        return {}
    read = {one.config.component for one in gathered_of(model, device).bound}
    return {kind: names for kind, names in left_out_of(device).items() if kind in read}


def services_of(model: Model, device: Device) -> frozenset[str]:
    """The daemons that have something to read of a device; probes may be dropped in for any local one."""
    found = gathered_of(model, device).services
    return found | {SERVICE_PROBE} if is_local(model, device) else found


def services_in(models: Iterable[Model]) -> list[str]:
    """The services of all daemons that may read sources of these models."""
    plugins = {
        source.service
        for model in models
        for template in model.templates.values()
        for source in template.sources.values()
        if source is not None and source.service
    }
    return [SERVICE_SNMP, SERVICE_STATUS, SERVICE_PROBE, *sorted(plugins)]


# --- which hold -------------------------------------------------------------------------------------------------------


def _gathered(model: Model, key: tuple[Place, bool]) -> Gathered:
    place, local = key
    held = [one.template for one in resolution_of_place(model, place).held]
    kinds = dict.fromkeys(template.component for template in held if template.component != Target.PROCESS_SET)
    found: list[Bound] = []
    for kind in kinds:
        found += _of_kind(templates_of(model), [one for one in held if one.component == kind], local=local)
    found.sort(key=lambda one: (one.service, one.config.component, one.config.id))
    return Gathered(tuple(found), _clash([one.config for one in found]))


def _of_kind(templates: Mapping[str, Effective], held: Sequence[Effective], *, local: bool) -> Iterable[Bound]:
    """The sources for components of a kind, by the templates for these, the weakest first."""
    chosen: dict[str, tuple[str, Source]] = {}
    judged: dict[str, list[tuple[str, Threshold, tuple[str, ...]]]] = {}
    for template in held:
        readable = {id_: one for id_, one in template.sources.items() if can_be_read(one, local=local)}
        chosen.update((id_, (template.id, one)) for id_, one in readable.items())
        for id_, threshold in template.thresholds.items():
            parts = [
                (source_id, threshold, points)
                for source_id, source in readable.items()
                if (points := tuple(name for name in threshold.points if name in _points(templates, source)))
            ]
            if parts:
                judged[id_] = parts
    for id_, (template_id, source) in chosen.items():
        has = _points(templates, source)
        said = [(name, *part) for name, found in judged.items() for part in found]
        thresholds = tuple(
            _of_points(name, threshold, tuple(point for point in named if point in has))
            for name, source_id, threshold, named in (*said, *_of_handler(templates, id_, source, judged))
            if source_id == id_ and threshold.enabled and any(point in has for point in named)
        )
        config = made(source, _measuring(templates, source), id_=id_, template=template_id, component=held[0].component)
        config = msgspec.structs.replace(config, thresholds=thresholds)
        yield Bound(config, service_of(config), source.interval_s is None)


def _of_handler(
    templates: Mapping[str, Effective], id_: str, source: Source, judged: Collection[str]
) -> Iterable[tuple[str, str, Threshold, tuple[str, ...]]]:
    """What the template of its handler judges of a source, unless the templates that hold say otherwise."""
    if source.command and source.handler in templates:
        for name, threshold in templates[source.handler].thresholds.items():
            if name not in judged:
                yield name, id_, threshold, threshold.points


def _of_points(id_: str, threshold: Threshold, points: tuple[str, ...]) -> ThresholdConfig:
    return msgspec.structs.replace(threshold_config(id_, threshold), points=points)


def _points(templates: Mapping[str, Effective], source: Source) -> frozenset[str]:
    return frozenset(points_of(_measuring(templates, source)))


def _measuring(templates: Mapping[str, Effective], source: Source) -> Source:
    """What says the points of a source: its handler, or it itself."""
    template = templates.get(source.handler)
    if not source.command or template is None:
        return source
    return next((one for one in template.sources.values() if one.is_handler), source)


def _clash(configs: Iterable[SourceConfig]) -> str:
    """What cannot be told apart: series have the names of components, and not their kinds."""
    first: dict[str, SourceConfig] = {}
    for one in configs:
        if one.component == DEVICE:
            continue
        other = first.setdefault(one.id, one)
        if other.component != one.component:
            return (
                f"the templates {other.template} (for {other.component}) and {one.template} (for {one.component}) both "
                f"have a source '{one.id}', so that their series could not be told apart; rename one of them"
            )
    return ""


def _handlers(model: Model, _: None) -> tuple[Bound, ...]:
    found: list[Bound] = []
    for template in templates_of(model).values():
        own = {id_ for id_, one in template.sources.items() if one.is_handler}
        if own and template.component != Target.PROCESS_SET:
            found += (one for one in _of_kind(templates_of(model), [template], local=True) if one.config.id in own)
    return tuple(sorted(found, key=lambda one: (one.config.template, one.config.id)))

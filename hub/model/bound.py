"""What templates do to the devices of a model; what devices have in common is worked out once."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hub.model.entities import (
    Device,
    Scope,
    Words,
    scope_of,
)
from hub.model.inheritance import DEVICE, origin_of
from hub.model.judging import Judged, judged
from hub.model.model import Model
from hub.model.resolution import Effective, Resolution, extended, lineage_of, resolve
from hub.model.templates import UNBIND

Place = tuple[Scope, Words]
"""Class and groups of a device, and what it says of templates itself: devices that have them in common have the same
templates."""


def place_of(device: Device) -> Place:
    """Class, groups and words of a device."""
    return scope_of(device), device.templates


def resolution_of(model: Model, device: Device) -> Resolution:
    """The templates that hold for a device, and why."""
    return resolution_of_place(model, place_of(device))


def resolution_of_place(model: Model, place: Place) -> Resolution:
    """The templates that hold for the devices in a place."""
    return model.shared(_resolution, place)


def judged_of(model: Model, place: Place) -> Judged:
    """What collectors judge and compute of the process sets of devices in a place."""
    return model.shared(_judged, place)


def templates_of(model: Model) -> Mapping[str, Effective]:
    """All templates with what they inherit, by id."""
    return model.shared(_extended, None)


def bound_by_layers(model: Model, scope: Scope) -> frozenset[str]:
    """Ids of all templates that classes and groups of a scope bind, whether they hold or not."""
    return model.shared(_bound_by_layers, scope)


def with_heirs(models: Collection[Model], ids: Collection[str]) -> frozenset[str]:
    """Templates, and all that extend one of them in any of these models."""
    wanted = frozenset(ids)
    return wanted | {
        id_
        for model in models
        for id_ in model.templates
        if any(one.id in wanted or one.extends in wanted for one in lineage_of(model.templates, id_))
    }


def users_of(models: Collection[Model], ids: Collection[str]) -> frozenset[str]:
    """The templates that have a source, in any of these models, whose points one of these says."""
    return frozenset(
        id_
        for model in models
        for id_, one in model.templates.items()
        if any(source.handler in ids for source in one.sources.values() if source is not None)
    )


def _extended(model: Model, _: None) -> Mapping[str, Effective]:
    return {id_: extended(model.templates, id_) for id_ in model.templates}


def _resolution(model: Model, place: Place) -> Resolution:
    scope, words = place
    bindings = [(origin_of(layer), layer.templates) for layer in model.layers(scope)]
    return resolve(templates_of(model), [*bindings, (DEVICE, words)])


def _judged(model: Model, place: Place) -> Judged:
    own = [(one.id, one.thresholds) for one in model.sets_in(place[0]) if one.monitor]
    return judged(resolution_of_place(model, place), own)


def _bound_by_layers(model: Model, scope: Scope) -> frozenset[str]:
    words = (word for layer in model.layers(scope) for word in layer.templates)
    return frozenset(word.removeprefix(UNBIND) for word in words)

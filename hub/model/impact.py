"""Which devices a change of the model may concern.

This is by what classes, groups, templates, collectors, pools and plans say, without a look at single devices where they
have that in common.
Among those that it names are all whose configs change; `hub.compile.differing` finds the few others by their configs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from common.configs import ProcessSetConfig
from common.sources import SERVICE_PROBE
from hub.model.bound import Place, bound_by_layers, judged_of, place_of, with_heirs
from hub.model.components import watched_otherwise
from hub.model.definitions import to_config
from hub.model.entities import (
    KIND_COLLECTOR,
    KIND_DEVICE,
    KIND_DEVICE_CLASS,
    KIND_GROUP,
    KIND_POOL,
    KIND_PROCESS_SET,
    KIND_RETENTION_PLAN,
    Device,
    Key,
    ProcessSet,
    Scope,
)
from hub.model.gathering import gathered_in, handlers_of, left_out_in, services_of
from hub.model.model import Model
from hub.model.properties import Value, collected, default_of
from hub.model.retention import plan_named, with_plan
from hub.model.templates import KIND_TEMPLATE, Threshold

Told = tuple[ProcessSetConfig, bool]

_LAYERS = frozenset({KIND_DEVICE_CLASS, KIND_GROUP})
_SETTINGS = frozenset({KIND_COLLECTOR, KIND_POOL})


def concerned(before: Model, after: Model, keys: Collection[Key]) -> list[str]:
    """Name the devices, in order, that a change of some documents may concern.

    A device that came, left or moved to another collector is one of them, and so is each to which a changed process set
    applied or applies. What no collector would notice, for example a description, concerns nobody.
    """
    touched = {id_ for kind, id_ in keys if kind == KIND_DEVICE}
    found = {id_ for id_ in touched if _seen(before, id_) != _seen(after, id_)}
    for name in {id_ for kind, id_ in keys if kind in _SETTINGS}:
        ids = [id_ for id_ in after.by_collector().get(name, ()) if id_ not in touched]
        found.update(_of_settings(before, after, name, ids))
    found.update(id_ for id_ in _of_plans(before, after, keys) if id_ not in touched)
    shared = [key for key in keys if key[0] not in {KIND_DEVICE, KIND_RETENTION_PLAN, *_SETTINGS}]
    if shared:
        judging = _Judging(before, after, shared)
        for scope, ids in after.by_scope().items():
            found.update(id_ for id_ in _of_scope(before, after, shared, scope, ids) if id_ not in touched)
            found.update(id_ for id_ in judging.in_scope(scope, ids) if id_ not in touched)
        found.update(id_ for id_ in judging.alone() if id_ not in touched)
        found.update(id_ for id_ in _of_handlers(before, after, shared) if id_ not in touched)
    return sorted(found)


def _of_settings(before: Model, after: Model, name: str, ids: Sequence[str]) -> Iterable[str]:
    """Of the devices that name a collector or pool those that others may watch now, or whose properties it changes."""
    if _watching(before, name) != _watching(after, name):
        return ids
    old, new = (_said(model, name) for model in (before, after))
    names = [one for one in {**old, **new} if old.get(one) != new.get(one)]
    return [id_ for id_ in ids if names and _differ(before, after, id_, names)]


def _of_plans(before: Model, after: Model, keys: Collection[Key]) -> Iterable[str]:
    """The devices for which a plan holds that keeps something else than before."""
    names = [id_ for kind, id_ in keys if kind == KIND_RETENTION_PLAN]
    changed = [name for name in names if plan_named(before, name) != plan_named(after, name)]
    return with_plan(after, changed) if changed else ()


def _watching(model: Model, name: str) -> object:
    """All that decides which of its collectors watches the devices of a pool, and for how long without the hub."""
    pool = model.pools.get(name)
    return pool and (frozenset(pool.members), pool.failover_after_s, pool.when_alone)


def _said(model: Model, name: str) -> Mapping[str, Value]:
    settings = model.settings_of(name)
    return settings.properties if settings is not None else {}


def _differ(before: Model, after: Model, device_id: str, names: Sequence[str]) -> bool:
    """Whether one of these properties has another value for a device, which is in both models."""
    old, new = before.properties_of(before.devices[device_id]), after.properties_of(after.devices[device_id])
    return any(_value(old, name) != _value(new, name) for name in names)


def _value(properties: Mapping[str, Value], name: str) -> Value:
    return properties[name] if name in properties else default_of(name, properties)


def _of_scope(before: Model, after: Model, keys: Sequence[Key], scope: Scope, ids: Sequence[str]) -> Iterable[str]:
    """Those devices of a scope in whose configs a change of sets, classes and groups changes sets or properties."""
    sets = [key for key in keys if key[0] == KIND_PROCESS_SET]
    if any(_part(before, key, scope) != _part(after, key, scope) for key in sets):
        return ids
    if all(kind not in _LAYERS for kind, _ in keys) or before.inherited(scope) == after.inherited(scope):
        return ()
    return [id_ for id_ in ids if _values(before, before.devices.get(id_)) != _values(after, after.devices[id_])]


class _Judging:
    """Finds the devices for which a change makes a difference in what is judged and computed.

    A scope is looked at only if what it binds may have changed, and each place in it once.
    """

    def __init__(self, before: Model, after: Model, keys: Sequence[Key]) -> None:
        self._before = before
        self._after = after
        self._templates = with_heirs((before, after), [id_ for kind, id_ in keys if kind == KIND_TEMPLATE])
        self._sets = [key for key in keys if _thresholds(before, key) != _thresholds(after, key)]
        self._layers = any(kind in _LAYERS for kind, _ in keys)
        self._found: dict[Place, bool] = {}

    def in_scope(self, scope: Scope, ids: Sequence[str]) -> Iterable[str]:
        """Those devices of a scope."""
        return [id_ for id_ in ids if self._differs(id_)] if self._may_differ(scope) else ()

    def alone(self) -> Iterable[str]:
        """Those devices that say something of the templates themselves."""
        binders = self._after.binders()
        return [id_ for template in self._templates for id_ in binders.get(template, ()) if self._differs(id_)]

    def _may_differ(self, scope: Scope) -> bool:
        models = (self._before, self._after)
        if any(self._templates & bound_by_layers(model, scope) for model in models if self._templates):
            return True
        if any(_part(model, key, scope) is not None for model in models for key in self._sets):
            return True
        words = ([layer.templates for layer in model.layers(scope) if layer.templates] for model in models)
        return self._layers and next(words) != next(words)

    def _differs(self, device_id: str) -> bool:
        place = place_of(self._after.devices[device_id])
        if place not in self._found:
            self._found[place] = _by_templates(self._before, place) != _by_templates(self._after, place)
        return self._found[place]


def _of_handlers(before: Model, after: Model, keys: Sequence[Key]) -> Iterable[str]:
    """The devices of which probes may name a handler, where these say something else than before."""
    if all(kind != KIND_TEMPLATE for kind, _ in keys) or handlers_of(before) == handlers_of(after):
        return ()
    return [id_ for id_, device in after.devices.items() if SERVICE_PROBE in services_of(after, device)]


def _values(model: Model, device: Device | None) -> dict[str, Value] | None:
    """Every property with the value that holds for a device."""
    return None if device is None else collected(model.properties_of(device))


def _seen(model: Model, device_id: str) -> object:
    """All that collectors see of a device."""
    device = model.devices.get(device_id)
    if device is None:
        return None
    sets = [_told(definition) for definition in model.sets_of(device)]
    measured = _by_templates(model, place_of(device))
    who = device.collector, _watching(model, device.collector)
    said = watched_otherwise(device), left_out_in(model, device)
    return device.address, who, _values(model, device), sets, said, measured


def _by_templates(model: Model, place: Place) -> object:
    """All that templates put into the configs of the devices in a place."""
    return judged_of(model, place), gathered_in(model, place)


def _part(model: Model, key: Key, scope: Scope) -> Told | None:
    """What a process set puts into the configs of a scope."""
    definition = model.get(key)
    return _told(definition) if isinstance(definition, ProcessSet) and definition.applies(*scope) else None


def _thresholds(model: Model, key: Key) -> Mapping[str, Threshold]:
    """The thresholds of a process set's own."""
    definition = model.get(key)
    return definition.thresholds if isinstance(definition, ProcessSet) else {}


def _told(definition: ProcessSet) -> Told:
    """What collectors see of a definition; one that is not watched is still looked for by the modeler."""
    return to_config(definition), definition.monitor

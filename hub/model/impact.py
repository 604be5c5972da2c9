"""Which devices a change of the model concerns: those whose configs it changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from common.configs import ProcessSetConfig
from hub.model.components import watched_otherwise
from hub.model.definitions import to_config
from hub.model.entities import KIND_DEVICE, KIND_PROCESS_SET, Device, Key, Model, ProcessSet, Scope
from hub.model.properties import Value, collected

Told = tuple[ProcessSetConfig, bool]


def concerned(before: Model, after: Model, keys: Collection[Key]) -> list[str]:
    """Name the devices, in order, that a change of some documents concerns.

    A device that came, left or moved to another collector is one of them, and so is each to which a changed process set
    applied or applies. What no collector would notice, for example a description, concerns nobody.
    """
    touched = {id_ for kind, id_ in keys if kind == KIND_DEVICE}
    found = {id_ for id_ in touched if _seen(before, id_) != _seen(after, id_)}
    shared = [key for key in keys if key[0] != KIND_DEVICE]
    if shared:
        for scope, ids in after.by_scope().items():
            found.update(id_ for id_ in _of_scope(before, after, shared, scope, ids) if id_ not in touched)
    return sorted(found)


def _of_scope(before: Model, after: Model, keys: Sequence[Key], scope: Scope, ids: Sequence[str]) -> Iterable[str]:
    """Those devices of a scope whose configs a change of sets, classes and groups changes."""
    sets = [key for key in keys if key[0] == KIND_PROCESS_SET]
    if any(_part(before, key, scope) != _part(after, key, scope) for key in sets):
        return ids
    if len(sets) == len(keys) or before.inherited(scope) == after.inherited(scope):
        return ()
    return [id_ for id_ in ids if _values(before, before.devices.get(id_)) != _values(after, after.devices[id_])]


def _values(model: Model, device: Device | None) -> dict[str, Value] | None:
    """Every property with the value that holds for a device."""
    return None if device is None else collected(model.properties_of(device))


def _seen(model: Model, device_id: str) -> object:
    """All that collectors see of a device."""
    device = model.devices.get(device_id)
    if device is None:
        return None
    sets = [_told(definition) for definition in model.sets_of(device)]
    return device.address, device.collector, _values(model, device), sets, watched_otherwise(device)


def _part(model: Model, key: Key, scope: Scope) -> Told | None:
    """What a process set puts into the configs of a scope."""
    definition = model.get(key)
    return _told(definition) if isinstance(definition, ProcessSet) and definition.applies(*scope) else None


def _told(definition: ProcessSet) -> Told:
    """What collectors see of a definition; one that is not watched is still looked for by the modeler."""
    return to_config(definition), definition.monitor

"""Which devices a change of the model concerns: those whose configs it changes."""

from __future__ import annotations

from collections.abc import Collection

from common.configs import ProcessSetConfig
from hub.model.definitions import to_config
from hub.model.entities import KIND_DEVICE, Device, Key, Model, ProcessSet
from hub.model.properties import effective


def concerned(before: Model, after: Model, keys: Collection[Key]) -> list[str]:
    """Name the devices, in order, that a change of some documents concerns.

    A device that came, left or moved to another collector is one of them, and so is each to which a changed process set
    applied or applies. What no collector would notice, for example a description, concerns nobody.
    """
    touched = {id_ for kind, id_ in keys if kind == KIND_DEVICE}
    found = {id_ for id_ in touched if _seen(before, id_) != _seen(after, id_)}
    sets = [key for key in keys if key[0] != KIND_DEVICE]
    if sets:
        # Devices of one class and groups share the answer, so each such scope is looked at once.
        answers: dict[tuple[str, tuple[str, ...]], bool] = {}
        for id_, device in after.devices.items():
            if id_ in touched:
                continue
            scope = (device.class_, device.groups)
            if scope not in answers:
                answers[scope] = any(_part(before, key, device) != _part(after, key, device) for key in sets)
            if answers[scope]:
                found.add(id_)
    return sorted(found)


def _seen(model: Model, device_id: str) -> object:
    """All that collectors see of a device."""
    device = model.devices.get(device_id)
    if device is None:
        return None
    sets = [to_config(definition) for definition in model.sets_of(device) if definition.monitor]
    return device.address, device.collector, effective(device.properties), sets


def _part(model: Model, key: Key, device: Device) -> ProcessSetConfig | None:
    """What a process set puts into a device's config."""
    definition = model.get(key)
    if not isinstance(definition, ProcessSet) or not definition.monitor:
        return None
    return to_config(definition) if definition.applies(device.class_, device.groups) else None

"""What is wrong with documents only when all others are known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from common.configs import SourceKind
from common.errors import SettingsError
from hub.model.entities import (
    KIND_COLLECTOR,
    KIND_DEVICE,
    KIND_DEVICE_CLASS,
    KIND_GROUP,
    KIND_POOL,
    Device,
    Key,
    lineage,
    scope_of,
)
from hub.model.model import Model
from hub.model.poolsoundness import wrong_with_pools
from hub.model.properties import contradictions, default_of
from hub.model.retention import wrong_with_plans
from hub.model.templatesoundness import wrong_with_templates
from hub.model.unread import ALL_READ, Unread
from hub.model.wrong import Path, Wrong

MAX_REPORTED = 200

Where = Callable[[Key, Path], str]
"""Gives what a sentence about a place in a document begins with: file and line, or nothing."""


def nowhere(_key: Key, _path: Path) -> str:
    """For documents that came without a file."""
    return ""


def check(after: Model, keys: Collection[Key], device_ids: Iterable[str], where: Where = nowhere) -> None:
    """Refuse a model that does not hold together, or in which one of these devices could not be watched.

    Args:
        after: the model as it would be.
        keys: of the documents that come, change or go.
        device_ids: of the devices whose configs change.
        where: where something stands.

    Raises:
        SettingsError: its details are one sentence for each thing that is wrong.
    """
    device_ids = list(device_ids)
    wrong = [
        *wrong_with_templates(after, keys),
        *wrong_with_pools(after, keys),
        *wrong_with_plans(after, keys, device_ids),
    ]
    devices = wrong_with_devices(after, device_ids)
    if not wrong and not devices:
        return
    told = [where(one.key, one.path) + described(one) for one in (*wrong, *devices)]
    left = len(told) - MAX_REPORTED
    raise SettingsError(
        f"{_headline(wrong, devices)}; nothing was applied",
        [*told[:MAX_REPORTED], f"and {left} more"] if left > 0 else told,
    )


def everything_wrong(
    after: Model, keys: Collection[Key], device_ids: Iterable[str], unread: Unread = ALL_READ
) -> list[Wrong]:
    """Tell what does not hold together, whatever the documents say that could not be read."""
    device_ids = list(device_ids)
    return [
        *wrong_with_templates(after, keys, unread),
        *wrong_with_pools(after, keys, unread),
        *wrong_with_plans(after, keys, device_ids, unread),
        *wrong_with_devices(after, device_ids, unread),
    ]


def wrong_with_devices(after: Model, device_ids: Iterable[str], unread: Unread = ALL_READ) -> list[Wrong]:
    """Tell which of these devices could not be watched, and why."""
    devices = [device for id_ in device_ids if (device := after.devices.get(id_)) is not None]
    return [one for device in devices if _is_known(device, unread) for one in _wrong_with(after, device)]


def _is_known(device: Device, unread: Unread) -> bool:
    """Whether all that a device inherits from is known."""
    class_, groups = scope_of(device)
    layers = [(KIND_COLLECTOR, device.collector), (KIND_POOL, device.collector)]
    layers += [*((KIND_DEVICE_CLASS, path) for path in lineage(class_)), *((KIND_GROUP, name) for name in groups)]
    return not any(unread.may_have(key) for key in layers)


def _headline(wrong: Sequence[Wrong], devices: Sequence[Wrong]) -> str:
    if wrong:
        documents = dict.fromkeys(one.key for one in (*wrong, *devices))
        first = " ".join(next(iter(documents)))
        return f"{first} does not hold" if len(documents) == 1 else f"{len(documents)} documents do not hold"
    ids = dict.fromkeys(one.key[1] for one in devices)
    who = f"device {next(iter(ids))}" if len(ids) == 1 else f"{len(ids)} devices"
    return f"{who} could not be watched so"


def described(wrong: Wrong) -> str:
    """The sentence about something wrong, without its file and line."""
    place = f"field '{'.'.join(wrong.path)}': " if wrong.path else ""
    return f"{' '.join(wrong.key)}: {place}{wrong.sentence}"


def _wrong_with(model: Model, device: Device) -> list[Wrong]:
    key = (KIND_DEVICE, device.id)
    values = model.properties_of(device)
    with_what = " (with what it inherits)" if model.inherited_by(device) else ""
    wrong = [Wrong(key, ("properties",), f"{sentence}{with_what}") for sentence in contradictions(values)]
    source = values.get("source", default_of("source", values))
    if not device.address and source != SourceKind.LOCAL.value:
        sentence = "is missing; only a device with the property source: local does without"
        wrong.append(Wrong(key, ("address",), sentence))
    return wrong

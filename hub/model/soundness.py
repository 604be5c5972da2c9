"""What is wrong with documents only when all others are known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from common.configs import SourceKind
from common.errors import SettingsError
from hub.model.entities import KIND_DEVICE, Device, Key, Model, scope_of
from hub.model.properties import contradictions, default_of
from hub.model.templatesoundness import Path, Wrong, wrong_with_templates

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
    wrong = wrong_with_templates(after, keys)
    devices = [one for id_ in device_ids if (device := after.devices.get(id_)) for one in _wrong_with(after, device)]
    if not wrong and not devices:
        return
    told = [_sentence(one, where) for one in (*wrong, *devices)]
    left = len(told) - MAX_REPORTED
    raise SettingsError(
        f"{_headline(wrong, devices)}; nothing was applied",
        [*told[:MAX_REPORTED], f"and {left} more"] if left > 0 else told,
    )


def _headline(wrong: Sequence[Wrong], devices: Sequence[Wrong]) -> str:
    if wrong:
        documents = dict.fromkeys(one.key for one in (*wrong, *devices))
        first = " ".join(next(iter(documents)))
        return f"{first} does not hold" if len(documents) == 1 else f"{len(documents)} documents do not hold"
    ids = dict.fromkeys(one.key[1] for one in devices)
    who = f"device {next(iter(ids))}" if len(ids) == 1 else f"{len(ids)} devices"
    return f"{who} could not be watched so"


def _sentence(wrong: Wrong, where: Where) -> str:
    place = f"field '{'.'.join(wrong.path)}': " if wrong.path else ""
    return f"{where(wrong.key, wrong.path)}{' '.join(wrong.key)}: {place}{wrong.sentence}"


def _wrong_with(model: Model, device: Device) -> list[Wrong]:
    key = (KIND_DEVICE, device.id)
    values = model.properties_of(device)
    inherits = bool(model.inherited(scope_of(device)))
    with_what = " (with what it inherits)" if inherits else ""
    wrong = [Wrong(key, ("properties",), f"{sentence}{with_what}") for sentence in contradictions(values)]
    source = values.get("source", default_of("source", values))
    if not device.address and source != SourceKind.LOCAL.value:
        sentence = "is missing; only a device with the property source: local does without"
        wrong.append(Wrong(key, ("address",), sentence))
    return wrong

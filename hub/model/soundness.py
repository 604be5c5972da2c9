"""What is wrong with a device only when all that it inherits is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from common.configs import SourceKind
from common.errors import SettingsError
from hub.model.entities import KIND_DEVICE, Device, Key, Model, scope_of
from hub.model.properties import contradictions, default_of

MAX_REPORTED = 200

Where = Callable[[Key], str]
"""Gives what a sentence about a document begins with: its file and line, or nothing."""


def nowhere(_key: Key) -> str:
    """For documents that came without a file."""
    return ""


def check_devices(model: Model, device_ids: Iterable[str], where: Where = nowhere) -> None:
    """Refuse a model in which one of these devices could not be watched.

    Raises:
        SettingsError: its details are one sentence for each thing that is wrong.
    """
    wrong = [
        (id_, f"{where((KIND_DEVICE, id_))}Device {id_}: {sentence}")
        for id_ in device_ids
        if (device := model.devices.get(id_)) is not None
        for sentence in _wrong_with(model, device)
    ]
    if not wrong:
        return
    devices = dict.fromkeys(id_ for id_, _ in wrong)
    who = f"device {next(iter(devices))}" if len(devices) == 1 else f"{len(devices)} devices"
    told = [sentence for _, sentence in wrong[:MAX_REPORTED]]
    left = len(wrong) - len(told)
    raise SettingsError(
        f"{who} could not be watched so; nothing was applied", [*told, f"and {left} more"] if left else told
    )


def _wrong_with(model: Model, device: Device) -> list[str]:
    values = model.properties_of(device)
    inherits = bool(model.inherited(scope_of(device)))
    with_what = " (with what it inherits)" if inherits else ""
    wrong = [f"field 'properties': {sentence}{with_what}" for sentence in contradictions(values)]
    source = values.get("source", default_of("source", values))
    if not device.address and source != SourceKind.LOCAL.value:
        wrong.append("field 'address': is missing; only a device with the property source: local does without")
    return wrong

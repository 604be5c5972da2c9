"""Where each property of a device comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from hub.model.components import OF_COMPONENTS
from hub.model.entities import (
    Collector,
    Device,
    DeviceClass,
    Group,
    Layer,
    Pool,
    scope_of,
)
from hub.model.model import Model
from hub.model.properties import CATALOGUE, Property, Value, default_of

DEFAULT = "default"
DEVICE = "device"

Source = tuple[str, Mapping[str, Value]]
"""Who says something, and what."""


class Said(Struct, frozen=True):
    """A value, and who says it: `default`, `collector eu1`, `pool eu`, `class /Server`, `group web`, `device`."""

    origin: str
    value: Value


class Explained(Struct, frozen=True):
    """A property of a device.

    Attributes:
        said: all that is said of it, the one that holds first, the default last.
    """

    prop: Property
    said: tuple[Said, ...]

    @property
    def holds(self) -> Said:
        """What holds."""
        return self.said[0]


def explain(model: Model, device: Device) -> list[Explained]:
    """Tell every property of a device, in order of the catalogue, and where its value comes from."""
    return _explain(_sources(model, device), CATALOGUE, model.properties_of(device))


def explain_component(model: Model, device: Device, key: str, said: Mapping[str, Value]) -> list[Explained]:
    """Tell every property that a component may have, and where its value comes from.

    Args:
        model: that has all it inherits.
        device: that has it.
        key: what documents call it.
        said: what the device's document says of it.
    """
    sources = [*_sources(model, device), (f"component {key}", said)]
    return _explain(sources, OF_COMPONENTS, model.properties_of(device))


def _sources(model: Model, device: Device) -> list[Source]:
    """Who says something of a device, from the farthest to the nearest."""
    settings = model.settings_of(device.collector)
    layers = [*([settings] if settings is not None else []), *model.layers(scope_of(device))]
    return [*((origin_of(layer), layer.properties) for layer in layers), (DEVICE, device.properties)]


def _explain(
    sources: Sequence[Source], catalogue: Mapping[str, Property], held: Mapping[str, Value]
) -> list[Explained]:
    found = []
    for name, prop in catalogue.items():
        said = [Said(origin, properties[name]) for origin, properties in reversed(sources) if name in properties]
        found.append(Explained(prop, (*said, Said(DEFAULT, default_of(name, held)))))
    return found


_WORDS: Mapping[type, str] = {Collector: "collector", Pool: "pool", DeviceClass: "class", Group: "group"}


def origin_of(layer: Layer | Collector | Pool) -> str:
    """What people call something that devices inherit from."""
    return f"{_WORDS[type(layer)]} {layer.id}"

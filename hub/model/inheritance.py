"""Where each property of a device comes from."""

from __future__ import annotations

from msgspec import Struct

from hub.model.entities import Device, DeviceClass, Layer, Model, scope_of
from hub.model.properties import CATALOGUE, Property, Value, default_of

DEFAULT = "default"
DEVICE = "device"


class Said(Struct, frozen=True):
    """A value, and who says it: `default`, `class /Server`, `group web`, `device`."""

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
    sources = [(origin_of(layer), layer.properties) for layer in model.layers(scope_of(device))]
    sources.append((DEVICE, device.properties))
    held = model.properties_of(device)
    found = []
    for name, prop in CATALOGUE.items():
        said = [Said(origin, properties[name]) for origin, properties in reversed(sources) if name in properties]
        found.append(Explained(prop, (*said, Said(DEFAULT, default_of(name, held)))))
    return found


def origin_of(layer: Layer) -> str:
    """What people call a class or group."""
    return f"{'class' if isinstance(layer, DeviceClass) else 'group'} {layer.id}"

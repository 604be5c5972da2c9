"""What the model holds: devices, process set definitions, and the immutable whole of them.

An entity has the shape of its document: the names of its fields are those that a file may use, and what is stored is
its JSON, without what is left at its default.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, field

from common.configs import DEFAULT_EXCLUDE, DeviceId, Regex, Slug
from common.errors import NotFoundError
from common.events import Severity
from hub.model.properties import Value, shown

KIND_DEVICE = "Device"
KIND_PROCESS_SET = "ProcessSet"

DEFAULT_CLASS = "/Server/Linux"
DEFAULT_COLLECTOR = "local"


class DeviceState(enum.Enum):
    """What a device is at the moment; it is collected in either state."""

    PRODUCTION = "production"
    MAINTENANCE = "maintenance"


class Device(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A host that is watched.

    Attributes:
        address: host name or IP address.
        class_: path of its device class.
        collector: name of the collector that watches it.
        properties: those that are set on the device itself, see `properties.CATALOGUE`.
    """

    id: DeviceId
    address: str = ""
    class_: str = field(default=DEFAULT_CLASS, name="class")
    collector: str = DEFAULT_COLLECTOR
    groups: tuple[str, ...] = ()
    state: DeviceState = DeviceState.PRODUCTION
    properties: dict[str, Value] = {}

    def __repr__(self) -> str:
        return f"Device({self.id!r}, {self.address!r}, {self.class_!r}, {shown(self.properties)!r})"


class Bounds(Struct, frozen=True, omit_defaults=True):
    """How many processes there may be, inclusive; None for no bound."""

    min: int | None = None
    max: int | None = None


class ProcessSet(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A process set definition; docs/process-rules.md says what its fields mean.

    Attributes:
        order: the smallest that matches a command line takes it.
        title: empty for the id.
        name: empty for the title.
        applies_to: device class paths, and names of groups.
        monitor: False for one that is modelled, not watched.
    """

    id: Slug
    order: int
    include: Regex
    title: str = ""
    description: str = ""
    exclude: str = DEFAULT_EXCLUDE
    name: str = ""
    applies_to: tuple[str, ...] = ("/",)
    required: bool = False
    monitor: bool = True
    missing_severity: Severity = Severity.ERROR
    restart_severity: Severity | None = None
    count: Bounds = Bounds()
    confirm: Annotated[int, Meta(ge=1, le=100)] = 1

    def applies(self, class_: str, groups: Sequence[str]) -> bool:
        """Whether it applies to devices of a class that are in these groups."""
        return any(is_below(class_, scope) if scope.startswith("/") else scope in groups for scope in self.applies_to)


Entity = Device | ProcessSet
Key = tuple[str, str]

TYPES: Mapping[str, type[Entity]] = MappingProxyType({KIND_DEVICE: Device, KIND_PROCESS_SET: ProcessSet})


def kind_of(entity: Entity) -> str:
    """The word that its document has for `kind`."""
    return KIND_DEVICE if isinstance(entity, Device) else KIND_PROCESS_SET


def key_of(entity: Entity) -> Key:
    """Kind and id."""
    return kind_of(entity), entity.id


def is_below(path: str, top: str) -> bool:
    """Whether a class is another, or lies below it."""
    return top in {"/", path} or path.startswith(f"{top}/")


def encode_entity(entity: Entity) -> str:
    """The JSON that is stored."""
    return msgspec.json.encode(entity).decode()


def decode_entity(kind: str, body: str) -> Entity:
    """Read what was stored.

    Raises:
        msgspec.DecodeError: it is of another version, or damaged.
        KeyError: the kind is not known.
    """
    return msgspec.json.decode(body, type=TYPES[kind])


class Model:
    """Everything that is watched, at one revision; never changed, only replaced.

    Attributes:
        revision: number of the change that made it; 0 for an empty store.
        devices: by id.
        sets: in order: the first that matches takes a command line.
    """

    __slots__ = ("_by_id", "_scopes", "devices", "revision", "sets")

    def __init__(
        self, revision: int = 0, devices: Mapping[str, Device] | None = None, sets: Sequence[ProcessSet] = ()
    ) -> None:
        self.revision = revision
        self.devices: Mapping[str, Device] = MappingProxyType(dict(devices or {}))
        self.sets = tuple(sorted(sets, key=lambda definition: (definition.order, definition.id)))
        self._by_id = {definition.id: definition for definition in self.sets}
        self._scopes: dict[tuple[str, tuple[str, ...]], tuple[ProcessSet, ...]] = {}

    def device(self, device_id: str) -> Device:
        """Look up a device.

        Raises:
            NotFoundError: there is none.
        """
        found = self.devices.get(device_id)
        if found is None:
            raise NotFoundError(f"there is no device {device_id!r}; `tocsin device list` shows those that there are")
        return found

    def sets_of(self, device: Device) -> tuple[ProcessSet, ...]:
        """The definitions that apply to a device, in order; devices of one class and groups share the answer."""
        scope = (device.class_, device.groups)
        found = self._scopes.get(scope)
        if found is None:
            found = tuple(definition for definition in self.sets if definition.applies(*scope))
            self._scopes[scope] = found
        return found

    def get(self, key: Key) -> Entity | None:
        """Look up an entity by kind and id."""
        kind, id_ = key
        return self.devices.get(id_) if kind == KIND_DEVICE else self._by_id.get(id_)

    def entities(self) -> Iterator[Entity]:
        """All that it holds."""
        yield from self.devices.values()
        yield from self.sets

    def changed(self, revision: int, after: Mapping[Key, Entity | None]) -> Model:
        """The model after a change; None stands for what is removed."""
        devices, sets = dict(self.devices), dict(self._by_id)
        for (kind, id_), entity in after.items():
            if isinstance(entity, Device):
                devices[id_] = entity
            elif isinstance(entity, ProcessSet):
                sets[id_] = entity
            elif kind == KIND_DEVICE:
                devices.pop(id_, None)
            else:
                sets.pop(id_, None)
        model = Model(revision, devices, list(sets.values()))
        if model.sets == self.sets:
            model.sets, model._scopes = self.sets, self._scopes
        return model

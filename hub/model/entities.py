"""What the model holds: devices, classes, groups, templates, process set definitions, and the immutable whole of them.

An entity has the shape of its document: the names of its fields are those that a file may use, and what is stored is
its JSON, without what is left at its default.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from common.components import Lock
from common.configs import DEFAULT_EXCLUDE, DeviceId, Regex, Slug
from common.errors import NotFoundError
from common.events import Severity
from hub.model.properties import Value, shown
from hub.model.templates import KIND_TEMPLATE, UNBIND, Template, Threshold

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

KIND_COLLECTOR = "Collector"
KIND_DEVICE = "Device"
KIND_DEVICE_CLASS = "DeviceClass"
KIND_GROUP = "Group"
KIND_POOL = "Pool"
KIND_PROCESS_SET = "ProcessSet"

Words = tuple[str, ...]
"""What somebody says of templates: ids of those that are bound, and `-` and the id of those that are not to hold."""

DEFAULT_CLASS = "/Server/Linux"
DEFAULT_COLLECTOR = "local"
LOCAL_ADDRESS = "127.0.0.1"
"""Of a device that is read locally and names no address."""


class DeviceState(enum.Enum):
    """What a device is at the moment; it is collected in either state."""

    PRODUCTION = "production"
    MAINTENANCE = "maintenance"


class Device(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A host that is watched.

    Attributes:
        address: host name or IP address.
        class_: path of its device class.
        collector: name of the collector that watches it, or of the pool one of whose members does.
        properties: those that are set on the device itself, see `properties.CATALOGUE`.
        components: what is said of single components, by `KIND/NAME`; never of a component nothing.
        templates: what the device itself says of templates.
    """

    id: DeviceId
    address: str = ""
    class_: str = field(default=DEFAULT_CLASS, name="class")
    collector: str = DEFAULT_COLLECTOR
    groups: tuple[str, ...] = ()
    state: DeviceState = DeviceState.PRODUCTION
    properties: dict[str, Value] = {}
    components: dict[str, dict[str, Value]] = {}
    templates: Words = ()

    def __repr__(self) -> str:
        return f"Device({self.id!r}, {self.address!r}, {self.class_!r}, {shown(self.properties)!r})"


class DeviceClass(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is said of all devices of a class, and of those below it. A class that says nothing needs no document.

    Attributes:
        id: its path, for example `/Server/Linux`.
        properties, templates: what its devices inherit.
    """

    id: str
    description: str = ""
    properties: dict[str, Value] = {}
    templates: Words = ()

    def __repr__(self) -> str:
        return f"DeviceClass({self.id!r}, {shown(self.properties)!r})"


class Group(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is said of all devices that are in a group. A group that says nothing needs no document.

    Attributes:
        properties, templates: what its devices inherit; they come before those of the class.
    """

    id: str
    description: str = ""
    properties: dict[str, Value] = {}
    templates: Words = ()

    def __repr__(self) -> str:
        return f"Group({self.id!r}, {shown(self.properties)!r})"


class Collector(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is said of a collector. One of which nothing is said needs no document.

    Attributes:
        id: its name, by which devices and pools name it, and which its certificate has.
        properties: what the devices that name it inherit; those of classes and groups come before.
    """

    id: Slug
    title: str = ""
    properties: dict[str, Value] = {}

    def __repr__(self) -> str:
        return f"Collector({self.id!r}, {shown(self.properties)!r})"


class WhenAlone(enum.StrEnum):
    """What a member of a pool does with its devices when it has not heard of the hub for too long."""

    STOP = "stop"
    """It stops: the hub may have given them to another member."""
    CONTINUE = "continue"
    """It goes on: rather twice than not at all."""


DEFAULT_FAILOVER_S = 90


class Pool(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Collectors of which one at a time watches each device that names the pool.

    Attributes:
        members: names of collectors.
        failover_after_s: how long a member may be away before its devices go to another.
        properties: what the devices that name it inherit, whoever watches them; its members' own do not count.
    """

    id: Slug
    title: str = ""
    members: tuple[str, ...]
    failover_after_s: int = DEFAULT_FAILOVER_S
    when_alone: WhenAlone = WhenAlone.STOP
    properties: dict[str, Value] = {}

    def __repr__(self) -> str:
        return f"Pool({self.id!r}, {self.members!r}, {shown(self.properties)!r})"


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
        thresholds: on its data points, by id.
        lock: what the modeler may not do to its sets, beside what the property `lock` says.
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
    thresholds: dict[str, Threshold] = {}
    lock: tuple[Lock, ...] = ()

    def applies(self, class_: str, groups: Sequence[str]) -> bool:
        """Whether it applies to devices of a class that are in these groups."""
        return any(is_below(class_, scope) if scope.startswith("/") else scope in groups for scope in self.applies_to)


Entity = Device | DeviceClass | Group | ProcessSet | Template | Collector | Pool
Layer = DeviceClass | Group
"""What devices inherit properties and templates from."""
Key = tuple[str, str]
Scope = tuple[str, tuple[str, ...]]
"""Class and groups of a device: devices that have them in common inherit the same."""

TYPES: Mapping[str, type[Entity]] = MappingProxyType(
    {
        KIND_DEVICE: Device,
        KIND_DEVICE_CLASS: DeviceClass,
        KIND_GROUP: Group,
        KIND_PROCESS_SET: ProcessSet,
        KIND_TEMPLATE: Template,
        KIND_COLLECTOR: Collector,
        KIND_POOL: Pool,
    }
)
_KINDS: Mapping[type, str] = MappingProxyType({type_: kind for kind, type_ in TYPES.items()})


def kind_of(entity: Entity) -> str:
    """The word that its document has for `kind`."""
    return _KINDS[type(entity)]


def key_of(entity: Entity) -> Key:
    """Kind and id."""
    return kind_of(entity), entity.id


def lineage(path: str) -> list[str]:
    """A class and all above it, from the root down."""
    parts = [part for part in path.split("/") if part]
    return ["/", *("/" + "/".join(parts[: number + 1]) for number in range(len(parts)))]


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
        devices, classes, groups: by id; classes and groups that say something.
        templates, collectors, pools: by id; of collectors those that have a document.
        sets: in order: the first that matches takes a command line.
    """

    __slots__ = (
        "_applying",
        "_binders",
        "_by_collector",
        "_by_kind",
        "_by_scope",
        "_inherited",
        "_shared",
        "classes",
        "collectors",
        "devices",
        "groups",
        "pools",
        "revision",
        "sets",
        "templates",
    )

    def __init__(self, revision: int = 0, entities: Iterable[Entity] = ()) -> None:
        by_kind: dict[str, dict[str, Any]] = {kind: {} for kind in TYPES}
        for entity in entities:
            by_kind[kind_of(entity)][entity.id] = entity
        self._hold(revision, by_kind)

    def _hold(self, revision: int, by_kind: dict[str, dict[str, Any]]) -> None:
        self.revision = revision
        self._by_kind = by_kind
        self.devices: Mapping[str, Device] = MappingProxyType(by_kind[KIND_DEVICE])
        self.classes: Mapping[str, DeviceClass] = MappingProxyType(by_kind[KIND_DEVICE_CLASS])
        self.groups: Mapping[str, Group] = MappingProxyType(by_kind[KIND_GROUP])
        self.templates: Mapping[str, Template] = MappingProxyType(by_kind[KIND_TEMPLATE])
        self.collectors: Mapping[str, Collector] = MappingProxyType(by_kind[KIND_COLLECTOR])
        self.pools: Mapping[str, Pool] = MappingProxyType(by_kind[KIND_POOL])
        definitions: Iterable[ProcessSet] = by_kind[KIND_PROCESS_SET].values()
        self.sets = tuple(sorted(definitions, key=lambda definition: (definition.order, definition.id)))
        # What devices of one scope have in common is worked out once for each scope.
        self._applying: dict[Scope, tuple[ProcessSet, ...]] = {}
        self._inherited: dict[Scope, Mapping[str, Value]] = {}
        self._shared: dict[tuple[Any, Any], Any] = {}
        self._by_scope: Mapping[Scope, list[str]] | None = None
        self._by_collector: Mapping[str, list[str]] | None = None
        self._binders: Mapping[str, list[str]] | None = None

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
        """The definitions that apply to a device, in order."""
        return self.sets_in(scope_of(device))

    def sets_in(self, scope: Scope) -> tuple[ProcessSet, ...]:
        """The definitions that apply to the devices of a scope, in order."""
        found = self._applying.get(scope)
        if found is None:
            found = tuple(definition for definition in self.sets if definition.applies(*scope))
            self._applying[scope] = found
        return found

    def layers(self, scope: Scope) -> list[Layer]:
        """What devices of a scope inherit from; the later goes before the earlier.

        Classes from the root down, then the groups, of which the one that a device names first goes before the others.
        """
        class_, groups = scope
        found: list[Layer | None] = [self.classes.get(path) for path in lineage(class_)]
        found += (self.groups.get(name) for name in reversed(groups))
        return [layer for layer in found if layer is not None]

    def inherited(self, scope: Scope) -> Mapping[str, Value]:
        """The properties that classes and groups give the devices of a scope, by name."""
        found = self._inherited.get(scope)
        if found is None:
            values: dict[str, Value] = {}
            for layer in self.layers(scope):
                values.update(layer.properties)
            found = self._inherited[scope] = MappingProxyType(values)
        return found

    def settings_of(self, name: str) -> Collector | Pool | None:
        """What is said of the collector or pool that devices name; None for nothing."""
        return self.pools.get(name) or self.collectors.get(name)

    def _said_by(self, name: str) -> Mapping[str, Value]:
        settings = self.settings_of(name)
        return settings.properties if settings is not None else {}

    def inherited_by(self, device: Device) -> dict[str, Value]:
        """The properties that a device has without setting them: of its collector or pool, its classes and groups."""
        return {**self._said_by(device.collector), **self.inherited(scope_of(device))}

    def properties_of(self, device: Device) -> dict[str, Value]:
        """The properties that somebody has set for a device: on itself, or on what it inherits from."""
        return {**self._said_by(device.collector), **self.inherited(scope_of(device)), **device.properties}

    def by_scope(self) -> Mapping[Scope, list[str]]:
        """Ids of the devices of each scope."""
        if self._by_scope is None:
            found: dict[Scope, list[str]] = {}
            for device in self.devices.values():
                found.setdefault(scope_of(device), []).append(device.id)
            self._by_scope = found
        return self._by_scope

    def by_collector(self) -> Mapping[str, list[str]]:
        """Ids of the devices that name each collector or pool."""
        if self._by_collector is None:
            found: dict[str, list[str]] = {}
            for device in self.devices.values():
                found.setdefault(device.collector, []).append(device.id)
            self._by_collector = found
        return self._by_collector

    def binders(self) -> Mapping[str, list[str]]:
        """Ids of the devices that say something of a template themselves, by its id."""
        if self._binders is None:
            found: dict[str, list[str]] = {}
            for device in self.devices.values():
                for word in device.templates:
                    found.setdefault(word.removeprefix(UNBIND), []).append(device.id)
            self._binders = found
        return self._binders

    def shared(self, work: Callable[[Model, K], T], key: K) -> T:
        """What follows from all but devices, collectors and pools, worked out once for each key."""
        place = (work, key)
        if place not in self._shared:
            self._shared[place] = work(self, key)
        found: T = self._shared[place]
        return found

    def get(self, key: Key) -> Entity | None:
        """Look up an entity by kind and id."""
        kind, id_ = key
        found: Entity | None = self._by_kind[kind].get(id_)
        return found

    def entities(self) -> Iterator[Entity]:
        """All that it holds: collectors, pools, classes, groups, templates, devices, process sets in order."""
        yield from self.collectors.values()
        yield from self.pools.values()
        yield from self.classes.values()
        yield from self.groups.values()
        yield from self.templates.values()
        yield from self.devices.values()
        yield from self.sets

    def changed(self, revision: int, after: Mapping[Key, Entity | None]) -> Model:
        """The model after a change; None stands for what is removed."""
        touched = {kind for kind, _ in after}
        by_kind = {kind: dict(held) if kind in touched else held for kind, held in self._by_kind.items()}
        for (kind, id_), entity in after.items():
            if entity is None:
                by_kind[kind].pop(id_, None)
            else:
                by_kind[kind][id_] = entity
        model = Model()
        model._hold(revision, by_kind)
        if model.sets == self.sets:
            model.sets, model._applying = self.sets, self._applying
        if not touched & {KIND_DEVICE_CLASS, KIND_GROUP}:
            model._inherited = self._inherited
        if KIND_DEVICE not in touched:
            model._by_scope, model._binders = self._by_scope, self._binders
            model._by_collector = self._by_collector
        if touched <= {KIND_DEVICE, KIND_COLLECTOR, KIND_POOL}:
            model._shared = self._shared
        return model


def scope_of(device: Device) -> Scope:
    """Class and groups of a device."""
    return device.class_, device.groups

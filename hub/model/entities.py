"""What the model holds: devices, classes, groups, templates, process sets, collectors, pools, retention plans.

An entity has the shape of its document: the names of its fields are those that a file may use, and what is stored is
its JSON, without what is left at its default.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, field

from common.components import Lock
from common.configs import DEFAULT_EXCLUDE, Regex
from common.events import Severity
from common.names import DeviceId, Slug
from hub.model.properties import Value, shown
from hub.model.templates import KIND_TEMPLATE, Template, Threshold

KIND_COLLECTOR = "Collector"
KIND_DEVICE = "Device"
KIND_DEVICE_CLASS = "DeviceClass"
KIND_GROUP = "Group"
KIND_POOL = "Pool"
KIND_PROCESS_SET = "ProcessSet"
KIND_RETENTION_PLAN = "RetentionPlan"

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


class Instances(Struct, frozen=True, omit_defaults=True):
    """How often a set may run: how many of its processes may have a parent outside of it. None for no bound."""

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
        instances: how often it may run, however many processes each instance has.
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
    instances: Instances = Instances()

    def applies(self, class_: str, groups: Sequence[str]) -> bool:
        """Whether it applies to devices of a class that are in these groups."""
        return any(is_below(class_, scope) if scope.startswith("/") else scope in groups for scope in self.applies_to)


class KeptArchive(Struct, frozen=True):
    """What a plan keeps beside the full step: one row for so many seconds, for so many days."""

    every_s: int
    days: int | float


class RetentionPlan(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How long files of series keep what; the property `retention` names it.

    Attributes:
        full_days: how long the full step is kept.
        archives: what is kept beside it; MIN, MAX and AVERAGE of each.
    """

    id: Slug
    description: str = ""
    full_days: int | float
    archives: tuple[KeptArchive, ...] = ()


Entity = Device | DeviceClass | Group | ProcessSet | Template | Collector | Pool | RetentionPlan
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
        KIND_RETENTION_PLAN: RetentionPlan,
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


def scope_of(device: Device) -> Scope:
    """Class and groups of a device."""
    return device.class_, device.groups

"""The immutable whole of what the model holds, at one revision."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from common.errors import NotFoundError
from hub.model.entities import (
    KIND_COLLECTOR,
    KIND_DEVICE,
    KIND_DEVICE_CLASS,
    KIND_GROUP,
    KIND_POOL,
    KIND_PROCESS_SET,
    KIND_RETENTION_PLAN,
    TYPES,
    Collector,
    Device,
    DeviceClass,
    Entity,
    Group,
    Key,
    Layer,
    Pool,
    ProcessSet,
    RetentionPlan,
    Scope,
    kind_of,
    lineage,
    scope_of,
)
from hub.model.properties import Value
from hub.model.templates import KIND_TEMPLATE, UNBIND, Template

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


class Model:
    """Everything that is watched, at one revision; never changed, only replaced.

    Attributes:
        revision: number of the change that made it; 0 for an empty store.
        devices, classes, groups: by id; classes and groups that say something.
        templates, collectors, pools, plans: by id; of collectors those that have a document.
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
        "plans",
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
        self.plans: Mapping[str, RetentionPlan] = MappingProxyType(by_kind[KIND_RETENTION_PLAN])
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
        """What follows from all but devices, collectors, pools and plans, worked out once for each key."""
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
        """All that it holds: plans, collectors, pools, classes, groups, templates, devices, process sets.

        A model is told in one order, however it came about: sets in theirs, all others by id.
        """
        parts: tuple[Mapping[str, Entity], ...] = (
            self.plans,
            self.collectors,
            self.pools,
            self.classes,
            self.groups,
            self.templates,
            self.devices,
        )
        for part in parts:
            yield from (part[id_] for id_ in sorted(part))
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
        if touched <= {KIND_DEVICE, KIND_COLLECTOR, KIND_POOL, KIND_RETENTION_PLAN}:
            model._shared = self._shared
        return model

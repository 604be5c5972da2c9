"""The API of components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct

from common.components import Attributes, ComponentKind, Lock
from common.errors import NotFoundError, PermanentError, SettingsError
from hub.components.book import ComponentBook, find
from hub.components.modelrules import definition_of
from hub.components.values import Component, DeviceComponents, State
from hub.model.components import OF_COMPONENTS, component_key, holding, said_of, split_key
from hub.model.devicechanges import DeviceChanges
from hub.model.entities import Device
from hub.model.fields import unknown
from hub.model.model import Model
from hub.model.properties import Value
from hub.model.service import ModelService
from hub.web.call import Author, Call, Message
from hub.web.refusals import bad_request
from hub.web.router import Route
from hub.web.shapes import iso

OPERATOR = "operator"
KINDS = {kind.value: kind for kind in ComponentKind}
STATES = {state.value: state for state in State}
ANY = ""


class ComponentRow(Struct, frozen=True, kw_only=True):
    """A component; times are ISO 8601, null for never.

    Attributes:
        lock: what the modeler may not do to it.
        properties: what the device's document says of it.
    """

    id: str
    kind: str
    name: str
    state: str
    series: str
    anchor: str
    attributes: Attributes
    first_seen: str | None
    seen_at: str | None
    absent_since: str | None
    retired_at: str | None
    lock: list[str]
    properties: dict[str, Value]


class Components(Struct, frozen=True, kw_only=True):
    """What a device consists of.

    Attributes:
        modelled_at: when a modelling found out something last; null for never.
        problem: what ailed the last one; empty when all went well.
        attributes: of the device itself.
    """

    device: str
    modelled_at: str | None
    problem: str
    attributes: Attributes
    components: list[ComponentRow]


class Alter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to say of a component from now on; what is not named stays.

    Attributes:
        set: properties that get these values.
        reset: those that are inherited again.
        lock, unlock: what the modeler may not do, and may do again.
    """

    set: dict[str, Any] = {}
    reset: Annotated[list[str], Meta(max_length=100)] = []
    lock: list[Lock] = []
    unlock: list[Lock] = []
    author: Author = ""
    message: Message = ""


class Altered(Struct, frozen=True, kw_only=True):
    """What is said of a component now; `revision` is null when that was so already."""

    revision: int | None
    device: str
    component: str
    properties: dict[str, Value]


class Removed(Struct, frozen=True, kw_only=True):
    """The component that was forgotten."""

    device: str
    component: str
    id: str


class Named(Struct, frozen=True, kw_only=True):
    """A component by its name.

    Attributes:
        key: what the device's document calls it, or would.
        said: what that says of it.
        component: None for one that no modelling has found.
    """

    key: str
    said: Mapping[str, Value]
    component: Component | None


def read_key(text: str) -> tuple[ComponentKind, str]:
    """Kind and name of `KIND/NAME`."""
    try:
        return split_key(text)
    except ValueError as error:
        raise bad_request(f"component {text[:80]!r}: expected {error}") from None


def name_component(device: Device, held: DeviceComponents, kind: ComponentKind, name: str) -> Named:
    """Find a component by the name that it has, or had before.

    Raises:
        NotFoundError: neither a modelling nor the document knows it.
    """
    one, key = held.find(kind, name), component_key(kind, name)
    if one is None:
        if key not in device.components and held.modelled_at is not None:
            find(held, device.id, kind, name)
        return Named(key=key, said=said_of(device, kind, name), component=None)
    present, earlier = component_key(kind, one.name), component_key(kind, held.earlier_name(one))
    key = earlier if present not in device.components and earlier in device.components else present
    return Named(key=key, said=device.components.get(key, {}), component=one)


class ComponentTopic:
    """Lists components, says something of them, and forgets those that are gone."""

    def __init__(self, model: ModelService, book: ComponentBook) -> None:
        self._model = model
        self._book = book

    def routes(self) -> list[Route]:
        """What this topic answers; the slashes of a name are quoted."""
        one = "devices/{device}/components/{kind}/{name}"
        return [
            Route("GET", "devices/{device}/components", self.all),
            Route("GET", one, self.one),
            Route("PATCH", one, self.alter),
            Route("DELETE", one, self.remove),
        ]

    async def all(self, call: Call) -> Components:
        """List components in order of kind and name."""
        call.only("kind", "state")
        kind, state = call.choice("kind", ANY, {ANY, *KINDS}), call.choice("state", ANY, {ANY, *STATES})
        device = self._model.model.device(call.names["device"])
        held = self._book.of(device.id)
        return Components(
            device=device.id,
            modelled_at=iso(held.modelled_at),
            problem=held.problem,
            attributes=held.attributes,
            components=[
                self._row(device, held, one)
                for one in held.components
                if kind in {ANY, one.kind.value} and state in {ANY, one.state.value}
            ],
        )

    async def one(self, call: Call) -> ComponentRow:
        """Show one component."""
        call.only()
        device, (kind, name) = self._model.model.device(call.names["device"]), _named(call)
        held = self._book.of(device.id)
        return self._row(device, held, find(held, device.id, kind, name))

    async def alter(self, call: Call) -> Altered:
        """Change what the device's document says of a component."""
        call.only()
        wanted, (kind, name) = call.body(Alter), _named(call)
        strange = [unknown("property", one, OF_COMPONENTS) for one in wanted.reset if one not in OF_COMPONENTS]
        if strange:
            raise SettingsError(f"{component_key(kind, name)} cannot be changed so", strange)
        if (wanted.lock or wanted.unlock) and "lock" in {*wanted.set, *wanted.reset}:
            raise bad_request("lock is given twice: by itself, and among the properties")
        device_id = call.names["device"]
        device = self._model.model.device(device_id)
        named = name_component(device, self._book.of(device_id), kind, name)
        self._refuse_elsewhere(device_id, named, wanted.unlock)

        def alter(model: Model, present: Device, said: dict[str, Any]) -> Mapping[str, object]:
            after = {one: value for one, value in {**said, **wanted.set}.items() if one not in wanted.reset}
            if wanted.lock or wanted.unlock:
                words = holding(model, present, *split_key(named.key))["lock"]
                held = {Lock(word) for word in words} if isinstance(words, tuple) else set()
                locks = (held | {*wanted.lock}) - {*wanted.unlock}
                after["lock"] = [lock.value for lock in Lock if lock in locks]
            return after

        author = wanted.author or OPERATOR
        done = await DeviceChanges(self._model).alter_component(device_id, named.key, alter, author, wanted.message)
        properties = dict(done.device.components.get(named.key, {}))
        return Altered(revision=done.revision, device=device_id, component=named.key, properties=properties)

    def _refuse_elsewhere(self, device: str, named: Named, unlock: Sequence[Lock]) -> None:
        """Refuse to take locks from a component that its definition gives to all its sets."""
        if named.component is None:
            return
        definition = definition_of(self._model.model, named.component.kind, named.component.anchor)
        stays = ", ".join(lock.value for lock in Lock if lock in unlock and lock in definition.lock)
        if stays:
            raise PermanentError(
                f"{named.key} of {device} is locked against {stays} by the definition of its process set, "
                f"{definition.id}, for all devices; change `lock` there"
            )

    async def remove(self, call: Call) -> Removed:
        """Forget a component that is absent or retired; its series stay on the collector."""
        call.only()
        device = self._model.model.device(call.names["device"])
        one = await self._book.remove(device.id, *_named(call))
        return Removed(device=device.id, component=component_key(one.kind, one.name), id=one.id)

    def _row(self, device: Device, held: DeviceComponents, one: Component) -> ComponentRow:
        locks = self._book.locks(device.id, held)(one)
        return ComponentRow(
            id=one.id,
            kind=one.kind.value,
            name=one.name,
            state=one.state.value,
            series=one.series,
            anchor=one.anchor,
            attributes=one.attributes,
            first_seen=iso(one.first_seen),
            seen_at=iso(one.seen_at),
            absent_since=iso(one.absent_since),
            retired_at=iso(one.retired_at),
            lock=[lock.value for lock in Lock if lock in locks],
            properties=dict(said_of(device, one.kind, one.name, held.earlier_name(one))),
        )


def _named(call: Call) -> tuple[ComponentKind, str]:
    kind = KINDS.get(call.names["kind"])
    if kind is None:
        raise NotFoundError(f"there is no kind of component {call.names['kind'][:80]!r}; known: {', '.join(KINDS)}")
    return kind, call.names["name"]

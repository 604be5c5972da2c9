"""The API of devices."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from common.events import Severity
from hub.components.book import ComponentBook
from hub.distribution.distributor import Distributor
from hub.model.devicechanges import DeviceChanges
from hub.model.entities import Device as DeviceEntity
from hub.model.inheritance import DEFAULT, Explained, explain, explain_component
from hub.model.inheritance import Said as OriginSaid
from hub.model.properties import HIDDEN, Value, shown
from hub.model.service import ModelService
from hub.web.call import Call
from hub.web.components import name_component, read_key
from hub.web.moveshapes import FileMove
from hub.web.refusals import bad_request
from hub.web.router import Route
from hub.web.shapes import Device, iso

OPERATOR = "operator"
MAX_MESSAGE = 4096


class Devices(Struct, frozen=True):
    """All devices."""

    devices: list[Device]


class Put(Struct, frozen=True):
    """What became of a device; `revision` is null when it was so already."""

    revision: int | None
    created: bool
    device: Device


class Said(Struct, frozen=True):
    """What a class, a group, the device or the default says of a property."""

    origin: str
    value: Value


class PropertyRow(Struct, frozen=True, kw_only=True):
    """A property with the value that holds; `overrides` is what that hides, the nearest first."""

    name: str
    value: Value
    unit: str
    origin: str
    description: str
    overrides: list[Said]


class Properties(Struct, frozen=True):
    """Every property of a device."""

    device: str
    properties: list[PropertyRow]


class Removed(Struct, frozen=True):
    """The revision that removed it."""

    revision: int


class DeviceTopic:
    """Lists, adds, changes and removes devices."""

    def __init__(
        self,
        model: ModelService,
        distributor: Distributor,
        open_counts: Callable[[], Awaitable[dict[str, dict[int, int]]]],
        book: ComponentBook,
        moves: Callable[[str], list[FileMove]] = lambda _: [],
    ) -> None:
        self._model = model
        self._distributor = distributor
        self._open_counts = open_counts
        self._book = book
        self._moves = moves

    def routes(self) -> list[Route]:
        """What this topic answers."""
        return [
            Route("GET", "devices", self.all),
            Route("GET", "devices/{device}", self.one),
            Route("GET", "devices/{device}/properties", self.properties),
            Route("PUT", "devices/{device}", self.put),
            Route("PATCH", "devices/{device}", self.alter),
            Route("DELETE", "devices/{device}", self.remove),
        ]

    async def all(self, call: Call) -> Devices:
        """List devices in order of their ids."""
        call.only()
        counts = await self._open_counts()
        devices = self._model.model.devices
        return Devices([self._shape(devices[name], counts) for name in sorted(devices)])

    async def one(self, call: Call) -> Device:
        """Show one device."""
        call.only()
        device = self._model.model.device(call.names["device"])
        attributes = self._book.of(device.id).attributes
        shape = self._shape(device, await self._open_counts())
        return replace(shape, attributes=attributes, moves=self._moves(device.id))

    async def put(self, call: Call) -> Put:
        """Add a device, or put another in its place; what the body leaves out is at its default afterwards."""
        call.only()
        fields = call.body(dict[str, Any])
        author, text = _word(fields, "author") or OPERATOR, _word(fields, "message")
        if "id" in fields:
            raise bad_request("the id of a device stands in the path, not in the body")
        done = await DeviceChanges(self._model).put(call.names["device"], fields, author, text)
        return Put(done.revision, done.created, self._shape(done.device, await self._open_counts()))

    async def alter(self, call: Call) -> Put:
        """Change what the body names.

        `set` gives properties values, `reset` has them inherited again; `bind` and `unbind` are about templates, and
        `inherit` takes back what they said.
        """
        call.only()
        fields = call.body(dict[str, Any])
        author, text = _word(fields, "author") or OPERATOR, _word(fields, "message")
        put, reset = fields.pop("set", {}), fields.pop("reset", [])
        bind, unbind, inherit = (fields.pop(name, []) for name in ("bind", "unbind", "inherit"))
        if not isinstance(put, dict) or not all(_are_words(words) for words in (reset, bind, unbind, inherit)):
            raise bad_request(
                "wanted set as an object of properties and their values; "
                "reset, bind, unbind and inherit as lists of names"
            )
        if "id" in fields or "properties" in fields:
            raise bad_request("the id of a device stays; its properties are changed by set and reset")
        done = await DeviceChanges(self._model).alter(
            call.names["device"], fields, author, text, put=put, reset=reset, bind=bind, unbind=unbind, inherit=inherit
        )
        return Put(done.revision, done.created, self._shape(done.device, await self._open_counts()))

    async def properties(self, call: Call) -> Properties:
        """Tell where each property of a device, or of one of its components, comes from; secrets are hidden."""
        call.only("component")
        model = self._model.model
        device = model.device(call.names["device"])
        component = call.text("component")
        if component is None:
            return Properties(device.id, [_property(explained) for explained in explain(model, device)])
        named = name_component(device, self._book.of(device.id), *read_key(component))
        told = explain_component(model, device, named.key, named.said)
        return Properties(device.id, [_property(explained) for explained in told])

    async def remove(self, call: Call) -> Removed:
        """Remove a device; its series stay on the collector."""
        call.only("message", "author")
        author, text = call.text("author") or OPERATOR, call.text("message") or ""
        return Removed(await DeviceChanges(self._model).remove(call.names["device"], author, text))

    def _shape(self, device: DeviceEntity, counts: dict[str, dict[int, int]]) -> Device:
        return Device(
            id=device.id,
            address=device.address,
            class_=device.class_,
            collector=device.collector,
            collected_by=self._distributor.owner(device.id) or device.collector,
            state=device.state.value,
            groups=list(device.groups),
            properties=dict(shown(device.properties)),
            templates=list(device.templates),
            components=self._number(device),
            open_events={Severity(level).label: number for level, number in counts.get(device.id, {}).items()},
            modelled_at=iso(self._book.modelled_at(device.id)),
            in_sync=self._distributor.in_sync(device.id),
        )

    def _number(self, device: DeviceEntity) -> int:
        """How many components it has; before it was modelled, how many definitions apply to it."""
        number = self._book.number(device.id)
        return sum(one.monitor for one in self._model.model.sets_of(device)) if number is None else number


def _property(explained: Explained) -> PropertyRow:
    prop = explained.prop

    def seen(said: OriginSaid) -> Value:
        return HIDDEN if prop.secret and said.origin != DEFAULT else said.value  # a default is no secret

    return PropertyRow(
        name=prop.name,
        value=seen(explained.holds),
        unit=prop.unit,
        origin=explained.holds.origin,
        description=prop.description,
        overrides=[Said(said.origin, seen(said)) for said in explained.said[1:]],
    )


def _are_words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _word(fields: dict[str, Any], name: str) -> str:
    """Take a text that is not the device's own out of the body."""
    value = fields.pop(name, "")
    if not isinstance(value, str) or len(value) > MAX_MESSAGE:
        raise bad_request(f"{name}: wanted a text of up to {MAX_MESSAGE} characters")
    return value

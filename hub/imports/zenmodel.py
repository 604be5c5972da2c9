"""Entries of a Zenoss batch file as documents of ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from common.errors import SettingsError
from hub.imports import zennames, zenvalues
from hub.imports.report import Imported, Made, Notes, Secret
from hub.imports.zenbatch import Batch, Entry
from hub.imports.zendevices import PRODUCTION, WATCHED_FROM, Fields, claim_group, read_fields
from hub.imports.zenprocesses import ProcessClasses, is_class
from hub.imports.zensnmp import Layer, settle
from hub.model.documents import read_entity
from hub.model.entities import lineage
from hub.model.fields import cut
from hub.model.kinds import ADDRESS, CLASS_PATH
from hub.model.properties import Value

DISCOVERED = "/Discovered"
"""The class of devices that stand below no organizer of devices; also Zenoss puts them there."""


class _Device(Struct, frozen=True):
    """A device, and what the organizer above it says."""

    entry: Entry
    class_: str
    own: Fields
    defaults: Fields


class _Class(Layer):
    """What is said of a device class, over all lines that name it."""

    description: str = ""


def documents_of(batch: Batch) -> Imported:
    """Make documents of entries, and a report of what has no equivalent. Each is checked as `apply` checks it."""
    notes = Notes()
    notes.mistakes += batch.mistakes
    made = [] if batch.mistakes and not batch.entries else _Conversion(notes).made(batch)
    for one in made:
        _check(one, notes)
    mistakes = tuple(sorted(set(notes.mistakes)))
    return Imported(tuple(made), notes.losses(), tuple(notes.renamed), mistakes)


def _check(made: Made, notes: Notes) -> None:
    fields = {name: value for name, value in made.document.items() if name != "kind"}
    if "properties" in fields:
        fields["properties"] = {name: _revealed(value) for name, value in fields["properties"].items()}
    try:
        read_entity(made.document["kind"], fields)
    except SettingsError as error:
        label = f"{made.document['kind']} {cut(made.document['id'])}"
        for sentence in error.details:
            notes.wrong(made.line, 1, f"{label}: {sentence}")


def _revealed(value: Value | Secret) -> object:
    return value.value if isinstance(value, Secret) else value


class _Conversion:
    """Reads entries in their order; documents are made when all have been read, as later lines may say more."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._classes: dict[str, _Class] = {}
        self._groups: dict[str, Made] = {}
        self._devices: list[_Device] = []
        self._processes = ProcessClasses(notes)
        self._root = "Devices"
        self._parts: list[str] = zennames.parts_of(DISCOVERED)
        self._defaults = Fields()

    def made(self, batch: Batch) -> list[Made]:
        for entry in batch.entries:
            if entry.is_organizer:
                self._organizer(entry)
            else:
                self._below(entry)
        devices = [(one, self._layer(one)) for one in self._devices if not (one.own.left_out or one.defaults.left_out)]
        self._settle([*self._above(one.class_), layer] for one, layer in devices)
        made = [self._made_device(one, layer.properties) for one, layer in devices if self._claimed(one)]
        return [*self._made_classes(), *self._groups.values(), *made, *self._processes.made()]

    def _organizer(self, entry: Entry) -> None:
        self._root, self._parts = zennames.split_root(entry.name)
        self._defaults = Fields()
        if self._root == "Devices":
            self._class(entry)
        elif self._root == "Processes":
            if is_class(entry):
                self._processes.process_class(entry, self._parts)
                self._parts = self._parts[:-1]
            else:
                self._processes.organizer(entry, self._parts)
        elif self._root in zennames.GROUP_WORDS:
            self._group(entry)
        else:
            self._notes.lost(f"/{self._root}", entry.line, "organizers of this kind have no equivalent")

    def _below(self, entry: Entry) -> None:
        if self._root == "Processes":
            self._processes.process_class(entry, [*self._parts, entry.name])
        elif is_class(entry):
            self._processes.process_class(entry, [entry.name])
        elif self._root in zennames.FOREIGN:
            self._notes.lost(f"/{self._root}", entry.line, "what stands below has no equivalent")
        else:
            inherits = self._root == "Devices"
            class_ = zennames.class_path(self._parts) if inherits else DISCOVERED
            own = read_fields(entry.settings, self._notes, name=entry.name)
            self._devices.append(_Device(entry, class_, own, self._defaults if inherits else Fields()))

    def _class(self, entry: Entry) -> None:
        path = zennames.class_path(self._parts)
        if not re.fullmatch(CLASS_PATH, path):
            why = "each of up to 10 parts has up to 100 characters, and a letter or a digit among them"
            self._notes.wrong(entry.line, 1, f"'{cut(entry.name)}' cannot be a device class: {why}; rename it")
            self._parts = zennames.parts_of(DISCOVERED)
            path = DISCOVERED
        else:
            self._notes.claim("DeviceClass", "/" + "/".join(self._parts), path, entry.line)
        self._defaults = fields = read_fields(entry.settings, self._notes, is_class=True)
        known = self._classes.setdefault(path, _Class(entry.line, {}))
        known.description = fields.description or known.description
        known.properties |= fields.properties
        known.refused |= fields.refused

    def _group(self, entry: Entry) -> None:
        described: list[str] = []
        for setting in entry.settings:
            if setting.name not in {"description", "address", "setAddress"}:
                why = "groups inherit nothing from each other in Zenoss, and have descriptions only"
                self._notes.lost(setting.name, setting.line, why)
                continue
            try:
                described.append(zenvalues.text(setting.value).strip())
            except zenvalues.WrongValueError as error:
                self._notes.wrong(setting.line, setting.column, f"{setting.name}: {error}")
        text = "\n".join(one for one in described if one)
        if self._parts:
            id_ = claim_group(self._root, self._parts, entry.line, self._notes)
            if id_ and text:
                self._groups[id_] = Made({"kind": "Group", "id": id_, "description": text}, entry.line)

    def _made_classes(self) -> Iterator[Made]:
        for path, said in self._classes.items():
            fields = {"description": said.description, "properties": said.properties}
            if said.description or said.properties:
                yield Made({"kind": "DeviceClass", "id": path, **_said(fields)}, said.line)

    def _settle(self, devices: Iterable[list[Layer]]) -> None:
        """Let no device be unwatchable for what was refused, nor one that comes later into a class without devices."""
        chains = list(devices)
        inhabited = {id(layer) for chain in chains for layer in chain}
        empty = (path for path, one in self._classes.items() if one.refused and id(one) not in inhabited)
        settle([*chains, *(self._above(path) for path in empty)], self._notes)

    def _above(self, class_: str) -> list[Layer]:
        return [self._classes[path] for path in lineage(class_) if path in self._classes]

    def _claimed(self, device: _Device) -> bool:
        entry = device.entry
        return self._notes.claim("Device", entry.name, zennames.device_id(entry.name), entry.line, once=True)

    def _made_device(self, device: _Device, properties: dict[str, Value | Secret]) -> Made:
        entry = device.entry
        fields = self._fields(device, device.own.over(device.defaults), properties)
        return Made({"kind": "Device", "id": zennames.device_id(entry.name), **fields}, entry.line)

    def _fields(self, device: _Device, fields: Fields, properties: dict[str, Value | Secret]) -> dict[str, Any]:
        address = fields.address or device.entry.name
        if not fields.address and not re.fullmatch(ADDRESS, address):
            self._notes.wrong(
                device.entry.line, 1, f"'{cut(address)}' is no host name; say the address with setManageIp"
            )
            address = ""
        state = PRODUCTION if fields.state is None else fields.state
        if state < WATCHED_FROM:
            properties["monitor"] = False
        found = {
            "address": address,
            "class": device.class_,
            "collector": fields.collector,
            "groups": list(dict.fromkeys(id_ for ids in fields.groups.values() for id_ in ids)),
            "state": "" if state >= PRODUCTION else "maintenance",
            "properties": properties,
        }
        return _said(found)

    def _layer(self, device: _Device) -> Layer:
        """What has to be said on the device: its own, and what its organizer's line said if the class says another."""
        inherited: dict[str, Value | Secret] = {}
        for layer in self._above(device.class_):
            inherited |= layer.properties
        kept = {name: value for name, value in device.defaults.properties.items() if inherited.get(name) != value}
        return Layer(device.entry.line, {**kept, **device.own.properties})


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields that say something."""
    return {name: value for name, value in fields.items() if value}

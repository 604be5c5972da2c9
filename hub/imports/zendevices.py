"""What an entry says of devices, as fields of our documents."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from hub.imports import zennames, zenvalues
from hub.imports.literals import Setting
from hub.imports.report import Notes, Secret
from hub.imports.zenproperties import Z_PROPERTIES, NoEquivalentError, convert, is_needed, why_not
from hub.model.fields import cut
from hub.model.kinds import GROUP
from hub.model.properties import Value

WATCHED_FROM = 300  # the default of zProdStateThreshold
PRODUCTION = 1000
MAINTENANCE = 300
_NAMES_OF_STATES = {500: "Pre-Production", 400: "Test", -1: "Decommissioned"}

_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "setManageIp": "manageIp",
        "setPerformanceMonitor": "performanceMonitor",
        "setProdState": "productionState",
        "setLocation": "locationPath",
        "setGroups": "groupPaths",
        "setSystems": "systemPaths",
        "setTitle": "title",
        "setComments": "comments",
        "setDescription": "description",
        "setPriority": "priority",
    }
)
_UNNEEDED: Mapping[str, str] = MappingProxyType(
    {
        "title": "a device is called by its id",
        "comments": "devices have no comments; write them into the YAML file, behind #",
        "priority": "devices have no priority; give their process sets severities",
        "discoverProto": "what is imported is not discovered",
        "setLastChange": "the history of the model begins with the import",
        "devicePath": "the line of the organizer says it",
        "deviceName": "the entry's name says it",
    }
)
_INVENTORY = re.compile(r"(set)?(HW|OS|hw|os)[A-Z]|(set)?[rR]ackSlot|tag$|serialNumber$")
_ROOTS = {"locationPath": "Locations", "groupPaths": "Groups", "systemPaths": "Systems"}


class Fields(Struct, frozen=True):
    """What an entry says.

    Attributes:
        groups: ids by the kind of organizer.
        left_out: it is made by a loader, and no host.
        refused: names of properties that could not be taken.
    """

    properties: dict[str, Value | Secret] = {}
    address: str = ""
    collector: str = ""
    state: int | None = None
    description: str = ""
    groups: dict[str, list[str]] = {}
    left_out: bool = False
    refused: frozenset[str] = frozenset()

    def over(self, defaults: Fields) -> Fields:
        """These, and where they say nothing the defaults."""
        return Fields(
            properties={**defaults.properties, **self.properties},
            address=self.address or defaults.address,
            collector=self.collector or defaults.collector,
            state=defaults.state if self.state is None else self.state,
            groups={**defaults.groups, **self.groups},
            left_out=self.left_out or defaults.left_out,
        )


def read_fields(settings: tuple[Setting, ...], notes: Notes, *, name: str = "", is_class: bool = False) -> Fields:
    """Read the settings of a device, or of an organizer of devices.

    Args:
        settings: of the entry.
        notes: get what has no equivalent, and what is wrong.
        name: of the device.
        is_class: only a class has a description.
    """
    found: dict[str, Any] = {"properties": {}, "groups": {}}
    refused: set[str] = set()
    flat = _flat(settings)
    for word, setting in flat.items():
        try:
            if word in Z_PROPERTIES:
                _read_property(word, setting, flat, found["properties"])
            elif word in _READERS:
                _READERS[word](setting, found, notes)
            elif word == "description" and is_class:
                found["description"] = zenvalues.text(setting.value)
            elif not (word == "title" and setting.value == name):
                _lose(word, setting, notes)
        except zenvalues.WrongValueError as error:
            notes.wrong(setting.line, setting.column, f"{setting.name}: {error}")
        except NoEquivalentError as error:
            notes.lost(setting.name, setting.line, str(error))
            refused.add(Z_PROPERTIES[word].name)
    return Fields(**found, refused=frozenset(refused))


def _flat(settings: tuple[Setting, ...]) -> dict[str, Setting]:
    """Settings by the word that all their names stand for; a dict of properties counts as if each stood there."""
    found: dict[str, Setting] = {}
    for setting in settings:
        if setting.name in {"zProperties", "cProperties"} and isinstance(setting.value, dict):
            found |= {name: Setting(name, value, setting.line, setting.column) for name, value in setting.value.items()}
        elif setting.name != "loader_arg_keys":
            found[_ALIASES.get(setting.name, setting.name)] = setting
    return found


def _read_property(
    word: str, setting: Setting, flat: Mapping[str, Setting], properties: dict[str, Value | Secret]
) -> None:
    if word == "zSnmpCommunities" and "zSnmpCommunity" in flat:
        return  # it is what to try where the community is not known
    name, value = convert(word, setting.value)
    if name == "monitor":
        value = bool(value) and bool(properties.get(name, True))  # zMonitor and zSnmpMonitorIgnore both say it
    properties[name] = value


def _read_address(setting: Setting, found: dict[str, Any], _notes: Notes) -> None:
    found["address"] = zenvalues.text(setting.value).strip().partition("/")[0]


def _read_collector(setting: Setting, found: dict[str, Any], notes: Notes) -> None:
    name = zenvalues.text(setting.value).strip()
    id_ = zennames.collector_id(name) if name else ""
    if id_:
        notes.claim("Collector", name, id_, setting.line, title=id_ if name == "localhost" else name)
    found["collector"] = id_


def _read_state(setting: Setting, found: dict[str, Any], notes: Notes) -> None:
    state = found["state"] = zenvalues.whole(setting.value)
    if state not in {PRODUCTION, MAINTENANCE}:
        here = "production" if state >= PRODUCTION else "maintenance"
        unwatched = "" if state >= WATCHED_FROM else ", and monitor: false, as they are not watched there either"
        word = _NAMES_OF_STATES.get(state, "another state")
        notes.lost(
            setting.name, setting.line, f"{state} ({word}) became {here}{unwatched}; there are only two states here"
        )


def _read_groups(setting: Setting, found: dict[str, Any], notes: Notes) -> None:
    word = _ALIASES.get(setting.name, setting.name)
    root = _ROOTS[word]
    claimed = [
        claim_group(root, parts, setting.line, notes)
        for path in zenvalues.texts(setting.value)
        if (parts := zennames.below_root(root, path))
    ]
    found["groups"][root] = [id_ for id_ in claimed if id_]


def _read_loader(setting: Setting, found: dict[str, Any], notes: Notes) -> None:
    found["left_out"] = True
    notes.lost("loader", setting.line, "what a loader of a ZenPack makes is no host with a process table")


def claim_group(root: str, parts: list[str], line: int, notes: Notes) -> str:
    """The id of the group for a location, group or system; empty, and a mistake, when there can be none."""
    title = zennames.group_title(root, parts)
    id_ = zennames.group_id(title)
    if not re.fullmatch(GROUP, id_):
        why = "a group's id, made of the whole path, has up to 100 characters"
        notes.wrong(line, 1, f"'{cut(title)}' cannot be a group: {why}; shorten it")
        return ""
    notes.claim("Group", f"/{root}/{'/'.join(parts)}", id_, line, title=title)
    return id_


def _lose(word: str, setting: Setting, notes: Notes) -> None:
    if word in _UNNEEDED:
        notes.lost(setting.name, setting.line, _UNNEEDED[word], needed=False)
    elif _INVENTORY.match(word):
        notes.lost(setting.name, setting.line, "no inventory is kept; the modeler finds what it can", needed=False)
    else:
        why = why_not(word) or "it is no setting that is known"
        notes.lost(setting.name, setting.line, why, needed=is_needed(word))


_READERS: Mapping[str, Callable[[Setting, dict[str, Any], Notes], None]] = MappingProxyType(
    {
        "manageIp": _read_address,
        "performanceMonitor": _read_collector,
        "productionState": _read_state,
        "loader": _read_loader,
        **dict.fromkeys(_ROOTS, _read_groups),
    }
)

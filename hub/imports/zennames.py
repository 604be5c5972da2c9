"""Names of Zenoss as ids of ours: characters that an id may not have become `_`."""

from __future__ import annotations

import re

_NOT_DEVICE = re.compile(r"[^A-Za-z0-9_.:-]")
_NOT_SLUG = re.compile(r"[^A-Za-z0-9_.-]")
_NOT_GROUP = re.compile(r"[^A-Za-z0-9 _.-]")
_HEAD = re.compile(r"^[^A-Za-z0-9]+")

ROOTS = ("Devices", "Locations", "Groups", "Systems", "Processes")
"""Organizers that are read."""
FOREIGN = ("Services", "Networks", "IPv6Networks", "Manufacturers", "Events", "Reports", "Mibs", "Monitors")
"""Organizers that hold something else than devices and process classes."""
GROUP_WORDS = {"Locations": "Location", "Groups": "Group", "Systems": "System"}
_CLASSES = "osProcessClasses"


def parts_of(path: str) -> list[str]:
    """The names that a path is made of."""
    return [part.strip() for part in path.split("/") if part.strip()]


def split_root(path: str) -> tuple[str, list[str]]:
    """Which kind of organizer a path names, and the parts below; a path without one is that of a device class."""
    parts = parts_of(path)
    return (parts[0], parts[1:]) if parts and parts[0] in (*ROOTS, *FOREIGN) else ("Devices", parts)


def device_id(name: str) -> str:
    """An id of a device."""
    return _headed(_NOT_DEVICE.sub("_", name))


def collector_id(name: str) -> str:
    """The name of a collector; the one that every Zenoss has is the one that every Tocsin has."""
    return "local" if name == "localhost" else _headed(_NOT_SLUG.sub("_", name))


def class_path(parts: list[str]) -> str:
    """The path of a device class."""
    return "/" + "/".join(_headed(_NOT_GROUP.sub("_", part)) for part in parts)


def below_root(root: str, path: str) -> list[str]:
    """The parts of a path below an organizer's root, which it may begin with or leave out."""
    parts = parts_of(path)
    return parts[1:] if parts[:1] == [root] else parts


def group_title(root: str, parts: list[str]) -> str:
    """What a location, group or system is called: `Location Berlin - Hall 2`."""
    return f"{GROUP_WORDS[root]} {' - '.join(parts)}"


def group_id(title: str) -> str:
    """An id of a group."""
    return _NOT_GROUP.sub("_", title)


def process_path(parts: list[str]) -> list[str]:
    """The path of a process class below /Processes, without the word that Zenoss keeps them under."""
    return [part for part in parts if part != _CLASSES]


def set_id(parts: list[str]) -> str:
    """An id of a process set: its class's path with dots."""
    return _headed(_NOT_SLUG.sub("_", ".".join(parts)))


def _headed(name: str) -> str:
    return _HEAD.sub("", name)

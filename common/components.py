"""Components: what a device consists of, as the modeler finds it and the hub keeps it."""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta, Struct

MAX_NAME = 255
PLUGINS = ("identity", "processes", "interfaces", "filesystems", "hardware")
"""What the modeler can look for."""

ComponentName = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
FoundName = Annotated[str, Meta(min_length=1, max_length=MAX_NAME, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
AttributeText = Annotated[str, Meta(max_length=2048)]
Attribute = AttributeText | int | float | bool
Attributes = Annotated[dict[Annotated[str, Meta(max_length=100)], Attribute], Meta(max_length=100)]

MOMENTARY = frozenset({"count", "example"})
"""Attributes that are of the moment when somebody looked: another value of them is no change of a component."""


class ComponentKind(enum.Enum):
    """What a component is."""

    PROCESS_SET = "process_set"
    INTERFACE = "interface"
    FILESYSTEM = "filesystem"
    CPU = "cpu"
    MEMORY = "memory"


class Lock(enum.Enum):
    """What the modeler may not do to a component."""

    DELETE = "delete"
    UPDATE = "update"


class FoundComponent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A component as one modelling found it.

    Attributes:
        name: its identity on the device among those of its kind: the name of a process set, ifName, the mount point.
        anchor: what stays the same when the name changes, for example a MAC address, or the id of a process set's
            definition; empty when there is no such thing. Two components of a kind may have the same.
        attributes: figures and texts about it, with units in their names.
    """

    kind: ComponentKind
    name: FoundName
    anchor: Annotated[str, Meta(max_length=255)] = ""
    attributes: Attributes = {}

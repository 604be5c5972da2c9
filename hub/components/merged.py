"""What a modelling changed, for people and programs to read."""

from __future__ import annotations

import enum

from msgspec import Struct

from common.components import ComponentKind
from hub.components.values import DeviceComponents
from hub.model.diff import FieldChange


class What(enum.Enum):
    """What a report of a modelling says of a component."""

    ADDED = "added"
    CHANGED = "changed"
    RENAMED = "renamed"
    BACK = "back"
    """It was absent or retired, and is present again."""
    MISSED = "missed"
    """It was present, and is absent now."""
    STILL_ABSENT = "still absent"
    KEPT = "kept"
    """A lock has kept it as it was."""
    DOUBLE = "double"
    """It was found more than once; the first goes."""


CHANGES = frozenset({What.ADDED, What.CHANGED, What.RENAMED, What.BACK, What.MISSED})
"""Those that change what the hub holds."""


class Note(Struct, frozen=True, kw_only=True):
    """What is said of one component.

    Attributes:
        name: that it has now.
        before: the name that it had before it was renamed; empty otherwise.
        fields: what changed, or what a lock has kept from changing.
    """

    what: What
    kind: ComponentKind
    name: str
    before: str = ""
    fields: tuple[FieldChange, ...] = ()


class Merged(Struct, frozen=True, kw_only=True):
    """What a report does to what the hub holds of a device.

    Attributes:
        after: what is held then.
        notes: by kind and name.
        attributes: those of the device itself that changed.
        problems: by plugin, why nothing of it was believed; the empty name stands for the whole report.
        left_out: how many new components were too many.
    """

    device: str
    after: DeviceComponents
    notes: tuple[Note, ...] = ()
    attributes: tuple[FieldChange, ...] = ()
    problems: dict[str, str] = {}
    left_out: int = 0

    def of(self, what: What) -> list[Note]:
        """The notes that say one thing."""
        return [note for note in self.notes if note.what is what]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found that the hub did not know."""
        return not self.attributes and not any(note.what in CHANGES for note in self.notes)

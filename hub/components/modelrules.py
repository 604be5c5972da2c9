"""What the model says of components, for the book."""

from __future__ import annotations

from collections.abc import Callable

from common.components import ComponentKind, Lock
from hub.components.names import is_fixed
from hub.components.values import Component
from hub.model.components import holding
from hub.model.definitions import to_config
from hub.model.entities import (
    KIND_PROCESS_SET,
    ProcessSet,
    scope_of,
)
from hub.model.model import Model
from hub.model.properties import Value, default_of

NOBODY = ProcessSet(id="nobody", order=0, include="x")
"""Has defined what no definition of the model has."""
RETIRE_AFTER = "retire_after_days"


def fixed_name(definition: ProcessSet) -> str:
    """The name of the one set that a definition makes; empty where it may make many."""
    name = to_config(definition).name
    return name if is_fixed(name) else ""


def definition_of(model: Model, kind: ComponentKind, anchor: str) -> ProcessSet:
    """What has defined a process set; `NOBODY` for what no definition of the model has."""
    found = model.get((KIND_PROCESS_SET, anchor)) if kind is ComponentKind.PROCESS_SET else None
    return found if isinstance(found, ProcessSet) else NOBODY


class ModelRules:
    """Asks whatever model is the newest."""

    def __init__(self, model: Callable[[], Model]) -> None:
        self._model = model

    def has(self, device: str) -> bool:
        """Whether there is such a device."""
        return device in self._model().devices

    def locks(self, device: str, one: Component, earlier: str) -> tuple[Lock, ...]:
        """What may not be done to a component."""
        words = self._holding(device, one, earlier).get("lock")
        said = tuple(Lock(word) for word in words) if isinstance(words, tuple) else ()
        return (*said, *self._definition(one.kind, one.anchor).lock)

    def retire_after_days(self, device: str, one: Component, earlier: str) -> float:
        """How long a component may be absent; for ever on a device that is not there."""
        days = self._holding(device, one, earlier).get(RETIRE_AFTER)
        return float(days) if isinstance(days, int | float) else float("inf")

    def least_retire_after_days(self, device: str) -> float:
        """How long any component of a device may be absent at the least."""
        model = self._model()
        found = model.devices.get(device)
        if found is None:
            return float("inf")
        values = model.properties_of(found)
        of_all = values[RETIRE_AFTER] if RETIRE_AFTER in values else default_of(RETIRE_AFTER, values)
        own = [said[RETIRE_AFTER] for said in found.components.values() if RETIRE_AFTER in said]
        return min(float(days) for days in (of_all, *own) if isinstance(days, int | float))

    def is_required(self, device: str, one: Component) -> bool:
        """Whether a process set has to run, seen or not."""
        found, definition = self._model().devices.get(device), self._definition(one.kind, one.anchor)
        return found is not None and definition.required and definition.applies(*scope_of(found))

    def identifies(self, kind: ComponentKind, anchor: str) -> bool:
        """Whether an anchor can stand for one component alone.

        A definition whose sets are named after parts of the command line makes many: where one of these ends and
        another begins, it is not the same.
        """
        if kind is not ComponentKind.PROCESS_SET:
            return True
        definition = self._definition(kind, anchor)
        return definition is not NOBODY and fixed_name(definition) != ""

    def _definition(self, kind: ComponentKind, anchor: str) -> ProcessSet:
        return definition_of(self._model(), kind, anchor)

    def _holding(self, device: str, one: Component, earlier: str) -> dict[str, Value]:
        model = self._model()
        found = model.devices.get(device)
        return {} if found is None else holding(model, found, one.kind, one.name, earlier)

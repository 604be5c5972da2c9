"""Reports of modellings, made short."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from common.components import Attribute, ComponentKind, FoundComponent
from common.wire import ModelReport, PluginOutcome

NOW = 1_800_000_000.0
SET, PORT = ComponentKind.PROCESS_SET, ComponentKind.INTERFACE


def found(name: str, anchor: str = "", kind: ComponentKind = SET, **attributes: Attribute) -> FoundComponent:
    return FoundComponent(kind=kind, name=name, anchor=anchor, attributes=attributes)


def outcome(*components: FoundComponent, kinds: tuple[ComponentKind, ...] = (SET,), **fields: Any) -> PluginOutcome:
    return PluginOutcome(**{"plugin": "processes", "kinds": list(kinds), "components": list(components), **fields})


def report(*parts: FoundComponent | PluginOutcome, at: float = NOW, device: str = "web1", **fields: Any) -> ModelReport:
    """A report of some outcomes; components that stand alone are those of one outcome."""
    outcomes = [part for part in parts if isinstance(part, PluginOutcome)]
    components = [part for part in parts if isinstance(part, FoundComponent)]
    if components or not (outcomes or fields.get("problem")):
        outcomes.append(outcome(*components))
    return ModelReport(device=device, at=at, outcomes=outcomes, **fields)


def ids() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"{next(numbers):016x}"

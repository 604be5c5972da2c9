"""What kind of component it is whose graph is wanted, by what is read of it (pure).

A component that came by a source, as the row of a walk, is in no book: its kind is that of the templates whose sources
it has.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from common.processpoints import PROCESS_SOURCE
from common.sources import DEVICE
from hub.model.bound import resolution_of
from hub.model.entities import Device
from hub.model.model import Model
from hub.model.sources import SourceType
from hub.model.templates import Target

SETS = Target.PROCESS_SET.value


def kinds_of(model: Model, device: Device, component: str, sources: Collection[str]) -> Sequence[str]:
    """The kinds that a component is of: as a rule one.

    Args:
        model: whose templates.
        device: whose component.
        component: its name; empty for the device itself.
        sources: names of those that it has.
    """
    if not component:
        return (DEVICE,)
    found = [SETS] if PROCESS_SOURCE in sources else []
    found += [
        kind for kind in all_kinds(model, device) if kind not in {DEVICE, SETS} and _has(model, device, kind, sources)
    ]
    return found


def all_kinds(model: Model, device: Device) -> Sequence[str]:
    """The kinds that templates of a device are for: process sets and the device itself before all others."""
    there = {str(one.template.component) for one in resolution_of(model, device).held}
    first = [kind for kind in (SETS, DEVICE) if kind in there]
    return [*first, *sorted(there - {SETS, DEVICE})]


def _has(model: Model, device: Device, kind: str, sources: Collection[str]) -> bool:
    templates = resolution_of(model, device).of(kind)
    own = {id_ for one in templates for id_, source in one.sources.items() if source.type is not SourceType.PROCESS}
    return not own.isdisjoint(sources)

"""How the sets of a device are, as people are shown; made when somebody asks (pure)."""

from __future__ import annotations

from collectors.process.events import COUNT, RESTARTING, TWICE
from collectors.process.expectations import Expectations
from collectors.process.figures import set_figures
from collectors.process.memory import DeviceMemory, SetMemory
from collectors.process.tables import View
from common.roll import SetState, SetStatus


def statuses(device: str, memory: DeviceMemory, expectations: Expectations, view: View) -> list[SetStatus]:
    """All sets, in order of their names, from what is remembered of them and the last table that could be believed."""
    members = view.members()
    found = []
    for component, kept in sorted(memory.sets.items()):
        rows = members.get(component, {})
        figures = set_figures(kept, rows, view.used, view.table.at) if kept.seen else {}
        size = figures.get("memory")
        found.append(
            SetStatus(
                device=device,
                set=component,
                definition=kept.definition,
                state=_state(kept),
                count=len(kept.pids),
                pids=tuple(sorted(kept.pids)),
                cpu_percent=figures.get("cpu"),
                memory_bytes=int(size) if size is not None else None,
                restarts=kept.restarts,
                since=kept.since,
                fault=_fault(component, kept, expectations),
            )
        )
    return found


def _state(kept: SetMemory) -> SetState:
    if kept.missing:
        return SetState.MISSING
    return SetState.RESTARTING if RESTARTING in kept.alarms else SetState.UP


def _fault(component: str, kept: SetMemory, expectations: Expectations) -> str:
    """What is wrong with a set that is up."""
    if not kept.missing and TWICE in kept.alarms:
        return "too many"
    if kept.missing or COUNT not in kept.alarms or not expectations.has(kept.definition):
        return ""
    definition = expectations.definition_of(component, kept.definition)
    return "too few" if len(kept.pids) < (definition.count_min or 0) else "too many"

"""What ends without a reading: by what operators decide, and because it is read no more (pure)."""

from __future__ import annotations

from collections.abc import Collection

from collectors.framework.judging.thresholdwords import KEY_PREFIX, end_event
from collectors.framework.sources.memory import DeviceMemory, SourceMemory
from collectors.framework.sources.plans import SourcePlans
from collectors.framework.sources.problems import event_of
from common.events import Event
from common.queries import Decision


def source_of(decision: Decision) -> str:
    """Which source the alarm of a threshold is of."""
    return decision.event_key[len(KEY_PREFIX) :].partition("/")[0]


def decide(memory: DeviceMemory, plans: SourcePlans, decision: Decision) -> tuple[list[str], bool]:
    """Think of an alarm as an operator has decided.

    Returns:
        Under which keys what is remembered has changed, and whether there is something that can have the alarm.
    """
    if decision.event_key.startswith(KEY_PREFIX):
        source = source_of(decision)
        homes = [(key, kept) for key, kept in memory.sources.items() if kept.source == source]
        for key, kept in homes:
            plan = plans.at(source, of_device=kept.of_device)
            if plan is not None and (len(homes) == 1 or decision.component in kept.thresholds):
                plan.book.decide(kept.thresholds, decision)
                return [key], True
        return [], False
    identity = (decision.component, decision.event_class, decision.event_key)
    if decision.open:
        return [], memory.is_open(identity)
    for kept in memory.sources.values():
        kept.problems = [one for one in kept.problems if one.identity != identity]
    return list(memory.sources), True


def gone_of(memory: DeviceMemory, plans: SourcePlans, jobs: Collection[str] | None) -> list[str]:
    """Under which keys something is remembered that is read no more.

    Args:
        memory: of the device.
        plans: the sources that there are.
        jobs: ids of those that are done; None while that is not known.
    """
    return [key for key, kept in memory.sources.items() if _is_gone(kept, plans, jobs)]


def end_of(kept: SourceMemory, memory: DeviceMemory, device: str, group: str, now: float) -> list[Event]:
    """What is told at the end of a source that is in its device's memory no more."""
    why = f"source {kept.source} is read no more"
    events = [
        end_event(device, component, event_key, watch, why, now)
        for component, watches in kept.thresholds.items()
        for event_key, watch in watches.watches.items()
        if watch.severity
    ]
    over = why if kept.source else f"{kept.job or 'this'} is done no more"
    return events + [
        event_of(device, one, now, group, stands=False, over=over)
        for one in kept.problems
        if not memory.is_open(one.identity)
    ]


def _is_gone(kept: SourceMemory, plans: SourcePlans, jobs: Collection[str] | None) -> bool:
    if kept.configured and plans.at(kept.source, of_device=kept.of_device) is None:
        return True
    of_job = bool(kept.part) or not kept.configured
    return of_job and jobs is not None and kept.job not in jobs

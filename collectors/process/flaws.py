"""`derived_points`: open for a device as long as points of its config cannot be computed; the rest goes on (pure)."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.process.memory import DeviceMemory
from common.configs import DeviceConfig
from common.events import CLASS_CONFIG, Event, Severity
from common.queries import Decision

KEY = "derived_points"
MAX_TOLD = 5


def tell(config: DeviceConfig, memory: DeviceMemory, flaws: Sequence[str], at: float) -> list[Event]:
    """Say what is wrong with derived points, once, and when nothing is any more; `flaws` are sentences."""
    more = f"; and {len(flaws) - MAX_TOLD} more" if len(flaws) > MAX_TOLD else ""
    wrong = "; ".join(flaws[:MAX_TOLD])[:400] + more
    if wrong == memory.flaws:
        return []
    memory.flaws = wrong
    cure = "correct the template, or bring the collector up to the version of the hub"
    text = f"points cannot be computed, and are unknown: {wrong}; {cure}" if wrong else "all points can be computed"
    return [
        Event(
            device=config.device,
            event_class=CLASS_CONFIG,
            event_key=KEY,
            severity=Severity.WARNING if wrong else Severity.CLEAR,
            summary=text[:512],
            at=at,
        )
    ]


def decided(memory: DeviceMemory, decision: Decision) -> bool:
    """Take note of what an operator made of the alarm; False when it is another one."""
    if decision.event_key != KEY:
        return False
    memory.flaws = memory.flaws or "opened by hand" if decision.open else ""
    return True

"""Sees to it that a collector speaks for its own devices alone.

An event about a device that is another's, or nobody's, is not lost: it is stored under the collector's own name, with a
note of what it claimed. It can so neither raise nor close an alarm of a device that it has no business with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from common.events import Event
from common.wire import SpooledEvent

MAX_TEXT = 512


def settle_claims(
    collector: str, events: Sequence[SpooledEvent], may_report: Callable[[str], bool]
) -> tuple[list[SpooledEvent], int]:
    """Rename what a collector may not say; give the events in their order, and how many were renamed."""
    settled: list[SpooledEvent] = []
    foreign = 0
    for spooled in events:
        if may_report(spooled.event.device):
            settled.append(spooled)
        else:
            foreign += 1
            settled.append(SpooledEvent(spooled.seq, _renamed(collector, spooled.event)))
    return settled, foreign


def _renamed(collector: str, event: Event) -> Event:
    claimed = f"{event.device} {event.component}".rstrip()
    note = f"collector {collector} reported this of {event.device!r}, which is not its device"
    return msgspec.structs.replace(
        event,
        device=collector,
        component=claimed[:MAX_TEXT],
        summary=f"(of {event.device}) {event.summary}"[:MAX_TEXT],
        message=f"{note}\n\n{event.message}"[: 16 * MAX_TEXT],
        details={**event.details, "claimed_device": event.device, "claimed_component": event.component},
    )

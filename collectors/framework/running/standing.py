"""What operators have made of alarms, until a task has spoken of these: a new worker process must not miss it."""

from __future__ import annotations

from collections.abc import Iterable

from common.events import Event
from common.queries import Decision

MOST = 10_000

_Alarm = tuple[str, str, str, str]


class StandingDecisions:
    """The newest decision about each alarm; the oldest go when there are too many."""

    def __init__(self) -> None:
        self._of: dict[_Alarm, Decision] = {}

    def add(self, decision: Decision) -> None:
        """Remember one."""
        alarm = decision.device, decision.component, decision.event_class, decision.event_key
        self._of.pop(alarm, None)
        self._of[alarm] = decision
        if len(self._of) > MOST:
            del self._of[next(iter(self._of))]

    def overtaken(self, events: Iterable[Event]) -> None:
        """Tasks have raised or closed these since."""
        if self._of:
            for event in events:
                self._of.pop((event.device, event.component, event.event_class, event.event_key), None)

    def forget(self, devices: Iterable[str]) -> None:
        """These have left."""
        gone = set(devices)
        self._of = {alarm: decision for alarm, decision in self._of.items() if alarm[0] not in gone}

    def all(self) -> list[Decision]:
        """All that stand, the oldest first."""
        return list(self._of.values())

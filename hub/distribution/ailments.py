"""Rings for a collector daemon that cannot send events itself."""

from __future__ import annotations

from collections.abc import Callable

from common.events import CLASS_DAEMON, Event, Severity
from common.wire import TaskCounts
from hub.distribution.hubevents import HubEvents

KEY = "collector_problem"


class Ailments:
    """One event for each daemon whose heartbeat tells of a problem that keeps its events from the hub."""

    def __init__(self, wall: Callable[[], float], events: HubEvents) -> None:
        self._wall = wall
        self._events = events
        self._told: dict[tuple[str, str], bool] = {}

    def ails(self, collector: str, daemon: str) -> bool | None:
        """Whether a daemon told of a problem with its last heartbeat; None when there was none yet."""
        return self._told.get((collector, daemon))

    def heard(self, collector: str, daemon: str, counts: TaskCounts) -> None:
        """A heartbeat; after a start of the hub the first one closes what may be open from before."""
        ails = bool(counts.untold)
        if self._told.get((collector, daemon)) == ails:
            return
        self._told[collector, daemon] = ails
        problem = counts.untold or "sends its events again"
        self._events.raise_event(
            Event(
                device=collector,
                component=daemon,
                event_class=CLASS_DAEMON,
                event_key=KEY,
                severity=Severity.ERROR if ails else Severity.CLEAR,
                summary=f"collector {collector}, daemon {daemon}: {problem}"[:500],
                at=self._wall(),
            )
        )

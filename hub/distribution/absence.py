"""Rings when a collector daemon stays away."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from common.events import CLASS_DAEMON, Event, Severity
from hub.distribution.hubevents import HubEvents
from hub.distribution.roster import Roster

PATIENCE_S = 60.0
KEY = "collector_lost"

Who = tuple[str, str]


class Absence:
    """One event for each daemon that is away for longer than a minute; it closes when the daemon logs in."""

    def __init__(
        self,
        clock: IReactorTime,
        wall: Callable[[], float],
        roster: Roster,
        events: HubEvents,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._roster = roster
        self._events = events
        self._patience_s = patience_s
        self._timers: dict[Who, IDelayedCall] = {}
        self._stopped = False

    def start(self) -> None:
        """Wait for all that were there in earlier days."""
        for seat in self._roster.seats():
            if seat.session is None:
                self.left(seat.collector, seat.daemon)

    def stop(self) -> None:
        """Wait for nobody; daemons that leave because the hub stops are no news."""
        self._stopped = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def left(self, collector: str, daemon: str) -> None:
        """A daemon is away."""
        self._forget(collector, daemon)
        if self._stopped:
            return
        self._timers[collector, daemon] = self._clock.callLater(self._patience_s, self._lost, collector, daemon)

    def arrived(self, collector: str, daemon: str) -> None:
        """A daemon is there; an event may be open from before the hub started."""
        self._forget(collector, daemon)
        self._ring(collector, daemon, Severity.CLEAR, f"collector {collector}: daemon {daemon} is back")

    def forget(self, collector: str, daemon: str) -> None:
        """A daemon will not come back, and is missed no more."""
        self._forget(collector, daemon)
        self._ring(collector, daemon, Severity.CLEAR, f"collector {collector}: daemon {daemon} was removed")

    def is_lost(self, collector: str, daemon: str) -> bool | None:
        """Whether a daemon is away for too long; None while that is not told yet."""
        if self._roster.session(collector, daemon) is not None or not self._roster.is_known(collector, daemon):
            return False
        return None if (collector, daemon) in self._timers else True

    def _forget(self, collector: str, daemon: str) -> None:
        timer = self._timers.pop((collector, daemon), None)
        if timer is not None:
            timer.cancel()

    def _lost(self, collector: str, daemon: str) -> None:
        del self._timers[collector, daemon]
        self._ring(collector, daemon, Severity.ERROR, self._roster.whereabouts(collector, daemon))

    def _ring(self, collector: str, daemon: str, severity: Severity, summary: str) -> None:
        event = Event(
            device=collector,
            component=daemon,
            event_class=CLASS_DAEMON,
            event_key=KEY,
            severity=severity,
            summary=summary[:500],
            at=self._wall(),
        )
        self._events.raise_event(event)

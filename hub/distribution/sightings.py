"""When each collector daemon was seen last, kept for the next start of the hub."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from hub.distribution.errand import Every
from hub.distribution.roster import Roster

NOTE_S = 60.0

Seen: TypeAlias = tuple[str, str, float]
"""Collector, daemon, and the epoch seconds of its last sign of life."""


class Sightings:
    """Writes it down once a minute, and at the end: in one go for all that have been seen since, and for no heartbeat.

    So a hub that was killed tells of a daemon that stayed away a time that is a minute too early at most.
    """

    def __init__(self, clock: IReactorTime, roster: Roster, note: Callable[[Iterable[Seen]], Awaitable[None]]) -> None:
        self._roster = roster
        self._note = note
        self._noted = {(seat.collector, seat.daemon): seat.last_seen for seat in roster.seats()}
        self._every = Every(clock, NOTE_S, self.note)

    def start(self) -> None:
        """Begin with a wait."""
        self._every.start()

    def stop(self) -> Deferred[None]:
        """Write it down for the last time."""
        self._every.stop()
        return Deferred.fromCoroutine(self.note())

    async def note(self) -> None:
        """Write down what is new.

        Raises:
            TransientError: the store refuses.
        """
        news = []
        for seat in self._roster.seats():
            at = seat.last_seen if seat.session is None else seat.session.last_seen
            if at > self._noted.get((seat.collector, seat.daemon), 0.0):
                news.append((seat.collector, seat.daemon, at))
        if news:
            await self._note(news)
            self._noted.update({(collector, daemon): at for collector, daemon, at in news})

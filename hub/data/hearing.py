"""Hears from every collector in turn, at a slow pace, what the newest samples of its series are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from common.errors import TocsinError, TransientError
from common.readings import Heard, HeardQuery, HeardSeries
from hub.data.heard import LastHeard
from hub.interfaces import ISession

PACE_S = 1.0
"""From one page of a collector to the next."""
ROUND_S = 600.0
"""From the beginning of one round through a collector to that of the next."""
FIRST_S = 10.0
"""The same at first, for a collector that was just started has little to tell; then as long as its session has been."""
SLICE_S = 0.01
"""So long the hub is held up at once by what is heard."""
BUSY_S = 60.0
"""One that did not answer is asked again after so long."""
REFUSED_S = 3600.0
"""A collector that does not know the question is of an older version, and not asked for so long."""


class _Round:
    """Where a session's round is: the page that is next, and when."""

    __slots__ = ("after", "begun", "due", "is_asked", "since")

    def __init__(self, now: float) -> None:
        self.since = now
        self.is_asked = False
        self.begin(now)

    def begin(self, at: float) -> None:
        self.after = 0
        self.begun = self.due = at


class Hearing:
    """Where each collector's round has come to.

    Args:
        sessions: of the daemons that keep files, those that are there.
        mine: whether a device is the collector's; what it tells of others is not heard.

    Attributes:
        heard: what was.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        wall: Callable[[], float],
        sessions: Callable[[], Sequence[ISession]],
        mine: Callable[[str, str], bool],
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._sessions = sessions
        self._mine = mine
        self.heard = LastHeard()
        self._rounds: dict[ISession, _Round] = {}

    async def run(self) -> None:
        """Ask each collector whose turn it is for a page (for `Every`)."""
        now = self._clock.seconds()
        there = self._sessions()
        self._rounds = {session: self._rounds.get(session) or _Round(now) for session in there}
        for session in there:
            round_ = self._rounds[session]
            if round_.due <= now and not round_.is_asked:  # who is slow holds up nobody else
                round_.is_asked = True
                Deferred.fromCoroutine(self._ask(session, round_)).addErrback(self._failed)

    async def _ask(self, session: ISession, round_: _Round) -> None:
        try:
            await self._hear(session, round_)
        finally:
            round_.is_asked = False

    def _failed(self, failure: Failure) -> None:
        self.log.failure("error while newest samples are heard", failure=failure)

    async def _hear(self, session: ISession, round_: _Round) -> None:
        now = self._clock.seconds()
        try:
            page = await session.query(HeardQuery(round_.after))
        except TocsinError as error:
            self.log.debug(
                "{name} ({daemon}) does not tell its newest samples: {why}",
                name=session.collector,
                daemon=session.daemon,
                why=error.message,
            )
            round_.begin(now + (BUSY_S if isinstance(error, TransientError) else REFUSED_S))
            return
        if not isinstance(page, Heard):
            round_.begin(now + REFUSED_S)
            return
        collector = session.collector
        by_device: dict[str, list[HeardSeries]] = {}
        for one in page.series:
            if self._mine(one.device, collector):
                by_device.setdefault(one.device, []).append(one)
        until = self._clock.seconds() + SLICE_S
        for series in by_device.values():
            if self._clock.seconds() > until:
                await deferLater(self._clock, 0, lambda: None)
                until = self._clock.seconds() + SLICE_S
            self.heard.take_samples(series, self._wall(), session.daemon)
        if page.more and page.last > round_.after:
            round_.after = page.last
        else:
            length_s = min(ROUND_S, max(FIRST_S, now - round_.since))
            round_.begin(max(now, round_.begun + length_s))

"""Hears from every collector in turn, at a slow pace, what the newest samples of its series are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from common.errors import TocsinError
from common.readings import Heard, HeardQuery
from hub.data.heard import LastHeard
from hub.interfaces import ISession

PACE_S = 1.0
"""From one page of a collector to the next."""
ROUND_S = 600.0
"""From the beginning of one round through a collector to that of the next."""
REFUSED_S = 3600.0
"""A collector that does not know the question is of an older version, and not asked for so long."""


class Hearing:
    """Where each collector's round has come to.

    Args:
        sessions: of the daemons that collect, those that are there.
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
        self._rounds: dict[ISession, tuple[int, float, float]] = {}  # after, begun at, next page at

    async def run(self) -> None:
        """Ask each collector whose turn it is for a page (for `Every`)."""
        now = self._clock.seconds()
        there = self._sessions()
        self._rounds = {session: self._rounds.get(session, (0, now, now)) for session in there}
        due = [session for session in there if self._rounds[session][2] <= now]
        await DeferredList([Deferred.fromCoroutine(self._ask(session)) for session in due])

    async def _ask(self, session: ISession) -> None:
        after, begun, _ = self._rounds[session]
        now = self._clock.seconds()
        try:
            page = await session.query(HeardQuery(after))
        except CancelledError:
            raise
        except TocsinError as error:
            self.log.debug("{name} does not tell its newest samples: {why}", name=session.collector, why=error.message)
            page = None
        if not isinstance(page, Heard):
            self._rounds[session] = (0, now, now + REFUSED_S)
            return
        collector = session.collector
        self.heard.take_samples([one for one in page.series if self._mine(one.device, collector)], self._wall())
        if page.more and page.last > after:
            self._rounds[session] = (page.last, begun, now)
        else:
            start = max(now, begun + ROUND_S)
            self._rounds[session] = (0, start, start)

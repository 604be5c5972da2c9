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
FIRST_S = 10.0
"""The same at first, for a collector that was just started has little to tell; then as long as its session has been."""
REFUSED_S = 3600.0
"""A collector that does not know the question is of an older version, and not asked for so long."""


class _Round:
    """Where a session's round is: the page that is next, and when."""

    __slots__ = ("after", "begun", "due", "since")

    def __init__(self, now: float) -> None:
        self.since = now
        self.begin(now)

    def begin(self, at: float) -> None:
        self.after = 0
        self.begun = self.due = at


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
        self._rounds: dict[ISession, _Round] = {}

    async def run(self) -> None:
        """Ask each collector whose turn it is for a page (for `Every`)."""
        now = self._clock.seconds()
        there = self._sessions()
        self._rounds = {session: self._rounds.get(session) or _Round(now) for session in there}
        due = [session for session in there if self._rounds[session].due <= now]
        await DeferredList([Deferred.fromCoroutine(self._ask(session)) for session in due])

    async def _ask(self, session: ISession) -> None:
        round_, now = self._rounds[session], self._clock.seconds()
        try:
            page = await session.query(HeardQuery(round_.after))
        except CancelledError:
            raise
        except TocsinError as error:
            self.log.debug("{name} does not tell its newest samples: {why}", name=session.collector, why=error.message)
            page = None
        if not isinstance(page, Heard):
            round_.begin(now + REFUSED_S)
            return
        collector = session.collector
        self.heard.take_samples([one for one in page.series if self._mine(one.device, collector)], self._wall())
        if page.more and page.last > round_.after:
            round_.after = page.last
        else:
            length_s = min(ROUND_S, max(FIRST_S, now - round_.since))
            round_.begin(max(now, round_.begun + length_s))

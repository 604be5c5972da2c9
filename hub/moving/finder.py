"""Asks the daemons of collectors which files they have of devices that they do not have.

A move may not be known: it was made before the hub knew of such things, in the moment of its end, or the database was
put back since. So each collector is asked after its login, and once an hour.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from common.configs import SERVICE_MODELER
from common.errors import RemoteError, TransientError
from common.moving import Left, LeftQuery
from hub.distribution.errand import Errand
from hub.distribution.roster import Seat
from hub.interfaces import ISession
from hub.moving.interfaces import Place

SETTLE_S = 3.0
"""A collector is asked so long after its login: first it is told what it has to do."""
AGAIN_S = 3600.0
MOST_FOUND = 10_000
MOST_PAGES = 1000
MOST_S = 60.0
"""Of one collector at a time: the others wait meanwhile."""


class Seats(Protocol):
    """What is needed of a `Roster`."""

    def seats(self) -> Sequence[Seat]:
        """All daemons that are known."""


class Finder:
    """One question at a time.

    Args:
        clock: for waiting.
        seats: who is there.
        found: told of a device, and of a daemon that has files of it; says whether that is news.
        came: told of each daemon that has logged in.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        seats: Seats,
        found: Callable[[str, Place], bool],
        came: Callable[[Place], None],
    ) -> None:
        self._clock = clock
        self._seats = seats
        self._found = found
        self._came = came
        self._due: dict[Place, tuple[ISession, float]] = {}
        self._asking: Errand | None = None

    def look(self) -> None:
        """Ask those for which it is time, one after the other."""
        now = self._clock.seconds()
        for seat in self._seats.seats():
            session = seat.session
            if seat.daemon == SERVICE_MODELER or session is None:
                continue
            place = seat.collector, seat.daemon
            due = self._due.get(place)
            if due is None or due[0] is not session:
                self._due[place] = session, now + SETTLE_S
                self._came(place)
        if self._asking is None and self._due_now():
            self._asking = Errand(self._clock, self._ask_all)
            self._asking.start()

    def stop(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.stop()

    def _due_now(self) -> list[ISession]:
        """Those for which it is time, and who are still there."""
        now = self._clock.seconds()
        there = {id(seat.session) for seat in self._seats.seats()}
        return [one for one, at in self._due.values() if at <= now and id(one) in there]

    async def _ask_all(self) -> None:
        try:
            while sessions := self._due_now():
                for session in sessions:
                    self._due[session.collector, session.daemon] = session, self._clock.seconds() + AGAIN_S
                    await self._ask(session)
        finally:
            self._asking = None

    async def _ask(self, session: ISession) -> None:
        try:
            await self._find(session)
        except RemoteError:
            pass  # it does not know the question; when it is updated, it logs in anew
        except TransientError as error:
            self.log.debug("{collector}: {reason}", collector=session.collector, reason=error.message)

    async def _find(self, session: ISession) -> None:
        after, found, until = "", 0, self._clock.seconds() + MOST_S
        for _ in range(MOST_PAGES):
            page = await session.carry(LeftQuery(after=after))
            if not isinstance(page, Left):
                raise TransientError("an answer that does not fit")
            found += sum(self._found(device, (session.collector, session.daemon)) for device in page.devices)
            if not page.more or page.last <= after or found >= MOST_FOUND or self._clock.seconds() > until:
                return
            after = page.last

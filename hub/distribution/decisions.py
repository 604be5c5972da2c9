"""Tells collectors what operators made of their alarms.

A collector says once that an alarm is open, and once that it is over. When an operator closes an alarm whose cause goes
on, or opens one again whose cause is over, the collector has to know: then its next scan raises the one and closes the
other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from common.errors import RemoteError, TransientError
from common.events import HUB, OPEN_STATES
from common.queries import DecidedQuery, Decision
from hub.distribution.errand import Errand
from hub.interfaces import EventRecord, ISession

IN_ONE_QUERY = 500


async def _nothing(_collector: str, _daemon: str) -> Sequence[EventRecord]:
    return ()


class Decisions:
    """Sends each decision at once, and again when a daemon logs in that may have missed it."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        standing: Callable[[str, str], Awaitable[Sequence[EventRecord]]],
        session: Callable[[str, str], ISession | None],
        still_open: Callable[[str, str], Awaitable[Sequence[EventRecord]]] = _nothing,
        own: Callable[[EventRecord], None] = lambda _record: None,
    ) -> None:
        """Prepare.

        Args:
            clock: for the calls.
            standing: reads the alarms of a daemon whose state an operator has decided.
            session: of a daemon, if it is there.
            still_open: reads all alarms of a daemon that are open.
            own: is told what was decided about alarms that the hub has raised.
        """
        self._clock = clock
        self._standing = standing
        self._still_open = still_open
        self._session = session
        self._own = own

    def decided(self, record: EventRecord) -> None:
        """An operator has closed an alarm, or opened it again."""
        if record.collector == HUB:
            self._own(record)
            return
        for daemon in (record.daemon, *record.others):
            session = self._session(record.collector, daemon)
            if session is not None:
                Errand(self._clock, partial(self._tell, session, [record])).start()

    def attached(self, session: ISession, *, from_other_store: bool = False) -> None:
        """A daemon is there.

        One that has spoken with another store may have closed there what is open here: it is told of all that is open,
        so that it closes what is over.
        """
        Errand(self._clock, lambda: self._tell(session, from_other_store=from_other_store)).start()

    async def _tell(
        self, session: ISession, records: Sequence[EventRecord] | None = None, *, from_other_store: bool = False
    ) -> None:
        who = session.collector, session.daemon
        try:
            if records is None:
                records = await self._standing(*who)
                if from_other_store:
                    records = list({one.id: one for one in (*records, *await self._still_open(*who))}.values())
            for start in range(0, len(records), IN_ONE_QUERY):
                part = [decision_of(record) for record in records[start : start + IN_ONE_QUERY]]
                await session.query(DecidedQuery(part))
        except (RemoteError, TransientError) as error:  # it is told again when it logs in
            self.log.warn(  # noqa: G010 - twisted.logger calls it so
                "collector {collector} was not told what was decided about its alarms: {reason}",
                collector=session.collector,
                reason=error.message,
            )


def decision_of(record: EventRecord) -> Decision:
    """A record as its collector has to see it."""
    return Decision(
        device=record.device,
        component=record.component,
        event_class=record.event_class,
        event_key=record.event_key,
        severity=record.severity,
        open=record.state in {state.value for state in OPEN_STATES},
    )

"""Receives collector daemons: gives them their seat, takes their events, and tells who has to know."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from twisted.logger import Logger
from zope.interface import implementer

from common.configs import SERVICE_MODELER, SERVICE_PROCESS
from common.errors import TransientError
from common.wire import Attach, Attached, EventBatch, EventsStored, Heartbeat, ModelReport
from hub.distribution.absence import Absence
from hub.distribution.ailments import Ailments
from hub.distribution.claims import settle_claims
from hub.distribution.decisions import Decisions
from hub.distribution.epochs import Epochs
from hub.distribution.interfaces import DaemonBook
from hub.distribution.roster import Roster
from hub.distribution.services import Services
from hub.interfaces import IEventStore, IFrontDesk, ISession
from hub.model.entities import Pool


class Models(Protocol):
    """Who takes what modelers report, and has to know whether they are there."""

    async def report(self, collector: str, report: ModelReport) -> None:
        """Take the report of a collector."""

    def arrived(self, collector: str, began: float) -> None:
        """Its modeler, a process that was started then, has logged in."""

    def left(self, collector: str) -> None:
        """The session of its modeler is over."""


class Pools(Protocol):
    """Who has to know which collectors are there."""

    def arrived(self, collector: str) -> None:
        """The session of its process daemon stands."""

    def left(self, collector: str) -> None:
        """It is over."""

    def pool_of(self, device_id: str) -> Pool | None:
        """The pool that a device belongs to."""


@implementer(IFrontDesk)
class FrontDesk:
    """The hub's end of every session."""

    log = Logger()

    def __init__(
        self,
        wall: Callable[[], float],
        epochs: Epochs,
        *,
        roster: Roster,
        events: IEventStore,
        book: DaemonBook,
        services: Services,
        absence: Absence,
        decisions: Decisions,
        ailments: Ailments,
        models: Models,
        pools: Pools,
        late: Callable[[Iterable[str]], None],
        ceased: Callable[[str, Iterable[str]], None] = lambda _service, _devices: None,
    ) -> None:
        """Join the parts.

        Args:
            wall: epoch seconds.
            epochs: whose store this is.
            roster: who is there.
            events: store of events.
            book: of daemons.
            services: configs of the daemons.
            absence: tells of daemons that are away.
            decisions: of operators, for those who log in.
            ailments: of daemons.
            models: takes what modelers report.
            pools: give devices to members that are there.
            late: is told of devices of which a former collector had something to say.
            ceased: is told of which devices a service has raised alarms; it may read nothing of them any more.
        """
        self._wall = wall
        self._epochs = epochs
        self._roster = roster
        self._events = events
        self._book = book
        self._services = services
        self._absence = absence
        self._decisions = decisions
        self._ailments = ailments
        self._models = models
        self._pools = pools
        self._late = late
        self._ceased = ceased

    async def attached(self, session: ISession, request: Attach) -> Attached:
        """Give a session its seat; one that has it already is cut first."""
        earlier = self._roster.arrive(session)
        if earlier is not None:
            self._services.detached(earlier)
            earlier.abort("the same daemon has logged in again")
        stored, is_known = -1, False
        try:
            await self._book.note_daemon(session.collector, session.daemon, self._wall())
            stored = await self._events.stored_seq(session.collector, session.daemon, request.spool)
            if await self._epochs.doubt(session.collector, request, stored):
                self._begin_anew(session)
            is_known = True
        finally:
            if not is_known:
                self.detached(session, "its login failed; the hub's store could not be read")
        if self._roster.seat_of(session) is None:
            raise TransientError("the same daemon has logged in again meanwhile")
        self._absence.arrived(session.collector, session.daemon)
        if session.daemon == SERVICE_PROCESS:
            self._pools.arrived(session.collector)
        self._services.attached(session)
        if session.daemon == SERVICE_MODELER:
            self._models.arrived(session.collector, request.started_at)
        self._decisions.attached(session, from_other_store=request.position.epoch not in {"", self._epochs.now})
        return Attached(collector=session.collector, version=request.newest, epoch=self._epochs.now, stored_seq=stored)

    def detached(self, session: ISession, reason: str) -> None:
        """Free the seat, unless another session has it."""
        self._services.detached(session)
        if self._roster.leave(session, reason):
            self._absence.left(session.collector, session.daemon)
            if session.daemon == SERVICE_PROCESS:
                self._pools.left(session.collector)
            if session.daemon == SERVICE_MODELER:
                self._models.left(session.collector)

    async def events(self, session: ISession, batch: EventBatch) -> EventsStored:
        """Store events; those about devices that are not the collector's go under its own name.

        One that had a device until a while ago, or another member of its pool, may speak of it, but who has it now
        knows better.
        """
        settled, foreign = settle_claims(
            session.collector, batch.events, lambda device: self._may_report(session, device)
        )
        late = {one.event.device for one in settled if self._is_anothers(session.collector, one.event.device)}
        stored = await self._events.store(session.collector, session.daemon, batch.spool, settled, late)
        if late:
            self._late(late)
        self._ceased(session.daemon, {one.event.device for one in settled if one.event.severity})
        if foreign:
            self._note_foreign(session, foreign)
        return EventsStored(stored)

    async def modelled(self, session: ISession, report: ModelReport) -> None:
        """Hand on what a modelling found."""
        await self._models.report(session.collector, report)

    def heartbeat(self, session: ISession, heartbeat: Heartbeat) -> None:
        """Keep the figures."""
        seat = self._roster.seat_of(session)
        if seat is not None:
            seat.counts = heartbeat.counts
            self._ailments.heard(session.collector, session.daemon, heartbeat.counts)

    def _begin_anew(self, first: ISession) -> None:
        """The store has a new epoch: every session but this one, which tells of it, has one that counts no longer."""
        for seat in self._roster.seats():
            if seat.session is not None and seat.session is not first:
                seat.session.abort("the hub's store has a new epoch")

    def _may_report(self, session: ISession, device: str) -> bool:
        """Its own devices, those of its pools, and itself, unless a device of another collector bears its name."""
        collector = session.collector
        if self._services.may_report(collector, session.daemon, device):
            return True
        pool = self._pools.pool_of(device)
        if pool is not None and collector in pool.members:
            return True
        return device == collector and self._services.process.owner(device) is None

    def _is_anothers(self, collector: str, device: str) -> bool:
        owner = self._services.process.owner(device)
        return owner is not None and owner != collector

    def _note_foreign(self, session: ISession, count: int) -> None:
        seat = self._roster.seat_of(session)
        if seat is None:
            return
        if seat.foreign_events == 0:  # one line for each session
            self.log.warn(  # noqa: G010 - twisted.logger calls it so
                "collector {collector} reports events of devices that are not its own; they are kept under its name",
                collector=session.collector,
            )
        seat.foreign_events += count

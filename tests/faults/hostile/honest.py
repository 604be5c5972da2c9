# mypy: allow-untyped-calls
"""A collector that does its work beside an attack, and measures how long the hub keeps it waiting."""

from __future__ import annotations

import time

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater

from collectors.framework.hublink import HubLink
from common.errors import TocsinError
from common.events import CLASS_PROCESS, Event, Severity
from common.wire import EventBatch, SpooledEvent
from tests.faults.case import FaultCase, device_document, reactor
from tests.faults.figures import at_most, exactly
from tests.faults.fleet import SimCollector

PAUSE_S = 0.05


class Honest(SimCollector):
    """A collector daemon that is logged in, and sends an event twenty times a second.

    Attributes:
        waits_s: how long the hub took to commit each.
        errors: sentences of those that did not get through.
    """

    def __init__(self, case: FaultCase, name: str = "good") -> None:
        super().__init__(name)
        self.waits_s: list[float] = []
        self.errors: list[str] = []
        self.seq = 0
        self.device = f"{name}-host"
        self._case = case
        self._work: Deferred[None] | None = None
        self.session: HubLink = case.hub.link(name, self)
        self.link = self.session

    async def begin(self) -> None:
        """Have a device, log in, and begin to work."""
        case = self._case
        revision = await case.hub.apply(device_document(self.device, self.name))
        case.fleet.members[self.name] = self
        self.session.startService()
        await case.until(f"{self.name} is attached", lambda: self.connected)
        await case.hub.live(revision)
        self._work = Deferred.fromCoroutine(self._send())
        self._work.addErrback(lambda failure: None if failure.check(CancelledError) else failure)
        case.addCleanup(self.end)

    def end(self) -> None:
        """Stop working; the fleet stops the link."""
        work, self._work = self._work, None
        if work is not None:
            work.cancel()

    def event(self, seq: int, device: str = "") -> SpooledEvent:
        """An event of its own device, or another."""
        made = Event(
            device=device or self.device,
            event_class=CLASS_PROCESS,
            severity=Severity.WARNING,
            summary="it goes on",
            at=time.time(),
            component="work",
            event_key="process_restarted",
        )
        return SpooledEvent(seq, made)

    async def _send(self) -> None:
        while True:
            began = time.monotonic()
            try:
                batch = EventBatch(spool=f"spool-{self.name}", events=[self.event(self.seq + 1)])
                self.seq = (await self.session.send_events(batch)).seq
                self.waits_s.append(time.monotonic() - began)
            except TocsinError as error:
                self.errors.append(error.message)
            await deferLater(reactor, PAUSE_S, lambda: None)

    def forget(self) -> None:
        """Measure from here on."""
        self.waits_s.clear()

    def p99_s(self) -> float:
        """What one wait in a hundred is longer than."""
        return sorted(self.waits_s)[int(0.99 * (len(self.waits_s) - 1))] if self.waits_s else float("inf")

    def check(self, aim_s: float) -> None:
        """It has one session, every event was taken, and none had to wait for long.

        Raises:
            AssertionError: it was not so.
        """
        exactly("sessions of the honest collector", len(self.sessions), 1)
        exactly("its events that did not get through", self.errors, [])
        at_most("its wait for a commit, p99", self.p99_s(), aim_s)

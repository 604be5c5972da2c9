"""A hub that keeps events as the real one does: each number once, without gaps."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from zope.interface import implementer

from collectors.framework.interfaces import IHub
from common.errors import RemoteError, TocsinError, TransientError
from common.events import Event
from common.wire import EventBatch, EventsStored, ModelReport, ModelTaken, encode


@implementer(IHub)
class FakeHub:
    """Keeps events by spool.

    `fails` holds errors to raise, one for each call, before anything is stored; `loses_answers` stores and then breaks
    as many times; `poison` says which events the hub will not take; `hold` keeps calls until it is fired.
    """

    def __init__(self) -> None:
        self.connected = True
        self.stored: dict[str, list[Event]] = {}
        self.batches: list[EventBatch] = []
        self.reports: list[ModelReport] = []
        self.fails: list[TocsinError] = []
        self.loses_answers = 0
        self.poison: Callable[[Event], bool] = lambda _: False
        self.hold: Deferred[None] | None = None
        self.in_flight = self.most_in_flight = 0

    def seq(self, spool: str) -> int:
        return len(self.stored.get(spool, []))

    def events(self) -> list[Event]:
        return [event for events in self.stored.values() for event in events]

    async def send_events(self, batch: EventBatch) -> EventsStored:
        if not self.connected:
            raise TransientError("no session with the hub")
        self.in_flight += 1
        self.most_in_flight = max(self.in_flight, self.most_in_flight)
        try:
            if self.hold is not None:
                await self.hold
            return self._store(batch)
        finally:
            self.in_flight -= 1

    async def send_model(self, report: ModelReport) -> ModelTaken:
        encode(report)
        if not self.connected:
            raise TransientError("no session with the hub")
        if self.fails:
            raise self.fails.pop(0)
        self.reports.append(report)
        return ModelTaken()

    def _store(self, batch: EventBatch) -> EventsStored:
        encode(batch)
        self.batches.append(batch)
        if self.fails:
            raise self.fails.pop(0)
        if any(self.poison(spooled.event) for spooled in batch.events):
            raise RemoteError("bad_request", "events[0].details: not what it should be")
        held = self.stored.setdefault(batch.spool, [])
        for spooled in batch.events:
            if spooled.seq == len(held) + 1:
                held.append(spooled.event)
        if self.loses_answers:
            self.loses_answers -= 1
            raise TransientError("the connection broke")
        return EventsStored(len(held))

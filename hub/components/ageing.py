"""Retires what has been absent for long."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from twisted.logger import Logger

from common.components import ComponentKind, Lock
from common.errors import NotFoundError
from common.events import CLASS_PROCESS
from common.events import State as EventState
from hub.components.book import ComponentBook
from hub.components.rules import DAY_S, retire
from hub.components.values import Component, DeviceComponents
from hub.interfaces import EventFilter, EventRecord

OPEN = (EventState.NEW.value, EventState.ACKNOWLEDGED.value)
NOT_THERE = (CLASS_PROCESS, "process_missing")
"""The alarm of a process set that says no more than that it is not there."""
MOST_EVENTS = 1000
"""Open events of one device that are looked through; with more than that, nothing of it retires."""


class IAges(Protocol):
    """What the model says of how components age."""

    def locks(self, device: str, one: Component, earlier: str) -> Sequence[Lock]:
        """What may not be done to a component."""

    def retire_after_days(self, device: str, one: Component, earlier: str) -> float:
        """How long it may be absent."""

    def least_retire_after_days(self, device: str) -> float:
        """How long any component of a device may be absent at the least."""

    def is_required(self, device: str, one: Component) -> bool:
        """Whether it has to be there, seen or not."""


class Ageing:
    """Looks at everything that is absent; `run` is to be called from time to time."""

    log = Logger()

    def __init__(
        self,
        book: ComponentBook,
        wall: Callable[[], float],
        rules: IAges,
        find: Callable[[EventFilter], Awaitable[list[EventRecord]]],
    ) -> None:
        """Join the parts.

        Args:
            book: of all components.
            wall: epoch seconds.
            rules: what the model says.
            find: events; a component that has an open one stays.
        """
        self._book = book
        self._wall = wall
        self._rules = rules
        self._find = find

    async def run(self) -> int:
        """Retire what is due; return how many components that were.

        Raises:
            TransientError: the database refused; the rest is done the next time.
        """
        now = self._wall()
        number = 0
        for device, since in self._book.absent():
            # What a device consists of is unpacked only if something may be due, and not before the database was asked.
            if now - since >= self._rules.least_retire_after_days(device) * DAY_S:
                number += await self._age(device, now)
        if number:
            self.log.info("{number} components were absent for so long that they are retired", number=number)
        return number

    async def _age(self, device: str, now: float) -> int:
        events = await self._find(EventFilter(device=device, states=OPEN, limit=MOST_EVENTS))
        if len(events) == MOST_EVENTS:
            return 0

        def work(present: DeviceComponents) -> tuple[DeviceComponents, int]:
            def days(one: Component) -> float:
                return self._rules.retire_after_days(device, one, present.earlier_name(one))

            def is_kept(one: Component) -> bool:
                if Lock.DELETE in self._rules.locks(device, one, present.earlier_name(one)):
                    return True
                old = now - days(one) * DAY_S
                told = (event for event in events if _is_of(event, one, present))
                return self._rules.is_required(device, one) or any(not _is_told_since(event, old) for event in told)

            after = retire(present, now, days, is_kept)
            pairs = zip(present.components, after.components, strict=True)
            return after, sum(old is not new for old, new in pairs)

        try:
            return await self._book.change(device, work)
        except NotFoundError:
            return 0  # the device has left meanwhile


def _is_of(event: EventRecord, one: Component, present: DeviceComponents) -> bool:
    """Whether an event is of a component: by its name, that of its series, or one that it had in between."""
    if event.component in (one.name, one.series):
        return True
    if one.kind is not ComponentKind.PROCESS_SET or not one.anchor or event.details.get("definition") != one.anchor:
        return False
    return present.find(ComponentKind.PROCESS_SET, event.component) is None


def _is_told_since(event: EventRecord, at: float) -> bool:
    """Whether an event says no more than that a component is not there, and has said so since then."""
    return (event.event_class, event.event_key) == NOT_THERE and event.first_seen <= at

"""Retires what has been absent for long."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from twisted.logger import Logger

from common.components import Lock
from common.errors import NotFoundError
from common.events import State as EventState
from hub.components.book import ComponentBook
from hub.components.rules import DAY_S, due, retire
from hub.components.values import Component, DeviceComponents
from hub.interfaces import EventFilter, EventRecord

OPEN = (EventState.NEW.value, EventState.ACKNOWLEDGED.value)


class IAges(Protocol):
    """What the model says of how components age."""

    def locks(self, device: str, one: Component, earlier: str) -> Sequence[Lock]:
        """What may not be done to a component."""

    def retire_after_days(self, device: str, one: Component, earlier: str) -> float:
        """How long it may be absent."""


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
        for device in self._book.absent_before(now - DAY_S):
            number += await self._age(device, now)
        if number:
            self.log.info("{number} components were absent for so long that they are retired", number=number)
        return number

    async def _age(self, device: str, now: float) -> int:
        held = self._book.of(device)

        def days(one: Component) -> float:
            return self._rules.retire_after_days(device, one, held.earlier_name(one))

        free = {one.id for one in held.components if due(one, now, days) and await self._is_free(device, held, one)}
        if not free:
            return 0

        def work(present: DeviceComponents) -> tuple[DeviceComponents, int]:
            after = retire(present, now, days, lambda one: one.id not in free)
            pairs = zip(present.components, after.components, strict=True)
            return after, sum(old is not new for old, new in pairs)

        try:
            return await self._book.change(device, work)
        except NotFoundError:
            return 0  # the device has left meanwhile

    async def _is_free(self, device: str, held: DeviceComponents, one: Component) -> bool:
        if Lock.DELETE in self._rules.locks(device, one, held.earlier_name(one)):
            return False
        for name in dict.fromkeys((one.name, one.series)):
            if await self._find(EventFilter(device=device, component=name, states=OPEN, limit=1)):
                return False
        return True

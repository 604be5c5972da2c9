"""Wakes those who follow events."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004 - Twisted's, raised by addTimeout
from twisted.internet.interfaces import IReactorTime

from hub.interfaces import EventRecord, IEventStore


class EventFeed:
    """Lets any number of followers wait for the next change of an event."""

    def __init__(
        self, clock: IReactorTime, store: IEventStore, observe: Callable[[Callable[[int], None]], None]
    ) -> None:
        """Watch a store; `observe` registers what is called after each commit that changed an event."""
        self._clock = clock
        self._store = store
        self._followers: list[Deferred[None]] = []
        observe(self._changed)

    async def follow(self, after: int, limit: int, wait_s: float) -> tuple[int, list[EventRecord]]:
        """As `IEventStore.changes`, but wait up to `wait_s` for the first one."""
        end = self._clock.seconds() + wait_s
        while True:
            # Registered before the store is asked, so that what is written meanwhile is not missed.
            change: Deferred[None] = Deferred()
            self._followers.append(change)
            try:
                after, records = await self._store.changes(after, limit)
                left_s = end - self._clock.seconds()
                if records or left_s <= 0:
                    return after, records
                change.addTimeout(left_s, self._clock)
                with contextlib.suppress(TimeoutError):
                    await change
            finally:
                if change in self._followers:
                    self._followers.remove(change)

    def _changed(self, _number: int) -> None:
        followers, self._followers = self._followers, []
        for follower in followers:
            follower.callback(None)

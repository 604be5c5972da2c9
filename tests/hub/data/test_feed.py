# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hub.data.feed import EventFeed


class Changes:
    """A store that counts changes; its answers wait while `hold` is set."""

    def __init__(self) -> None:
        self.number = 5
        self.hold: Deferred[None] | None = None
        self.observer: Callable[[int], None] = lambda _: None

    def observe(self, observer: Callable[[int], None]) -> None:
        self.observer = observer

    async def changes(self, after: int, limit: int) -> tuple[int, list[Any]]:
        number = self.number
        if self.hold is not None:
            await self.hold
        return number, list(range(after, number)) if 0 <= after < number else []

    def change(self) -> None:
        self.number += 1
        self.observer(self.number)


class FeedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.store = Changes()
        store: Any = self.store
        self.feed = EventFeed(self.clock, store, self.store.observe)

    def follow(self, after: int, wait_s: float = 20) -> Deferred[Any]:
        return Deferred.fromCoroutine(self.feed.follow(after, 100, wait_s))

    def test_what_has_changed_already_is_given_at_once(self) -> None:
        self.assertEqual(self.successResultOf(self.follow(3)), (5, [3, 4]))

    def test_a_change_wakes_all_who_wait(self) -> None:
        waiting = [self.follow(5) for _ in range(3)]
        for one in waiting:
            self.assertNoResult(one)
        self.store.change()
        for one in waiting:
            self.assertEqual(self.successResultOf(one), (6, [5]))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_change_while_the_store_was_read_is_not_missed(self) -> None:
        self.store.hold = Deferred()
        waiting = self.follow(5)
        self.store.change()
        hold, self.store.hold = self.store.hold, None
        hold.callback(None)
        self.assertEqual(self.successResultOf(waiting), (6, [5]))

    def test_waiting_ends_in_time_and_when_it_is_given_up(self) -> None:
        waiting, given_up = self.follow(5), self.follow(5)
        given_up.cancel()
        self.failureResultOf(given_up)
        self.clock.advance(20)
        self.assertEqual(self.successResultOf(waiting), (5, []))
        self.assertEqual(self.feed._followers, [])

    def test_a_number_of_another_store_leads_back_to_this_one(self) -> None:
        waiting = self.follow(900)
        self.assertNoResult(waiting)
        self.store.change()
        self.assertEqual(self.successResultOf(waiting), (6, [5]))

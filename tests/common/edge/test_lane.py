"""Calls take turns; who waits is served in order, refused in time, or told that the end has come."""

# mypy: allow-untyped-calls
# (trial's assertions and twisted.spread have no types)
from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from common.edge.lane import Lane
from common.errors import TransientError


class LaneTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.lane = Lane(self.clock, limit=2, line=2, wait_s=5)
        self.done: list[Deferred[None]] = []
        self.order: list[int] = []

    def enter(self, number: int = 0) -> Deferred[Any]:
        ends: Deferred[None] = Deferred()
        self.done.append(ends)

        async def work() -> None:
            async with self.lane:
                self.order.append(number)
                await ends

        return Deferred.fromCoroutine(work())

    def test_nobody_enters_before_it_is_open(self) -> None:
        self.enter(1)
        self.assertEqual(self.order, [])
        self.lane.open()
        self.assertEqual(self.order, [1])

    def test_turns_are_given_in_order_of_asking(self) -> None:
        self.lane.open()
        for n in (1, 2, 3, 4):
            self.enter(n)
        self.assertEqual(self.order, [1, 2])
        self.done[1].callback(None)
        self.assertEqual(self.order, [1, 2, 3])
        self.done[0].callback(None)
        self.assertEqual(self.order, [1, 2, 3, 4])

    def test_a_full_line_refuses_at_once(self) -> None:
        self.lane.open()
        for n in (1, 2, 3, 4):
            self.enter(n)
        self.assertIn("2 calls wait", str(self.failureResultOf(self.enter(5), TransientError).value))

    def test_a_turn_that_does_not_come_in_time_is_refused(self) -> None:
        self.lane.open()
        self.enter(1)
        self.enter(2)
        third, fourth = self.enter(3), self.enter(4)
        self.clock.advance(3)
        self.done[0].callback(None)
        self.assertNoResult(third)
        self.clock.advance(3)
        self.failureResultOf(fourth, TransientError)
        self.assertNoResult(third)

    def test_who_stops_waiting_leaves_the_line(self) -> None:
        self.lane.open()
        self.enter(1)
        self.enter(2)
        third = self.enter(3)
        self.enter(4)
        third.cancel()
        self.failureResultOf(third, CancelledError)
        self.done[0].callback(None)
        self.assertEqual(self.order, [1, 2, 4])

    def test_closing_fails_who_waits_and_who_comes(self) -> None:
        first = self.enter(1)
        self.lane.close("over")
        self.failureResultOf(first, TransientError)
        self.failureResultOf(self.enter(2), TransientError)

    def test_a_call_that_fails_frees_its_place(self) -> None:
        self.lane.open()
        for n in (1, 2, 3):
            self.enter(n).addErrback(lambda _: None)
        self.done[0].errback(ValueError("no"))
        self.assertEqual(self.order, [1, 2, 3])

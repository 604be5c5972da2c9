# mypy: allow-untyped-calls
from __future__ import annotations

import inspect

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from common.errors import TransientError
from hub.graphs.turns import Turns


class TurnsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.turns = Turns(at_once=2, most=4)
        self.begun: list[tuple[str, Deferred[str]]] = []

    async def work(self, name: str) -> str:
        going: Deferred[str] = Deferred()
        self.begun.append((name, going))
        return await going

    def take(self, name: str) -> Deferred[str]:
        return Deferred.fromCoroutine(self.turns.take(name, self.work(name)))

    def test_so_many_at_once_and_the_others_in_order(self) -> None:
        taken = [self.take("east") for _ in range(3)]
        self.assertEqual(len(self.begun), 2)
        self.begun[1][1].callback("b")
        self.assertEqual((self.successResultOf(taken[1]), len(self.begun)), ("b", 3))
        self.assertEqual(self.turns.under_way, 2)

    def test_one_that_hangs_holds_up_nobody_else(self) -> None:
        for _ in range(3):
            self.take("east")
        west = self.take("west")
        self.begun[-1][1].callback("w")
        self.assertEqual(self.successResultOf(west), "w")

    def test_more_than_there_is_room_for_are_refused(self) -> None:
        for _ in range(4):
            self.take("east")
        refused = self.work("west")
        self.failureResultOf(Deferred.fromCoroutine(self.turns.take("west", refused)), TransientError)
        self.assertEqual((len(self.begun), inspect.getcoroutinestate(refused)), (2, inspect.CORO_CLOSED))

    def test_one_that_hangs_leaves_room_for_others(self) -> None:
        self.turns = Turns(at_once=2, most=4, most_of_one=3)
        for _ in range(3):
            self.take("east")
        self.failureResultOf(self.take("east"), TransientError)
        west = self.take("west")
        self.begun[-1][1].callback("w")
        self.assertEqual(self.successResultOf(west), "w")

    def test_who_leaves_makes_room(self) -> None:
        taken = [self.take("east") for _ in range(2)]
        late = self.work("east")
        taken.append(Deferred.fromCoroutine(self.turns.take("east", late)))
        for one in reversed(taken):
            one.cancel()
            self.failureResultOf(one, CancelledError)
        self.assertEqual((self.turns.under_way, inspect.getcoroutinestate(late)), (0, inspect.CORO_CLOSED))
        last = self.take("east")
        self.begun[-1][1].callback("x")
        self.assertEqual(self.successResultOf(last), "x")

    def test_one_that_fails_makes_room(self) -> None:
        taken = self.take("east")
        self.begun[0][1].errback(TransientError("away"))
        self.failureResultOf(taken, TransientError)
        self.assertEqual(self.turns.under_way, 0)

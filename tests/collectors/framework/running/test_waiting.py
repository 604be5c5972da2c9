"""Questions and waits that end in time, on a clock that stands."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from collectors.framework.running.asking import Asking
from collectors.framework.running.messages import Answer, Finished, Order, Tell
from collectors.framework.running.patience import Patience, Silence, Waiting
from common.daemon import STATUS_S
from common.daemon_verbs import ANSWER_S
from common.errors import TransientError


class Asked:
    """What was asked, and what came of it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.orders: list[Any] = []
        self.is_there = True
        self.asking = Asking(self.clock, "worker 1", self.send)
        self.late: list[Any] = []

    def send(self, order: Order) -> bool:
        self.orders.append(order)
        return self.is_there

    def ask(self) -> list[Any]:
        found: list[Any] = []
        done = Deferred.fromCoroutine(self.asking.ask(Tell(), 5.0, self.late.append))
        done.addCallbacks(found.append, lambda failure: found.append(failure.value))
        return found

    def answer(self, place: int) -> None:
        self.asking.answered(Answer(self.orders[place].number, Finished()))


def test_each_answer_goes_to_its_question() -> None:
    asked = Asked()
    one, other = asked.ask(), asked.ask()
    asked.answer(1)
    assert (one, other) == ([], [Finished()])
    asked.answer(0)
    asked.answer(0)
    assert (one, asked.late, asked.clock.getDelayedCalls()) == ([Finished()], [], [])


def test_an_answer_that_comes_too_late_is_heard_once() -> None:
    asked = Asked()
    found = asked.ask()
    asked.clock.advance(5)
    assert [str(error) for error in found] == ["worker 1 does not answer within 5 s; ask again"]
    asked.answer(0)
    asked.answer(0)
    assert (asked.late, len(found)) == ([Finished()], 1)


def test_a_process_that_ends_answers_nothing_any_more() -> None:
    asked = Asked()
    late = asked.ask()
    asked.clock.advance(5)
    found = asked.ask()
    asked.asking.give_up("worker 1 ended")
    assert [str(error) for error in found] == ["worker 1 ended; ask again"]
    asked.answer(0)
    asked.answer(1)
    assert (asked.late, len(found), len(late)) == ([], 1, 1)
    asked.is_there = False
    (error,) = asked.ask()
    assert isinstance(error, TransientError)
    assert asked.clock.getDelayedCalls() == []


def test_status_waits_longer_for_figures_than_a_worker_is_waited_for() -> None:
    assert Patience().tell_s < STATUS_S < ANSWER_S


def test_who_waits_goes_on_when_it_comes_or_when_the_time_is_over() -> None:
    clock = Clock()
    found: list[bool] = []
    waiting = Waiting(clock)

    async def note(seconds: float) -> None:
        found.append(await waiting.wait(seconds))

    for seconds in (1, 5):
        Deferred.fromCoroutine(note(seconds))
    clock.advance(1)
    assert found == [False]
    waiting.come()
    waiting.come()
    assert (found, clock.getDelayedCalls()) == ([False, True], [])


@pytest.mark.parametrize(("has_spoken", "looks"), [(False, 6), (True, 3)])
def test_silence_is_too_long_later_before_the_first_word(has_spoken: bool, looks: int) -> None:
    silence = Silence(Patience(silent_s=2, start_s=5))
    silence.begin()
    silence.passed()
    if has_spoken:
        silence.heard()
    else:
        silence.begin()
    assert [bool(silence.passed()) for _ in range(looks)] == [False] * (looks - 1) + [True]

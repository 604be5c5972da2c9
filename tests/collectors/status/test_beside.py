"""Questions that may never be answered, in real threads; time is the test's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from collectors.status.beside import HELP_S, PATIENCE_S, Answer, Beside, in_daemon_thread
from tests.fakes.threads import LONG_S, ThreadClock, until


class Held:
    """A question that is answered when the test says so."""

    def __init__(self) -> None:
        self.asked = 0
        self.begun = threading.Semaphore(0)
        self.let_go = threading.Event()

    def __call__(self) -> str:
        self.asked += 1
        self.begun.release()
        assert self.let_go.wait(LONG_S)
        return "at last"


class Bench:
    def __init__(self, most: int = 16) -> None:
        self.clock = ThreadClock()
        self.begun: list[threading.Thread] = []
        self.beside = Beside(self.clock, self.clock.seconds, most=most, begin=self._begin)

    def _begin(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self.begun.append(thread)
        thread.start()

    def ask(self, **questions: Callable[[], object]) -> dict[str, Answer]:
        """Ask, and let patience end if somebody is held up."""
        outcome = self.clock.begin(self.beside.ask(questions))
        return self.ended(outcome, questions)

    def ended(self, outcome: list[Any], questions: dict[str, Any]) -> dict[str, Answer]:
        if any(isinstance(one, Held) and not one.let_go.is_set() for one in questions.values()):
            self.clock.advance(HELP_S)
            until(lambda: all(isinstance(questions.get(key), Held) for key in tuple(self.beside._asked)))
            self.clock.advance(PATIENCE_S)
        found: dict[str, Answer] = self.clock.wait(outcome)
        return found


class Quick:
    """A question that is answered at once."""

    def __init__(self, value: object) -> None:
        self.value = value
        self.asked = 0

    def __call__(self) -> object:
        self.asked += 1
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.beside.close()


def test_answers_and_errors_come_back_by_one_thread_that_is_kept(bench: Bench) -> None:
    for number in range(5):
        error = OSError("none")
        answers = bench.ask(a=Quick(number), b=Quick(error), c=Quick(None))
        assert answers == {"a": Answer(value=number), "b": Answer(error=error), "c": Answer(value=None)}
    assert len(bench.begun) == 1


def test_one_that_is_held_up_neither_holds_up_others_nor_takes_a_thread_each_time(bench: Bench) -> None:
    held = Held()
    for _ in range(10):
        answers = bench.ask(stuck=held, a=Quick(1), b=Quick(2))
        assert (answers["a"].value, answers["b"].value) == (1, 2)
        assert answers["stuck"].waiting_s is not None
    assert held.asked == 1
    assert answers["stuck"].waiting_s == pytest.approx(10 * (HELP_S + PATIENCE_S))
    until(lambda: bench.beside.threads <= 2)  # it, and one that is idle
    until(lambda: sum(thread.is_alive() for thread in bench.begun) == 2)
    held.let_go.set()


def test_an_answer_that_comes_late_is_that_of_the_next_round_and_then_it_is_asked_again(bench: Bench) -> None:
    held = Held()
    assert bench.ask(stuck=held)["stuck"].waiting_s is not None
    held.let_go.set()
    until(lambda: not bench.beside._asked)
    assert bench.ask(stuck=held) == {"stuck": Answer(value="at last")}
    assert held.asked == 1
    assert bench.ask(stuck=held) == {"stuck": Answer(value="at last")}
    assert held.asked == 2


def test_threads_are_bounded_and_what_waits_behind_them_is_said_to_wait() -> None:
    bench = Bench(most=3)
    held = {f"q{number}": Held() for number in range(8)}
    answers = bench.ask(**held)
    assert all(one.waiting_s is not None for one in answers.values())
    assert bench.beside.threads == len(bench.begun) == 3
    for one in held.values():
        one.let_go.set()
    for one in held.values():
        assert one.begun.acquire(timeout=LONG_S)
    until(lambda: not bench.beside._asked)
    assert {one.value for one in bench.ask(**held).values()} == {"at last"}
    bench.beside.close()


def test_a_thread_that_cannot_be_begun_is_tried_again(bench: Bench) -> None:
    begin, bench.beside._begin = bench.beside._begin, _no_thread
    outcome = bench.clock.begin(bench.beside.ask({"a": lambda: 1}))
    bench.clock.advance(HELP_S)
    bench.clock.advance(PATIENCE_S)
    assert bench.clock.wait(outcome)["a"].waiting_s == pytest.approx(HELP_S + PATIENCE_S)
    bench.beside._begin = begin
    other = Quick(2)
    assert bench.ask(b=other)["b"] == Answer(value=2)
    until(lambda: not bench.beside._asked)
    assert bench.ask(a=Quick(3))["a"] == Answer(value=1)


def _no_thread(work: Callable[[], None]) -> None:
    raise RuntimeError("can't start new thread")


def test_whoever_waits_while_it_is_closed_is_let_go(bench: Bench) -> None:
    held = Held()
    outcome = bench.clock.begin(bench.beside.ask({"stuck": held}))
    assert held.begun.acquire(timeout=LONG_S)
    bench.beside.close()
    assert outcome[0]["stuck"].waiting_s == 0.0
    assert not bench.clock.getDelayedCalls()
    held.let_go.set()
    for thread in bench.begun:
        thread.join(LONG_S)
        assert not thread.is_alive()


def test_threads_of_the_daemon_do_not_keep_it_from_ending() -> None:
    seen: list[bool] = []
    done = threading.Event()

    def work() -> None:
        seen.append(threading.current_thread().daemon)
        done.set()

    in_daemon_thread(work)
    assert done.wait(LONG_S)
    assert seen == [True]

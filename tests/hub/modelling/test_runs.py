from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from common.errors import NotFoundError
from hub.modelling.runs import KEPT_S, MAX_RUNS, Answer, Run, Runs


def ended(wait: Deferred[None]) -> bool:
    return bool(wait.called)


def test_each_device_answers_once() -> None:
    run: Run[str] = Run("r", ["a", "b", "a"], dry_run=True)
    assert (run.total, run.waiting, run.dry_run) == (2, ["a", "b"], True)
    run.answer(Answer(device="b", found="new"))
    run.answer(Answer(device="b", found="newer"))
    run.answer(Answer(device="stranger"))
    assert run.answers == [Answer(device="b", found="new")]
    assert run.waiting == ["a"]


def test_who_waits_is_told_of_the_next_answer() -> None:
    clock = Clock()
    run: Run[str] = Run("r", ["a", "b"], dry_run=False)
    wait = Deferred.fromCoroutine(run.more_than(0, clock, 10.0))
    assert not ended(wait)
    run.answer(Answer(device="a"))
    assert ended(wait)
    assert ended(Deferred.fromCoroutine(run.more_than(0, clock, 10.0)))  # there is one already
    second = Deferred.fromCoroutine(run.more_than(1, clock, 10.0))
    assert not ended(second)
    clock.advance(10.0)
    assert ended(second)  # the time is over
    run.answer(Answer(device="b"))
    assert ended(Deferred.fromCoroutine(run.more_than(2, clock, 10.0)))  # nobody is left
    assert not clock.getDelayedCalls()


def test_the_newest_runs_are_kept() -> None:
    runs: Runs[str] = Runs(lambda: 0.0)
    for number in range(MAX_RUNS + 1):
        runs.begin(f"r{number}", ["a"], dry_run=False)
    with pytest.raises(NotFoundError, match="'r0'"):
        runs.get("r0")
    runs.answer("r0", Answer(device="a"))  # nobody waits for it any more
    runs.answer("r1", Answer(device="a"))
    assert runs.get("r1").waiting == []


def test_the_answers_of_all_runs_together_are_bounded() -> None:
    runs: Runs[str] = Runs(lambda: 0.0, max_bytes=10_000)
    for number in range(3):
        runs.begin(f"r{number}", ["a"], dry_run=False)
        runs.answer(f"r{number}", Answer(device="a", found="x" * 4000))
    with pytest.raises(NotFoundError):
        runs.get("r0")
    assert len(runs.get("r1").answers) == 1
    large = runs.begin("large", [str(number) for number in range(9)], dry_run=False)
    for device in large.waiting:
        runs.answer("large", Answer(device=device, found="x" * 2000))
    assert len(runs) == 1
    assert large.is_over
    assert large.size_bytes < 12_000
    assert [bool(one.found) for one in large.answers] == [True] * 4 + [False] * 5
    assert "more than the hub keeps" in large.answers[-1].problem


def test_a_run_is_known_for_an_hour_after_its_last_answer() -> None:
    now = [0.0]
    runs: Runs[str] = Runs(lambda: now[0])
    runs.begin("waits", ["a"], dry_run=False)
    runs.begin("done", ["a"], dry_run=False)
    now[0] = 100.0
    runs.answer("done", Answer(device="a"))
    now[0] = KEPT_S + 99.0
    runs.forget_old()
    assert len(runs) == 2
    now[0] = KEPT_S + 101.0
    runs.forget_old()
    assert [run.id for run in runs.open()] == ["waits"]
    assert len(runs) == 1

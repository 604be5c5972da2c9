"""When a device that does not answer is asked again."""

from __future__ import annotations

import itertools
import random

import pytest

from collectors.process.backoff import Backoff


def attempts(interval_s: int, most_s: float, hours: float, seed: int = 1) -> list[float]:
    """When a device that never answers is asked, of its turns."""
    backoff = Backoff(most_s, random.Random(seed))
    found = []
    for turn in range(int(3600 * hours / interval_s)):
        now = float(turn * interval_s)
        if not backoff.rests(now):
            found.append(now)
            backoff.failed(now, interval_s)
    return found


@pytest.mark.parametrize("seed", range(20))
def test_rests_grow_up_to_the_bound(seed: int) -> None:
    found = attempts(60, 300, 3, seed)
    gaps = [after - before for before, after in itertools.pairwise(found)]
    assert gaps[0] == 60  # the first time it may have been a lost datagram
    assert max(gaps) <= 330
    assert min(gaps[4:]) >= 120
    assert 3 * 3600 / len(found) > 150


def test_chance_keeps_them_apart() -> None:
    assert len({tuple(attempts(60, 300, 1, seed)) for seed in range(20)}) > 10


def test_one_that_is_read_less_often_than_the_bound_is_asked_in_each_turn() -> None:
    assert len(attempts(600, 300, 10)) == 60
    assert len(attempts(300, 300, 10)) == 120


def test_many_failures_are_no_number_too_large() -> None:
    backoff = Backoff(300, random.Random(1))
    for turn in range(2000):
        backoff.failed(float(turn), 1)
    assert not backoff.rests(2000 + 300.0)


def test_an_answer_ends_it() -> None:
    backoff = Backoff(300, random.Random(1))
    for turn in range(5):
        backoff.failed(60.0 * turn, 60)
    assert backoff.silent
    assert backoff.rests(250.0)
    backoff.answered()
    assert (backoff.silent, backoff.rests(250.0)) == (False, False)


def test_a_change_lets_it_be_asked_at_once_and_begins_anew() -> None:
    backoff = Backoff(300, random.Random(1))
    backoff.again()
    assert not backoff.silent
    for turn in range(5):
        backoff.failed(60.0 * turn, 60)
    backoff.again()
    assert (backoff.silent, backoff.rests(241.0)) == (True, False)
    backoff.failed(300.0, 60)
    assert not backoff.rests(420.0)  # two turns at most, as after the second failure


def test_one_that_was_silent_before_is_silent_and_does_not_rest() -> None:
    backoff = Backoff(300, random.Random(1), silent=True)
    assert (backoff.silent, backoff.rests(0.0)) == (True, False)

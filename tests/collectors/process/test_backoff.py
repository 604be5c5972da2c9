"""When a device that does not answer is asked again."""

from __future__ import annotations

import itertools
import random

import pytest

from collectors.framework.snmp.backoff import Backoff
from collectors.process.backoff import in_time, longest_read_s
from common.configs import SnmpConfig


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


def test_a_neighbour_that_is_back_has_it_asked_once_more() -> None:
    backoff = Backoff(300, random.Random(1))
    for turn in range(5):
        backoff.failed(60.0 * turn, 60)
    assert backoff.rests(250.0)
    assert backoff.rests(250.0, 240.0)  # it was asked after that
    assert not backoff.rests(250.0, 241.0)
    backoff.failed(250.0, 60)
    assert backoff.rests(260.0, 241.0)


def test_one_that_was_silent_before_is_silent_and_does_not_rest() -> None:
    backoff = Backoff(300, random.Random(1), silent=True)
    assert (backoff.silent, backoff.rests(0.0)) == (True, False)


# --- patience ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("interval_s", [1, 10, 60, 300])
@pytest.mark.parametrize("timeout_s", [0.1, 2.0, 10.0, 60.0])
@pytest.mark.parametrize("retries", [0, 2, 10])
def test_silence_is_known_before_the_cycle_has_taken_too_long(interval_s: int, timeout_s: float, retries: int) -> None:
    found = in_time(SnmpConfig(timeout_s=timeout_s, retries=retries), interval_s)
    assert found.timeout_s * (1 + found.retries) <= 0.8 * longest_read_s(interval_s)
    assert found.timeout_s <= timeout_s
    assert 0 <= found.retries <= retries
    assert found.timeout_s * (1 + found.retries) >= min(timeout_s * (1 + retries), 0.35 * longest_read_s(interval_s))


def test_settings_that_are_patient_within_reason_stay_as_they_are() -> None:
    snmp = SnmpConfig()
    assert in_time(snmp, 60) is snmp
    assert in_time(snmp, 1) is snmp

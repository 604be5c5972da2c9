"""Which intervals are due when."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zope.interface.verify import verifyObject

from collectors.framework.interfaces import ITurns
from collectors.framework.kit.duesets import DueSets, intervals_of, words
from collectors.framework.timing import FIRST, LAST, phase, slot
from common.errors import PermanentError


def walk(due: DueSets, start: float, until: float) -> dict[float, list[int]]:
    """What a timer that is never late has run, by when."""
    runs = {start: sorted(due.take(start))}
    now = start + due.wait_s(start, begins=True)
    while now <= until:
        found = due.take(now)
        if found:
            assert found == {one: slot(now, one) for one in found}
            runs[now] = sorted(found)
        now += due.wait_s(now)
    return runs


def test_it_is_what_the_scheduler_asks() -> None:
    assert verifyObject(ITurns, DueSets("fake:web1", (60,)))


def test_aligned_intervals_are_one_run() -> None:
    assert walk(DueSets("x", (60, 300), place=0.0), 0, 300) == {
        0: [60, 300], 60: [60], 120: [60], 180: [60], 240: [60], 300: [60, 300],
    }  # fmt: skip


def test_others_run_each_at_its_own_time() -> None:
    assert walk(DueSets("x", (60, 90), place=0.0), 0, 360) == {
        0: [60, 90], 60: [60], 90: [90], 120: [60], 180: [60, 90], 240: [60], 270: [90], 300: [60], 360: [60, 90],
    }  # fmt: skip


@pytest.mark.parametrize("place", [0.05, 0.3, 0.5, 0.85])
def test_it_is_the_same_at_any_place_in_the_interval(place: float) -> None:
    offset = 60 * place
    ticks = walk(DueSets("x", (60, 90), place=place), 1_800_000_000 - 180 + offset, 1_800_000_000 + 359 + offset)
    assert {round(at - 1_800_000_000 - offset): due for at, due in ticks.items() if at >= 1_800_000_000} == {
        0: [60, 90], 60: [60], 90: [90], 120: [60], 180: [60, 90], 240: [60], 270: [90], 300: [60],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "intervals"),
    [
        ({60, 300}, (60, 300)),
        (["300", "60", 60, " 60 "], (60, 300)),
        ("60", (60,)),
        (60, (60,)),
        ((1, 86_400), (1, 86_400)),
    ],
)
def test_text_counts_as_what_it_says(given: Any, intervals: tuple[int, ...]) -> None:
    assert intervals_of(given, "job disks of web1") == intervals


@pytest.mark.parametrize(
    "given",
    [(), set(), [0], [-60], [86_401], ["x"], ["1.5"], [1.5], [60.0], [None], [True], [""], ["-60"], ["²"], ["6" * 999],
     None, 0, "", 1.5, range(1, 200), [float("nan")]],
)  # fmt: skip
def test_what_is_no_interval_is_an_error_that_names_the_job(given: Any) -> None:
    with pytest.raises(PermanentError, match="job disks of web1") as caught:
        intervals_of(given, "job disks of web1")
    assert len(str(caught.value)) < 200


def test_an_empty_set_says_what_is_missing() -> None:
    with pytest.raises(PermanentError, match=r"^the job of web1 has no intervals; it needs at least one"):
        intervals_of([], "the job of web1")


def test_a_run_that_is_late_has_all_that_became_due() -> None:
    due = DueSets("x", (60, 90, 3600), place=0.0)
    due.take(0)
    assert due.due(95) == {60: 60, 90: 90}
    assert due.take(185) == {60: 180, 90: 180}  # those of 60, 90 and 120 as well
    assert due.take(185) == {}
    assert due.due(3600.0) == {60: 3600, 90: 3600, 3600: 3600}
    assert due.take(3725) == {60: 3720, 90: 3690, 3600: 3600}


def test_out_of_turn_it_is_all_and_the_turns_stay() -> None:
    due = DueSets("x", (60, 300), place=0.5)
    due.take(1000)
    assert due.due(1001) == {}
    due.everything()
    assert due.take(1001) == {60: 960, 300: 900}
    assert due.due(1001) == {}
    due.everything()
    assert due.take(1021) == {60: 1020, 300: 900}  # before its turn in that step
    assert due.take(1050) == {60: 1020}
    assert due.take(1050) == {}


def test_other_intervals_are_due_at_once_and_the_place_stays() -> None:
    due = DueSets("fake:web1", (60,))
    due.take(1000)
    place = due.offset_s / 60
    due.change((60, 300))
    assert due.take(1001) == {60: 960, 300: 900}
    due.change((120,))
    assert due.offset_s / 120 == pytest.approx(place)
    assert DueSets("fake:web1", (60,)).offset_s == 60 * place == 60 * phase("fake:web1")


def test_a_timer_may_be_somewhat_early() -> None:
    due = DueSets("x", (60, 300), place=0.05)
    due.take(0)
    assert due.take(302.6) == {60: 300, 300: 300}
    assert due.wait_s(302.6) == pytest.approx(363 - 302.6)


def test_a_clock_that_is_set_back_holds_nothing_up() -> None:
    due = DueSets("x", (60, 300), place=0.5)
    due.take(1_000_000)
    assert due.due(500_000) == {}
    assert 0 < due.wait_s(500_000) <= 120
    now, runs = 500_000.0, []
    for _ in range(20):
        now += due.wait_s(now)
        runs.append(due.take(now))
    assert {300} <= {one for run in runs for one in run}
    assert runs[-1]


def test_a_clock_that_is_set_ahead_makes_one_run_of_what_was_left_out() -> None:
    due = DueSets("x", (60, 300), place=0.5)
    due.take(1_000)
    assert due.take(1_000_000) == {60: 999_960, 300: 999_900}
    assert due.due(1_000_001) == {}


def test_words() -> None:
    assert words({300: 0, 60: 0}) == "60 s, 300 s"


intervals = st.lists(st.integers(1, 4000), min_size=1, max_size=5, unique=True).map(lambda some: tuple(sorted(some)))
places = st.floats(FIRST, LAST)


@given(intervals, places, st.floats(0, 4e9), st.lists(st.floats(0, 500), min_size=1, max_size=50))
def test_no_interval_is_ever_lost_however_late_runs_are(
    some: tuple[int, ...], place: float, start: float, late: list[float]
) -> None:
    due = DueSets("x", some, place)
    last = due.take(start)
    assert last == {one: slot(start, one) for one in some}
    now = start + due.wait_s(start, begins=True)
    for delay in late:
        at = now + delay
        run = due.take(at)
        assert run.items() <= {one: slot(at, one) for one in some}.items()
        for one in some:
            if one not in run:  # its turn has not come since it ran, and it has that of its step
                assert at <= last[one] + one + due.offset_s + 1e-6 * start + 1e-3
        last |= run
        wait_s = due.wait_s(at)
        assert 0 < wait_s <= 2 * some[0]
        now = at + wait_s


@given(intervals, places, st.floats(0, 2e9))
def test_every_step_has_one_run_when_nothing_is_late(some: tuple[int, ...], place: float, start: float) -> None:
    due = DueSets("x", some, place)
    steps: dict[int, list[int]] = {one: [slot(start, one)] for one in some}
    due.take(start)
    now = start + due.wait_s(start, begins=True)
    for _ in range(60):
        for one, step in due.take(now).items():
            steps[one].append(step)
        now += due.wait_s(now)
    for one, found in steps.items():
        assert found == list(range(found[0], found[-1] + 1, one))
        assert found[-1] >= slot(now - 2 * some[0] - due.offset_s, one) - one

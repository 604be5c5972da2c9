from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from hub.distribution.procrastinator import Procrastinator


def make() -> tuple[Clock, Procrastinator, list[list[str]]]:
    clock, released = Clock(), list[list[str]]()
    return clock, Procrastinator(clock, released.append), released


def test_one_change_goes_out_after_a_quarter_of_a_second() -> None:
    clock, procrastinator, released = make()
    procrastinator.later(["a"])
    clock.advance(0.249)
    assert released == []
    clock.advance(0.002)
    assert released == [["a"]]
    assert procrastinator.waiting == 0


def test_changes_that_follow_each_other_go_out_together_oldest_first_and_once() -> None:
    clock, procrastinator, released = make()
    for id_ in ("b", "a", "b", "c"):
        procrastinator.later([id_])
        clock.advance(0.2)
    clock.advance(0.1)
    assert released == [["b", "a", "c"]]


def test_a_steady_stream_waits_two_seconds_and_no_longer() -> None:
    clock, procrastinator, released = make()
    for step in range(21):
        procrastinator.later([f"d{step}"])
        clock.advance(0.1)
    assert len(released) == 1
    assert released[0] == [f"d{step}" for step in range(20)]


def test_flush_gives_out_at_once_and_leaves_no_timer() -> None:
    clock, procrastinator, released = make()
    procrastinator.later(["a", "b"])
    procrastinator.flush()
    assert released == [["a", "b"]]
    assert clock.getDelayedCalls() == []


def test_nothing_named_means_nothing_happens() -> None:
    clock, procrastinator, released = make()
    procrastinator.later([])
    procrastinator.flush()
    clock.advance(5)
    assert released == []


def test_what_is_named_during_the_release_waits_for_the_next() -> None:
    clock = Clock()
    released: list[list[str]] = []

    def release(ids: list[str]) -> None:
        released.append(ids)
        if ids == ["a"]:
            procrastinator.later(["b"])

    procrastinator = Procrastinator(clock, release)
    procrastinator.later(["a"])
    clock.advance(0.25)
    assert released == [["a"]]
    clock.advance(0.25)
    assert released == [["a"], ["b"]]


@given(st.lists(st.tuples(st.floats(0, 0.6), st.integers(0, 5)), max_size=60))
def test_every_id_goes_out_within_two_seconds_of_being_named(steps: list[tuple[float, int]]) -> None:
    clock = Clock()
    named: dict[str, float] = {}

    def release(ids: list[str]) -> None:
        assert len(set(ids)) == len(ids)
        for id_ in ids:
            assert clock.seconds() - named.pop(id_) <= 2.0 + 1e-6

    procrastinator = Procrastinator(clock, release)
    for wait_s, number in steps:
        clock.pump([0.05] * int(wait_s / 0.05))
        named.setdefault(f"d{number}", clock.seconds())
        procrastinator.later([f"d{number}"])
    clock.pump([0.05] * 41)
    assert named == {}

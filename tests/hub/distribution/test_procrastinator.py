from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from hub.distribution.procrastinator import LONGEST_S, QUIET_S, Procrastinator


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


def test_during_a_drain_ids_are_gathered_and_go_out_when_it_is_over() -> None:
    clock, released, drains = Clock(), list[list[str]](), list[Deferred[None]]()

    def drain(ids: list[str]) -> Deferred[None]:
        released.append(ids)
        drains.append(Deferred())
        return drains[-1]

    procrastinator = Procrastinator(clock, drain)
    procrastinator.later(["a"])
    clock.advance(0.25)
    for step in range(100):
        procrastinator.later(["c", "b", f"d{step % 3}"])
        clock.advance(0.1)
    assert released == [["a"]]
    drains[0].callback(None)
    clock.advance(0)
    assert released == [["a"], ["c", "b", "d0", "d1", "d2"]]
    procrastinator.later(["e"])
    drains[1].errback(RuntimeError("a defect of the drain"))
    clock.advance(0.25)
    assert released[2:] == [["e"]]
    procrastinator.later(["f"])
    procrastinator.flush()
    assert released[3:] == [["f"]], "at the end nothing waits for a drain"
    drains[2].callback(None)
    drains[3].callback(None)
    assert clock.getDelayedCalls() == []


class Promises(RuleBasedStateMachine):
    """Ids named at any time, drains that take any time: what is promised of each id holds."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.procrastinator = Procrastinator(self.clock, self.drain)
        self.named: dict[str, float] = {}
        self.last_named = 0.0
        self.going_on: Deferred[None] | None = None
        self.over_at = 0.0
        self.quick = True

    def drain(self, ids: list[str]) -> Deferred[None] | None:
        now = self.clock.seconds()
        assert self.going_on is None, "a drain began while another went on"
        assert ids == list(self.named), "not all that waited, once each, oldest first"
        eldest = next(iter(self.named.values()))
        quiet, longest = now - self.last_named, now - eldest
        assert quiet >= QUIET_S - 1e-6 or longest >= LONGEST_S - 1e-6, "too early"
        waited = now - max(self.over_at, min(eldest + LONGEST_S, self.last_named + QUIET_S))
        assert waited <= 1e-6, f"{waited} s too late"
        self.named.clear()
        if self.quick:
            return None
        self.going_on = Deferred()
        return self.going_on

    @rule(numbers=st.lists(st.integers(0, 5), max_size=4))
    def name(self, numbers: list[int]) -> None:
        ids = [f"d{number}" for number in numbers]
        for id_ in ids:
            self.named.setdefault(id_, self.clock.seconds())
        if ids:
            self.last_named = self.clock.seconds()
        self.procrastinator.later(ids)
        assert self.procrastinator.waiting == len(self.named)

    @rule(steps=st.integers(1, 60))
    def wait(self, steps: int) -> None:
        for _ in range(steps):
            calls = self.clock.getDelayedCalls()
            due = min((call.getTime() for call in calls), default=self.clock.seconds() + 0.05)
            self.clock.advance(max(0.0, min(0.05, due - self.clock.seconds())))

    @rule(quick=st.booleans())
    def pace(self, quick: bool) -> None:
        self.quick = quick

    @precondition(lambda self: self.going_on is not None)
    @rule(fails=st.booleans())
    def end(self, fails: bool) -> None:
        going_on, self.going_on = self.going_on, None
        self.over_at = self.clock.seconds()
        assert going_on is not None
        if fails:
            going_on.errback(RuntimeError("a defect of the drain"))
        else:
            going_on.callback(None)
        self.clock.advance(0)

    def teardown(self) -> None:
        self.quick = True
        if self.going_on is not None:
            self.end(fails=False)
        self.wait(60)
        assert self.named == {}
        assert self.clock.getDelayedCalls() == []


Promises.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestPromises = Promises.TestCase

"""How often scans out of turn are asked for, and when events are too many."""

from __future__ import annotations

from twisted.internet.task import Clock

from collectors.framework.processevents.pace import BURST, LEAST_GAP_S, PAUSE_S, SETTLE_S, Storm, Waker


class Bench:
    def __init__(self, cost_s: float = 0.0) -> None:
        self.clock = Clock()
        self.scans: list[float] = []
        self.cost_s = cost_s
        self.waker = Waker(self.clock, self.scan)

    def scan(self) -> None:
        assert self.waker.asked
        self.scans.append(self.clock.seconds())
        self.waker.scanned(self.cost_s)

    def deaths(self, a_second: int, seconds: float) -> int:
        """Deaths at a steady rate; returns how many scans they had."""
        before = len(self.scans)
        for _ in range(int(a_second * seconds)):
            self.waker.ring()
            self.clock.advance(1.0 / a_second)
        return len(self.scans) - before


def test_one_death_is_scanned_for_at_once_and_once() -> None:
    bench = Bench()
    bench.waker.ring()
    bench.clock.advance(SETTLE_S)
    assert bench.scans == [SETTLE_S]
    bench.clock.advance(60.0)
    assert len(bench.scans) == 1


def test_many_that_die_together_have_one_scan_or_two() -> None:
    bench = Bench()
    assert bench.deaths(10_000, 0.05) <= 2  # 500 workers


def test_deaths_without_end_have_few_scans() -> None:
    bench = Bench()
    assert BURST <= bench.deaths(1000, 60.0) <= BURST + 61
    # After a rest all is as in the beginning.
    bench.clock.pump([0.1] * 10 * (BURST + 1))
    at = bench.clock.seconds()
    bench.waker.ring()
    bench.clock.advance(SETTLE_S)
    assert bench.scans[-1] == at + SETTLE_S


def test_scans_that_cost_much_are_made_seldom() -> None:
    bench = Bench(cost_s=0.4)
    scans = bench.deaths(100, 60.0)
    assert scans * bench.cost_s <= 0.1 * 60.0 + bench.cost_s
    assert scans >= 10


def test_what_a_scan_on_turn_has_seen_is_not_scanned_for_again() -> None:
    bench = Bench()
    bench.waker.ring()
    bench.waker.scanned(0.0)
    bench.clock.advance(10.0)
    assert bench.scans == []


def test_a_scan_that_was_asked_for_is_not_asked_for_again_until_it_was_made() -> None:
    clock = Clock()
    asked: list[float] = []
    waker = Waker(clock, lambda: asked.append(clock.seconds()))
    for _ in range(100):
        waker.ring()
        clock.advance(0.1)
    assert len(asked) == 1  # the task is paused, or waits for its place
    waker.scanned(0.0)
    waker.ring()
    clock.advance(LEAST_GAP_S)
    assert len(asked) == 2
    assert waker.wakes == 2


def test_what_has_rung_can_be_forgotten() -> None:
    bench = Bench()
    bench.waker.ring()
    bench.waker.stop()
    bench.clock.advance(10.0)
    assert bench.scans == []


def test_a_storm_is_more_events_than_so_many_a_second_and_pauses_grow_longer() -> None:
    storm = Storm(100)
    assert not any(storm.count(50, now / 2) for now in range(100))
    assert [storm.count(40, 200.0) for _ in range(3)] == [False, False, True]
    pauses = []
    for _ in range(8):
        pauses.append(storm.pause_s)
        storm.paused()
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[1], pauses[-1]) == (PAUSE_S[0], 2 * PAUSE_S[0], PAUSE_S[1])
    storm.steady()
    assert storm.pause_s == PAUSE_S[0]

"""The live tier: passes by the clock, never two at once, and what is said of those that fail or are slow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from collectors.status.live import SLOW_AFTER, Live
from collectors.status.passes import Pass
from common.errors import TransientError
from tests.collectors.status.passes_made import a_pass


class Watcher:
    """Takes passes that last as long as a test says."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lasts_s = 0.0
        self.took_s = 0.0
        self.fails: Exception | None = None
        self.begun: list[float] = []
        self.under_way = 0
        self.at_once = 0

    async def look(self) -> Pass:
        began = self.clock.seconds()
        self.begun.append(began)
        self.under_way += 1
        self.at_once = max(self.at_once, self.under_way)
        try:
            if self.lasts_s:
                waited: Deferred[None] = Deferred()
                self.clock.callLater(self.lasts_s, waited.callback, None)
                await waited
        finally:
            self.under_way -= 1
        if self.fails is not None:
            raise self.fails
        return a_pass(monotonic=began, took_s=self.took_s or self.lasts_s)


class Bench:
    def __init__(self, rate: float = 1.0) -> None:
        self.clock = Clock()
        self.watcher = Watcher(self.clock)
        self.said: list[str] = []
        self.live = Live(self.clock, self.watcher, rate, self.said.append)

    def start(self) -> None:
        self.live.startService()

    def run(self, seconds: float, step_s: float = 0.125) -> None:
        for _ in range(round(seconds / step_s)):
            self.clock.advance(step_s)


def fired(waiting: Any) -> bool:
    return bool(Deferred.fromCoroutine(waiting).called)


def test_the_first_pass_is_taken_at_once_and_the_others_by_the_clock() -> None:
    bench = Bench(rate=2.0)
    bench.start()
    assert bench.watcher.begun == [0.0]
    assert bench.live.latest is not None
    bench.run(2.0, 0.25)
    assert bench.watcher.begun == [0.0, 0.5, 1.0, 1.5, 2.0]


def test_what_a_pass_takes_delays_no_later_one() -> None:
    bench = Bench()
    bench.watcher.lasts_s = 0.375
    bench.start()
    bench.run(100)
    assert bench.watcher.begun == [float(number) for number in range(101)]


def test_a_pass_that_takes_longer_than_a_turn_leaves_turns_out_and_none_is_under_way_twice() -> None:
    bench = Bench()
    bench.watcher.lasts_s = 2.5
    bench.start()
    bench.run(9)
    assert bench.watcher.at_once == 1
    assert bench.watcher.begun == [0, 3, 6, 9]
    assert bench.live.skipped == 6


def test_passes_that_are_slow_again_and_again_are_told_and_so_is_their_end() -> None:
    bench = Bench()
    bench.watcher.took_s = 1.4
    bench.start()
    bench.run(SLOW_AFTER - 2)
    assert bench.said == []
    bench.run(4)
    assert len(bench.said) == 1
    assert "takes 1.4 s, and rate asks for it each 1 s" in bench.said[0]
    bench.watcher.took_s = 0.1
    bench.run(SLOW_AFTER + 2)
    assert bench.said[1:] == [""]


def test_one_slow_pass_is_nothing() -> None:
    bench = Bench()
    bench.start()
    for number in range(30):
        bench.watcher.took_s = 1.4 if number % 3 == 0 else 0.1
        bench.run(1)
    assert bench.said == []


@pytest.mark.parametrize(
    ("error", "sentence"),
    [(TransientError("the host is ill"), "the host is ill"), (ValueError("x"), "ValueError; the log has more")],
)
def test_a_pass_that_fails_is_told_and_the_next_one_is_taken_all_the_same(error: Exception, sentence: str) -> None:
    bench = Bench()
    bench.watcher.fails = error
    bench.start()
    with pytest.raises(TransientError, match=sentence):
        bench.live.tree()
    bench.run(3)
    assert len(bench.said) == 1
    assert sentence in bench.said[0]
    bench.watcher.fails = None
    bench.run(1.25)
    assert bench.said[1:] == [""]
    assert bench.live.tree()["disk"]


def test_who_waits_for_the_first_pass_is_answered_when_it_is_there_or_has_failed() -> None:
    bench = Bench()
    bench.watcher.lasts_s = 0.5
    bench.start()
    with pytest.raises(TransientError, match="was not read yet"):
        bench.live.tree()
    answered: list[None] = []
    Deferred.fromCoroutine(bench.live.first()).addCallback(answered.append)
    assert len(answered) == 0
    bench.run(0.625)
    assert len(answered) == 1
    assert fired(bench.live.first())
    broken = Bench()
    broken.watcher.fails = TransientError("no")
    broken.start()
    assert fired(broken.live.first())


def test_the_tree_is_made_once_for_a_pass() -> None:
    bench = Bench()
    bench.start()
    tree = bench.live.tree()
    assert bench.live.tree() is tree
    bench.run(1.25)
    assert bench.live.tree() is not tree


def test_a_pass_that_is_too_old_for_a_step_is_taken_anew() -> None:
    bench = Bench(rate=0.01)
    bench.start()
    bench.run(30, 1.0)
    assert fired(bench.live.no_older_than(31))
    assert bench.live.passes == 1
    assert fired(bench.live.no_older_than(29))
    assert bench.live.passes == 2
    assert bench.live.latest is not None
    assert bench.live.latest.monotonic == 30.0


def test_when_it_is_stopped_nothing_is_left_to_do() -> None:
    bench = Bench()
    bench.start()
    stop: Callable[[], object] = bench.live.stopService
    stop()
    assert bench.clock.getDelayedCalls() == []
